"""Any metric decides: of a third party, lower or higher, of sums or not, by group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from sklearn.metrics import cohen_kappa_score

import textclf_core
from textclf_core import ComparisonResult, UsageError

METRICS = '''
"""Metrics that decide: one of labels, one of probabilities, one by group; and one that isn't described."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import cohen_kappa_score
from textclf_core import MetricInfo, RowSums, hookimpl


@dataclass(frozen=True, kw_only=True)
class WeightedKappa:
    """Cohen's kappa with quadratic weights: agreement on labels that have an order, such as stars."""

    @hookimpl
    def textclf_describe_metrics(self):
        return [MetricInfo(name="weighted_kappa", better="higher", low=-1, high=1)]

    @hookimpl
    def textclf_compute_metrics(self, references, predictions):
        return {"weighted_kappa": float(cohen_kappa_score(references, predictions, weights="quadratic"))}


def losses(references, scores):
    return -np.log(np.maximum(scores[np.arange(len(references)), references], 1e-6))


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """The mean negative logarithm of the true label's probability: a mean over rows, of which lower is better."""

    @hookimpl
    def textclf_describe_metrics(self):
        sums = RowSums.mean(lambda rows: losses(rows.references, rows.scores))
        return [MetricInfo(name="surprise", better="lower", low=0, high=math.inf, sums=sums)]

    @hookimpl
    def textclf_compute_metrics(self, references, scores):
        return {"surprise": float(losses(references, scores).mean())}


@dataclass(frozen=True, kw_only=True)
class GapBetweenShops:
    """By how much accuracy differs between two shops, which are a column of the data."""

    @hookimpl
    def textclf_describe_metrics(self):
        return [MetricInfo(name="gap", better="lower", low=0, high=1)]

    @hookimpl
    def textclf_compute_metrics(self, references, predictions, data):
        shops, right = np.array(data["shop"][:]), references == predictions
        return {"gap": float(abs(right[shops == "a"].mean() - right[shops == "b"].mean())) if len(right) > 9 else 0.0}


@dataclass(frozen=True, kw_only=True)
class ErrorRate:
    """The share of the predictions that are wrong, with nothing said of what is better."""

    @hookimpl
    def textclf_compute_metrics(self, references, predictions):
        return {"error_rate": float((references != predictions).mean())}
'''
STARS = ("one", "two", "three")
PLUGINS = ["weighted-kappa", "surprise", "gap-between-shops", "error-rate"]


def reviews(rows: int, seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    stars = rng.integers(3, size=rows)
    words = [("bad", "dull"), ("fair", "plain"), ("good", "warm")]
    texts = [f"{rng.choice(words[(star + (rng.random() < 0.2)) % 3])} {rng.integers(10**6)}" for star in stars]
    columns = {"text": texts, "label": stars, "shop": rng.choice(["a", "b"], size=rows)}
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(STARS)), "shop": Value("string")})
    return Dataset.from_dict(columns, features=features)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the file of metrics, and runs of four contenders that compute them."""
    folder = tmp_path_factory.mktemp("metrics")
    (folder / "metrics.py").write_text(METRICS)
    compared(folder, metric="surprise", tolerance=0.05)
    return folder


def compared(folder: Path, tries: tuple[str, ...] = ("tfidf-logreg:c=10", "tfidf-logreg:c=0.01"), **options: object
             ) -> ComparisonResult:  # fmt: skip
    data = DatasetDict({"train": reviews(120, 0), "validation": reviews(60, 1), "test": reviews(150, 2)})
    result = textclf_core.compare(
        tries, plugins=PLUGINS, data=data, plugin_files=[folder / "metrics.py"], output=folder / "runs", quiet=True,
        baselines=False, seeds=2, **options,  # type: ignore[arg-type]
    )  # fmt: skip
    assert isinstance(result, ComparisonResult)
    return result


def test_a_metric_of_which_lower_is_better_decides(folder: Path) -> None:
    analysis = textclf_core.report(folder / "runs", metric="surprise", tolerance=0.05).analysis
    assert analysis is not None
    best, other = analysis.rows
    assert best.line.label == "tfidf-logreg:c=10"
    assert best.score < other.score == pytest.approx(other.line.runs[0].record.metrics["test"]["surprise"], abs=1e-6)
    assert best.recommended
    assert (best.verdict, other.verdict) == ("best", "worse")
    assert other.difference > 0
    assert other.distance is not None
    assert (other.distance.low, other.distance.high > other.difference) == (0, True)
    assert 0.05 < other.loss < other.difference
    assert 0 < best.low < best.score < best.high
    assert "is the best: surprise" in analysis.sentence


def test_a_comparison_shows_what_a_report_of_its_runs_shows(folder: Path) -> None:
    result = compared(folder, metric="surprise", tolerance=0.05)
    assert str(result.report) == textclf_core.report(folder / "runs", metric="surprise", tolerance=0.05).text()
    assert result.report.recommended == "tfidf-logreg:c=10"


def test_a_metric_that_is_no_function_of_sums_decides_by_the_jackknife(folder: Path) -> None:
    analysis = textclf_core.report(folder / "runs", metric="weighted_kappa", tolerance=0.05).analysis
    assert analysis is not None
    best = analysis.rows[0]
    run = best.line.runs[0]
    true, predicted = run.label_ids("label"), run.label_ids("prediction")
    assert best.score == pytest.approx(cohen_kappa_score(true, predicted, weights="quadratic"))
    rng = np.random.default_rng(0)
    drawn = [
        cohen_kappa_score(true[rows], predicted[rows], weights="quadratic")
        for rows in rng.integers(len(true), size=(400, len(true)))
    ]
    assert best.high - best.low == pytest.approx(np.ptp(np.quantile(drawn, [0.025, 0.975])), rel=0.25)


def test_a_metric_by_group_reads_the_columns_of_the_data(folder: Path) -> None:
    analysis = textclf_core.report(folder / "runs", metric="gap").analysis
    assert analysis is not None
    for row in analysis.rows:
        assert row.score == pytest.approx(np.mean([run.record.metrics["test"]["gap"] for run in row.line.runs]))
        assert row.low < row.score < row.high
    assert analysis.rows[0].score <= analysis.rows[1].score


def test_other_tables_and_pictures_put_the_lowest_first(folder: Path) -> None:
    report = textclf_core.report(
        folder / "runs", metric="surprise", tolerance=0.05, columns=["contender", "score"], plots=folder / "plots"
    )
    assert report.to_frame().index[0] == "tfidf-logreg:c=10"
    turned = textclf_core.report(folder / "runs", metric="surprise", tolerance=0.05, sort="-score")
    assert turned.text().index("c=0.01", 400) < turned.text().index("c=10 ", 400)
    by_other = textclf_core.report(folder / "runs", metric="accuracy", sort="surprise", columns=["contender"])
    assert by_other.to_frame().index[0] == "tfidf-logreg:c=10"


def test_a_metric_without_a_usual_tolerance_asks_for_one(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"surprise takes values from 0 to inf, so no loss.* --tolerance"):
        textclf_core.report(folder / "runs", metric="surprise")
    with pytest.raises(UsageError, match="weighted_kappa takes values from -1 to 1"):
        compared(folder, ("majority",), metric="weighted_kappa")
    assert not list((folder / "runs").glob("*majority*"))  # found before anything was trained


def test_a_metric_that_is_not_described_decides_nothing(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"error_rate: no plugin describes such a metric.*textclf_describe_metrics"):
        textclf_core.report(folder / "runs", metric="error_rate")


def test_tuning_takes_the_lowest(folder: Path) -> None:
    pytest.importorskip("optuna")
    result = compared(
        folder, ("tfidf-logreg:c=0.001",), tune=["c=0.001..10"], trials=4, metric="surprise", tolerance=0.05
    )
    tuning = result.runs[0].record.tuning
    assert tuning is not None
    tried = [textclf_core.open_run(path) for path in (folder / "runs" / "trials").iterdir()]
    assert tuning.validation_score == min(run.metrics["validation"]["surprise"] for run in tried)

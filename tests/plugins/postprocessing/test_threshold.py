"""``threshold``: other choices than the highest score, fitted on validation and kept with the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score, recall_score

import textclf_core
from textclf_core.errors import DataError, UsageError
from textclf_core.plugins.options import build_plugin
from textclf_core.testing import tiny_data
from textclf_core.types.task import Task
from textclf_plugins.postprocessing.decisions import decision
from textclf_plugins.postprocessing.threshold import Threshold

TWO = Task(label_names=("bad", "good"))
THREE = Task(label_names=("bad", "fair", "good"))
TEXTS = tiny_data(96)["test"]["text"][:]


def scores_and_labels(rows: int = 400, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return scores of a rare positive label that is seldom given a high one, with ties."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.2).astype(np.int64)
    positive = np.round(np.clip(rng.normal(0.15 + 0.25 * labels, 0.15), 0.01, 0.99), 2).astype(np.float32)
    return np.stack([1 - positive, positive], axis=1), labels


def chosen(scores: NDArray[np.float32], labels: NDArray[np.int64], task: Task = TWO, **options: Any) -> NDArray[Any]:
    """Return the labels that ``threshold`` chooses with these options, fitted on the same rows."""
    return decision(Threshold(**options), scores, labels.tolist(), task).decide(scores)


def cuts(scores: NDArray[np.float32]) -> list[NDArray[np.int64]]:
    """Return the labels at each threshold that there can be."""
    return [(scores[:, 1] >= value).astype(np.int64) for value in [*np.unique(scores[:, 1]), 2]]


def test_without_an_option_no_other_threshold_has_a_better_f1() -> None:
    scores, labels = scores_and_labels()
    best = max(f1_score(labels, cut) for cut in cuts(scores))
    assert f1_score(labels, chosen(scores, labels)) == pytest.approx(best)
    assert best > f1_score(labels, scores.argmax(axis=1)) + 0.05


@pytest.mark.parametrize("floor", [0.5, 0.9, 1.0])
def test_a_minimum_recall_is_reached_with_the_highest_threshold(floor: float) -> None:
    scores, labels = scores_and_labels()
    found = chosen(scores, labels, recall=floor)
    assert recall_score(labels, found) >= floor
    assert found.sum() == min(cut.sum() for cut in cuts(scores) if recall_score(labels, cut) >= floor)


def test_a_rounding_moves_no_row_of_validation_across() -> None:
    scores, labels = scores_and_labels()
    fitted = decision(Threshold(), scores, labels.tolist(), TWO)
    for nudge in (-1e-6, 1e-6):
        assert (fitted.decide(scores + np.float32(nudge)) == fitted.decide(scores)).all()


def several_scores(rows: int = 300) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return scores of three labels, of which the last occurs in no row."""
    rng = np.random.default_rng(0)
    labels = (rng.random((rows, 3)) < [0.4, 0.1, 0.0]).astype(np.int64)
    return np.clip(rng.normal(0.2 + 0.2 * labels, 0.1), 0.01, 0.99).astype(np.float32), labels


def sets_of(labels: NDArray[np.int64]) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in labels]


SEVERAL = Task(label_names=("a", "b", "c"), kind="multi-label")


def test_of_several_labels_each_has_the_threshold_with_its_best_f1(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="textclf")
    scores, labels = several_scores()
    found = decision(Threshold(), scores, sets_of(labels), SEVERAL).decide(scores)
    for label in (0, 1):
        best = max(f1_score(labels[:, label], scores[:, label] >= cut) for cut in np.unique(scores[:, label]))
        assert f1_score(labels[:, label], found[:, label]) == pytest.approx(best)
    assert (found[:, 2] == (scores[:, 2] >= 0.5)).all()
    assert "threshold: validation has no row of c, so its threshold stays 0.5" in caplog.messages


def test_of_several_labels_each_keeps_the_recall_floor() -> None:
    scores, labels = several_scores()
    found = decision(Threshold(recall=0.8), scores, sets_of(labels), SEVERAL).decide(scores)
    assert recall_score(labels[:, :2], found[:, :2], average=None).min() >= 0.8


def test_costs_choose_the_label_with_the_lowest_expected_cost() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [0.5, 0.1, 0.4], [0.1, 0.8, 0.1]], np.float32)
    matrix = (0, 1, 2, 1, 0, 1, 10, 1, 0)  # a good one called bad costs ten
    # Row 1: bad costs .2 * 1 + .1 * 10 = 1.2, fair .7 + .1 = .8, good 1.4 + .2 = 1.6.
    assert chosen(scores, np.array([0, 1, 2]), THREE, costs=matrix).tolist() == [1, 1, 1]
    equal = (0, 1, 1, 1, 0, 1, 1, 1, 0)
    assert chosen(scores, np.array([0, 1, 2]), THREE, costs=equal).tolist() == [0, 0, 1]


def test_no_answer_below_a_confidence() -> None:
    scores = np.array([[0.8, 0.1, 0.1], [0.4, 0.3, 0.3], [0.2, 0.2, 0.6]], np.float32)
    assert chosen(scores, np.array([0, 1, 2]), THREE, abstain_below=0.6).tolist() == [0, -1, 2]


def test_what_does_not_fit_is_refused_with_what_to_do() -> None:
    scores, labels = scores_and_labels(8)
    with pytest.raises(UsageError, match="recall and abstain_below exclude each other"):
        build_plugin("threshold", Threshold, {"recall": 0.9, "abstain_below": 0.5})
    with pytest.raises(UsageError, match=r"this task has 3 \(bad, fair, good\). Give costs or abstain_below"):
        chosen(scores, labels, THREE)
    with pytest.raises(UsageError, match=r"costs needs 4 numbers for the labels bad, good: .* got 3"):
        chosen(scores, labels, costs=(0, 1, 5))
    with pytest.raises(DataError, match="no row of 'good'"):
        chosen(scores, np.zeros_like(labels))


@pytest.fixture(scope="module")
def base(tiny_checkpoint: Path, reviews: Path) -> list[str]:
    """A run whose model is unsure, so that thresholds move labels."""
    return [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}", "finetune:learning_rate=1e-2,epochs=2"]


def test_a_run_has_the_same_labels_everywhere(base: list[str], tmp_path: Path) -> None:
    run = textclf_core.run([*base, "calibration", "threshold:recall=1"], output=tmp_path, quiet=True)
    rows = [row for row in run.predictions().to_pylist() if row["split"] == "test"]
    assert any(row["scores"][0] > 0.5 and row["prediction"] == "positive" for row in rows)
    truth, predicted = ([row[column] for row in rows] for column in ("label", "prediction"))
    assert run.metrics["test"]["f1"] == pytest.approx(f1_score(truth, predicted, pos_label="positive"))
    answers = run.predict(TEXTS)
    assert [row["prediction"] for row in answers] == predicted
    assert [row["score"] for row in answers] == pytest.approx(
        [row["scores"][("negative", "positive").index(row["prediction"])] for row in rows], abs=2e-6
    )
    calibration, threshold = run.record.postprocessing
    assert threshold.fitted.startswith("minimum score: positive 0.")
    assert calibration.after == threshold.before
    assert threshold.after["test"]["f1"] == run.metrics["test"]["f1"] != threshold.before["test"]["f1"]


def test_a_comparison_and_the_report_count_the_labels_that_were_chosen(
    base: list[str], textclf: Callable[..., int], tmp_path: Path
) -> None:
    tries = ["full", "full + threshold:recall=1"]
    result = textclf_core.compare(tries, plugins=base, seeds=1, baselines=False, output=tmp_path, quiet=True)
    assert result.analysis is not None
    scores = {row.line.label: row.score for row in result.analysis.rows}
    for run in result.runs:
        assert scores[run.record.label] == pytest.approx(run.metrics["test"]["f1"])
    assert scores["full"] != scores["full + threshold:recall=1"]
    assert textclf("report", str(tmp_path), "--format", "page", "--output", str(tmp_path / "page.html")) == 0
    page = (tmp_path / "page.html").read_text()
    assert "minimum score: positive" in page


def test_rows_without_an_answer_have_no_prediction_and_no_part_in_the_metrics(reviews: Path, tmp_path: Path) -> None:
    plugins = [f"files:path={reviews}", "tfidf-logreg:c=1", "threshold:abstain_below=0.7"]
    run = textclf_core.run(plugins, output=tmp_path, quiet=True)
    rows = [row for row in run.predictions().to_pylist() if row["split"] == "test"]
    answered = [row for row in rows if row["prediction"] is not None]
    assert all((max(row["scores"]) >= 0.7) == (row["prediction"] is not None) for row in rows)
    assert run.metrics["test"]["coverage"] == len(answered) / len(rows)
    assert 0 < len(answered) < len(rows)
    right = sum(row["label"] == row["prediction"] for row in answered)
    assert run.metrics["test"]["accuracy"] == pytest.approx(right / len(answered))
    assert [row["prediction"] for row in run.predict(TEXTS)] == [row["prediction"] for row in rows]


def test_predict_leaves_the_prediction_empty(
    base: list[str], textclf: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = textclf_core.run([*base, "threshold:abstain_below=1"], output=tmp_path, quiet=True)
    assert run.metrics["test"] == {"coverage": 0.0}
    (tmp_path / "new.txt").write_text("the plot is dull\n")
    assert textclf("predict", str(run.directory), "--input", str(tmp_path / "new.txt")) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("the plot is dull,,0.")


def test_a_comparison_refuses_contenders_that_abstain_before_it_runs(base: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="threshold may leave rows unanswered, but a comparison must"):
        textclf_core.compare(["full + threshold:abstain_below=0.9"], plugins=base, output=tmp_path, quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_a_report_refuses_a_run_with_unanswered_rows(
    base: list[str], textclf: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    textclf_core.run([*base, "threshold:abstain_below=0.6"], output=tmp_path, quiet=True)
    assert textclf("report", str(tmp_path)) == 2
    assert "test rows unanswered" in capsys.readouterr().err

"""Metrics that are any function of the rows: their influences by deleting rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from label_metrics import METRICS, info_of, model_of, scored_rows
from numpy.typing import NDArray

from textclf_core.errors import DataError
from textclf_core.statistics import Draws, JackknifedModel, SummedModel, compare
from textclf_core.types.metric import ScoredRows

ROWS = 300


def labels(rows: int = ROWS, seed: int = 0, wrong: float = 0.2) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    references = rng.integers(2, size=rows)
    return references, np.where(rng.random(rows) < wrong, 1 - references, references)


def jackknifed(metric: str, rows: ScoredRows, *, by_labels: bool = False) -> JackknifedModel:
    """Return a model whose metric isn't known to be a function of sums."""

    def function(some: ScoredRows) -> float:
        return model_of(metric, some.references, some.predictions).score

    return JackknifedModel(function, rows, by_labels=by_labels)


@pytest.mark.parametrize("by_labels", [False, True], ids=["each row", "each kind of row"])
@pytest.mark.parametrize("metric", [*METRICS, "mcc"])
def test_the_jackknife_agrees_with_the_exact_influences(metric: str, by_labels: bool) -> None:
    """To 2% of the largest one: they differ by the second order, 1 / rows."""
    references, predictions = labels()
    draws = Draws(ROWS)
    exact = model_of(metric, references, predictions).influences(draws)
    found = jackknifed(metric, scored_rows(references, predictions), by_labels=by_labels).influences(draws)
    assert found == pytest.approx(exact, abs=(1e-9 if metric == "accuracy" else 0.02) * np.abs(exact).max())


@pytest.mark.parametrize("metric", ["accuracy", "f1-macro", "mcc"])
def test_of_many_rows_groups_are_deleted_with_the_same_standard_error(metric: str) -> None:
    references, predictions = labels(1500)
    model = jackknifed(metric, scored_rows(references, predictions))
    assert model.most_draws == 500
    draws, rows = Draws(1500, labels=references, most=500), Draws(1500)
    assert draws.number == 500
    exact = model_of(metric, references, predictions).influences(rows)
    errors = [np.sqrt((found**2).sum()) / len(found) for found in (model.influences(draws), exact)]
    assert errors[0] == pytest.approx(errors[1], rel=0.1)


def test_rows_of_a_cluster_are_deleted_together() -> None:
    references, predictions = labels()
    clusters = np.arange(ROWS) // 3
    draws = Draws(ROWS, clusters=clusters)
    found = jackknifed("f1-macro", scored_rows(references, predictions)).influences(draws)
    exact = model_of("f1-macro", references, predictions).influences(draws)
    assert len(found) == 100
    assert found == pytest.approx(exact, abs=0.05 * np.abs(exact).max())


def test_seeds_count_as_for_other_metrics() -> None:
    references, _ = labels(400)
    predictions = {
        name: [references ^ (np.random.default_rng(seed).random(400) < wrong) for seed in range(3)]
        for name, wrong in (("good", 0.1), ("bad", 0.3))
    }
    models = {name: [model_of("mcc", references, one) for one in of_one] for name, of_one in predictions.items()}
    alike = {
        name: [jackknifed("mcc", scored_rows(references, one)) for one in of_one]
        for name, of_one in predictions.items()
    }
    exact, found = compare(models, info_of("mcc")), compare(alike, info_of("mcc"))
    for one, other in zip(exact.contenders, found.contenders, strict=True):
        assert (other.mean, other.standard_deviation) == pytest.approx((one.mean, one.standard_deviation))
        assert (other.interval.low, other.interval.high) == pytest.approx(
            (one.interval.low, one.interval.high), abs=2e-3
        )
        assert other.verdict == one.verdict


def test_a_metric_that_needs_a_single_row_is_refused() -> None:
    references = np.zeros(20, dtype=np.int64)
    references[3] = 1

    def area(rows: ScoredRows) -> float:
        return float(rows.predictions[rows.references == 1].mean()) if (rows.references == 1).any() else np.nan

    model = JackknifedModel(area, scored_rows(references, references))
    with pytest.raises(DataError, match="no value without the test rows 3, such as the only ones of a label"):
        model.influences(Draws(20))


def test_a_metric_of_sums_without_a_gradient_gets_it_from_its_score() -> None:
    references, predictions = labels()
    exact = model_of("mcc", references, predictions)
    found = SummedModel(replace(exact.sums, gradient=None), scored_rows(references, predictions))
    assert found.influences(Draws(ROWS)) == pytest.approx(exact.influences(Draws(ROWS)), abs=1e-9)

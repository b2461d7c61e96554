"""Rows that may have several labels: their metrics, resamples and tests, with the row as the unit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from label_metrics import SET_METRICS, compare, model_of
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score

from textclf_core.statistics import Draws
from textclf_core.statistics.bootstrap import resampled_scores
from textclf_core.statistics.paired import mcnemar


def made(rows: int = 60, labels: int = 4, seed: int = 0, wrong: float = 0.2) -> tuple[NDArray[np.int64], ...]:
    """Return references with rows that have no label, and predictions of which a share is wrong."""
    rng = np.random.default_rng(seed)
    references = (rng.random((rows, labels)) < np.linspace(0.5, 0.1, labels)).astype(np.int64)
    return references, references ^ (rng.random((rows, labels)) < wrong)


def sklearns(metric: str, references: NDArray[np.int64], predictions: NDArray[np.int64]) -> float:
    if metric == "accuracy":
        return float(accuracy_score(references, predictions))
    return float(f1_score(references, predictions, average=metric.removeprefix("f1-"), zero_division=0.0))


def measured(metric: str, references: NDArray[np.int64], predictions: NDArray[np.int64]) -> float:
    return model_of(metric, references, predictions, references.shape[1]).score


@pytest.mark.parametrize("metric", SET_METRICS)
def test_the_metrics_are_those_of_scikit_learn(metric: str) -> None:
    for seed in range(5):
        references, predictions = made(seed=seed)
        assert (references.sum(axis=1) == 0).any()
        assert measured(metric, references, predictions) == pytest.approx(sklearns(metric, references, predictions))


def test_a_label_that_occurs_nowhere_has_no_part_in_a_mean() -> None:
    references, predictions = (np.pad(one, ((0, 0), (0, 1))) for one in made())
    assert measured("f1-macro", references, predictions) == pytest.approx(
        f1_score(references, predictions, average="macro", labels=range(4))
    )


@pytest.mark.parametrize("metric", SET_METRICS)
def test_nothing_to_find_and_nothing_found_is_0_or_no_number_without_a_warning(metric: str) -> None:
    nothing = np.zeros((5, 3), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = {"accuracy": 1, "f1-macro": np.nan}.get(metric, 0)
        assert measured(metric, nothing, nothing) == pytest.approx(expected, nan_ok=True)
        assert np.isfinite(model_of(metric, nothing, nothing, 3).influences(Draws(5))).all()


@pytest.mark.parametrize("metric", SET_METRICS)
def test_influence_is_the_slope_of_the_metric_in_a_rows_weight(metric: str) -> None:
    references, predictions = made(rows=30)
    model, draws = model_of(metric, references, predictions, 4), Draws(30)
    weights = np.ones((30, 2))
    weights[7, 1] += 1e-6
    before, after = model.resampled(draws, np.arange(30), weights)
    assert model.influences(draws)[7] / 30 == pytest.approx((after - before) / 1e-6, abs=1e-6)


@pytest.mark.parametrize("metric", SET_METRICS)
def test_resampling_kinds_of_rows_is_resampling_rows(metric: str) -> None:
    references, predictions = made()
    model = model_of(metric, references, predictions, 4)
    [drawn] = resampled_scores([model], Draws(60), resamples=4000, rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    rows = rng.integers(60, size=(1000, 60))
    expected = [measured(metric, references[chosen], predictions[chosen]) for chosen in rows]
    assert drawn.mean() == pytest.approx(np.mean(expected), abs=0.01)
    assert drawn.std() == pytest.approx(np.std(expected), rel=0.1)


def test_subset_accuracy_is_tested_with_mcnemars_test_on_rows() -> None:
    references, first = made(200, wrong=0.05)
    second = made(200, wrong=0.2)[1]
    found = compare(references, {"first": first[None], "second": second[None]}, "accuracy", with_pairs=True)
    [pair] = found.pairs
    assert pair.method == "exact McNemar"
    assert pair.p_value == mcnemar((first == references).all(axis=1), (second == references).all(axis=1))
    assert found.contender("second").verdict == "worse"


@pytest.mark.parametrize("metric", ["f1-micro", "f1-macro", "f1-samples"])
def test_f1_is_tested_by_swapping_rows_whole(metric: str) -> None:
    references, first = made(200, wrong=0.05)
    second = made(200, wrong=0.2)[1]
    found = compare(references, {"first": first[None], "second": second[None]}, metric, with_pairs=True)
    [pair] = found.pairs
    assert pair.method == "approximate randomisation"
    assert pair.p_value < 0.01
    low, high = pair.difference.interval.low, pair.difference.interval.high
    assert 0 < low < pair.difference.value < high


def test_the_same_predictions_differ_in_nothing() -> None:
    references, predictions = made()
    found = compare(references, {"one": predictions[None], "two": predictions[None]}, "f1-macro", with_pairs=True)
    assert found.pairs[0].p_value == 1

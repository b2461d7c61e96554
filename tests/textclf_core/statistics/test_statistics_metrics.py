"""Metrics as functions of counts, and each row's influence on them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from label_metrics import METRICS, model_of
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score

from textclf_core.statistics import Draws

REFERENCES = np.array([1, 1, 1, 0, 0])
PREDICTIONS = np.array([1, 1, 0, 1, 0])


def _metric(metric: str, references: NDArray[np.int64], predictions: NDArray[np.int64], labels: int) -> float:
    return model_of(metric, references, predictions, labels).score


def _influences(metric: str, references: NDArray[np.int64], predictions: NDArray[np.int64]) -> NDArray[np.float64]:
    return model_of(metric, references, predictions).influences(Draws(len(references)))


@pytest.mark.parametrize(
    ("metric", "by_hand"),
    [
        ("accuracy", 3 / 5),
        ("f1-micro", 3 / 5),
        ("f1-binary", 4 / 6),  # of label 1: 2 right, 3 given, 3 had
        ("f1-macro", (4 / 6 + 2 / 4) / 2),  # of label 0: 1 right, 2 given, 2 had
        ("f1-weighted", 3 / 5 * 4 / 6 + 2 / 5 * 2 / 4),
    ],
)
def test_metrics_by_hand(metric: str, by_hand: float) -> None:
    assert _metric(metric, REFERENCES, PREDICTIONS, 2) == pytest.approx(by_hand)


@pytest.mark.parametrize("metric", METRICS)
def test_metrics_are_those_of_scikit_learn_over_the_labels_with_rows_on_200_random_cases(metric: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        labels = 2 if metric == "f1-binary" else int(rng.integers(2, 7))
        rows = int(rng.integers(1, 30))
        references, predictions = rng.integers(labels, size=(2, rows))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a label of no rows
            present = np.unique(references) if metric == "f1-macro" else None
            expected = (
                accuracy_score(references, predictions)
                if metric == "accuracy"
                else np.nan
                if metric == "f1-binary" and 1 not in references
                else f1_score(
                    references, predictions, average=metric.removeprefix("f1-"), zero_division=0.0, labels=present
                )
            )
        found = _metric(metric, references, predictions, labels)
        assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_many_resamples_are_scored_at_once() -> None:
    model, draws = model_of("f1-macro", REFERENCES, PREDICTIONS), Draws(5)
    weights = np.array([[1, 1, 1, 1, 1], [2, 0, 1, 0, 2]], dtype=float).T
    references, predictions = (np.repeat(labels, [2, 0, 1, 0, 2]) for labels in (REFERENCES, PREDICTIONS))
    expected = [_metric("f1-macro", REFERENCES, PREDICTIONS, 2), _metric("f1-macro", references, predictions, 2)]
    assert model.resampled(draws, np.arange(5), weights) == pytest.approx(expected)


def test_the_influence_on_accuracy_is_right_or_wrong_less_the_accuracy() -> None:
    assert _influences("accuracy", REFERENCES, PREDICTIONS) == pytest.approx(np.array([1, 1, 0, 0, 1]) - 0.6)


def test_the_influence_on_f1_by_hand() -> None:
    # F1 is 4/6. A right row adds 2 above and 2 below the bar, a missed or a false positive adds 1 below, and the
    # rest add nothing: (above - F1 * below) / 6, times 5 rows.
    expected = 5 / 6 * np.array([2 / 3, 2 / 3, -2 / 3, -2 / 3, 0])
    assert _influences("f1-binary", REFERENCES, PREDICTIONS) == pytest.approx(expected)


@pytest.mark.parametrize("metric", [*METRICS, "mcc"])
def test_influence_is_the_derivative_by_a_rows_weight(metric: str) -> None:
    rng = np.random.default_rng(1)
    labels = 3 if metric == "f1-binary" else 5
    references, predictions = rng.integers(labels - 1, size=(2, 40))  # the last label is nowhere
    predictions[0] = labels - 1 if metric != "f1-binary" else 0  # but for one prediction
    model, draws = model_of(metric, references, predictions, labels), Draws(40)
    step = 1e-6
    weights = np.hstack([1 + step * np.eye(40), np.ones((40, 1))])
    scores = model.resampled(draws, np.arange(40), weights)
    assert model.influences(draws) == pytest.approx(40 * (scores[:-1] - scores[-1]) / step, abs=1e-4)
    assert model.influences(draws).sum() == pytest.approx(0, abs=1e-9)

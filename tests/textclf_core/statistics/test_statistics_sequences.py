"""F1 of entities and accuracy of words, resampled by sequence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from textclf_core.statistics import compare
from textclf_core.statistics.bootstrap import resampled_scores, strata_of
from textclf_core.statistics.metrics import entity_outcomes, influence, row_counts, score

ROWS = 300
Counts = NDArray[np.int64]


def found(share: float, seed: int) -> tuple[Counts, Counts, Counts]:
    """Return the numbers of entities of each sequence: correct, predicted, true; about a share is correct."""
    rng = np.random.default_rng(seed)
    true = np.random.default_rng(0).poisson(0.7, ROWS)
    right = rng.binomial(true, share)
    return right, right + rng.poisson(0.2, ROWS), true


def f1(right: Counts, predicted: Counts, true: Counts) -> float:
    return float(2 * right.sum() / (predicted.sum() + true.sum()))


def test_the_metric_is_the_f1_of_the_counts_added_up() -> None:
    right, predicted, true = found(0.6, 1)
    counts = row_counts("f1-entity", true, entity_outcomes(right, predicted), 0)
    assert score("f1-entity", np.asarray(counts.sum(axis=1))) == pytest.approx(f1(right, predicted, true))


def test_accuracy_is_that_of_the_words_not_of_the_sequences() -> None:
    words, right = np.array([10, 2]), np.array([10, 0])
    counts = row_counts("accuracy-words", words, right, 0)
    assert score("accuracy-words", np.asarray(counts.sum(axis=1))) == pytest.approx(10 / 12)


@pytest.mark.parametrize("metric", ["f1-entity", "accuracy-words"])
def test_an_influence_is_the_effect_of_one_more_sequence(metric: str) -> None:
    right, predicted, true = found(0.6, 1)
    if metric == "f1-entity":
        counts = row_counts("f1-entity", true, entity_outcomes(right, predicted), 0)
    else:
        counts = row_counts("accuracy-words", true + 5, right, 0)
    whole = np.asarray(counts.sum(axis=1))
    step = 1e-6
    for row in range(0, ROWS, 37):
        more = whole + step * counts[:, [row]].toarray()[:, 0]
        change = (score(metric, more) - score(metric, whole)) / step  # type: ignore[arg-type]
        assert ROWS * change == pytest.approx(influence(metric, counts)[row], abs=1e-4)  # type: ignore[arg-type]


def test_resampling_draws_whole_sequences() -> None:
    right, predicted, true = found(0.6, 1)
    [stratum] = strata_of(true, "f1-entity")
    assert len(stratum) == ROWS
    [drawn] = resampled_scores(
        "f1-entity", true, entity_outcomes(right, predicted)[None], 0, [stratum], resamples=20_000,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    rng = np.random.default_rng(1)
    by_hand = [f1(right[rows], predicted[rows], true[rows]) for rows in rng.integers(ROWS, size=(20_000, ROWS))]
    assert drawn.mean() == pytest.approx(np.mean(by_hand), abs=1e-3)
    assert drawn.std() == pytest.approx(np.std(by_hand), rel=0.03)


def test_contenders_are_compared_on_the_same_sequences() -> None:
    models = {name: found(share, seed) for name, share, seed in (("good", 0.7, 1), ("poor", 0.3, 2))}
    true = models["good"][2]
    outcomes = {name: entity_outcomes(right, predicted)[None] for name, (right, predicted, _) in models.items()}
    compared = compare(true, {**outcomes, "twin": outcomes["good"]}, "f1-entity", with_pairs=True)
    assert compared.best == "good"
    assert compared.contender("poor").verdict == "worse"
    assert compared.contender("twin").verdict == "as good"
    assert compared.pair("good", "twin").p_value == 1
    assert compared.pair("good", "poor").method == "approximate randomisation"
    assert compared.contender("good").mean == pytest.approx(f1(*models["good"]))


def test_one_that_finds_nothing_has_a_score_of_0_and_no_interval() -> None:
    right, predicted, true = found(0.6, 1)
    nothing = np.zeros((2, ROWS), dtype=np.int64)
    outcomes = {"full": np.stack([entity_outcomes(right, predicted)] * 2), "majority": nothing}
    compared = compare(true, outcomes, "f1-entity")
    assert compared.contender("majority").mean == 0
    assert compared.contender("majority").verdict == "worse"

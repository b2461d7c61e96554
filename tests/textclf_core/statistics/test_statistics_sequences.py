"""F1 of entities and accuracy of words, resampled by sequence."""

from __future__ import annotations

import numpy as np
import pytest
from label_metrics import info_of, model_of
from numpy.typing import NDArray

from textclf_core.statistics import Draws, SummedModel, compare
from textclf_core.statistics.bootstrap import resampled_scores

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


def model(right: Counts, predicted: Counts, true: Counts) -> SummedModel:
    return model_of("f1-entity", true, np.stack([right, predicted], axis=1))


def words() -> SummedModel:
    """Return the accuracy of ten right words of ten, and of none of two."""
    return model_of("accuracy", [np.zeros(10), np.zeros(2)], [np.zeros(10), np.ones(2)])


def test_the_metric_is_the_f1_of_the_counts_added_up() -> None:
    assert model(*found(0.6, 1)).score == pytest.approx(f1(*found(0.6, 1)))


def test_accuracy_is_that_of_the_words_not_of_the_sequences() -> None:
    assert words().score == pytest.approx(10 / 12)


@pytest.mark.parametrize("one", [model(*found(0.6, 1)), words()], ids=["entities", "words"])
def test_an_influence_is_the_effect_of_one_more_sequence(one: SummedModel) -> None:
    draws, step = Draws(one.rows), 1e-6
    weights = np.hstack([1 + step * np.eye(one.rows), np.ones((one.rows, 1))])
    scores = one.resampled(draws, np.arange(one.rows), weights)
    assert one.rows * (scores[:-1] - scores[-1]) / step == pytest.approx(one.influences(draws), abs=1e-4)


def test_resampling_draws_whole_sequences() -> None:
    right, predicted, true = found(0.6, 1)
    [drawn] = resampled_scores(
        [model(right, predicted, true)], Draws(ROWS), resamples=20_000, rng=np.random.default_rng(0)
    )
    rng = np.random.default_rng(1)
    by_hand = [f1(right[rows], predicted[rows], true[rows]) for rows in rng.integers(ROWS, size=(20_000, ROWS))]
    assert drawn.mean() == pytest.approx(np.mean(by_hand), abs=1e-3)
    assert drawn.std() == pytest.approx(np.std(by_hand), rel=0.03)


def test_contenders_are_compared_on_the_same_sequences() -> None:
    counts = {name: found(share, seed) for name, share, seed in (("good", 0.7, 1), ("poor", 0.3, 2))}
    models = {name: [model(*of_one)] for name, of_one in counts.items()}
    compared = compare({**models, "twin": models["good"]}, info_of("f1-entity"), with_pairs=True)
    assert compared.best == "good"
    assert compared.contender("poor").verdict == "worse"
    assert compared.contender("twin").verdict == "as good"
    assert compared.pair("good", "twin").p_value == 1
    assert compared.pair("good", "poor").method == "approximate randomisation"
    assert compared.contender("good").mean == pytest.approx(f1(*counts["good"]))


def test_one_that_finds_nothing_has_a_score_of_0_and_is_worse() -> None:
    right, predicted, true = found(0.6, 1)
    nothing = np.zeros(ROWS, dtype=np.int64)
    models = {"full": [model(right, predicted, true)] * 2, "majority": [model(nothing, nothing, true)] * 2}
    compared = compare(models, info_of("f1-entity"))
    assert compared.contender("majority").mean == 0
    assert compared.contender("majority").verdict == "worse"

"""Where one learning curve overtakes another."""

from __future__ import annotations

import math

import numpy as np
import pytest
from label_metrics import crossing
from numpy.typing import NDArray

from textclf_core.errors import DataError

ROWS = 400
REFERENCES = np.arange(ROWS) % 2


def predictions(right: float, seeds: int = 2, seed: int = 0) -> NDArray[np.int64]:
    """Predictions of which the share ``right`` is right, in each label alike, other rows at each seed."""
    rng = np.random.default_rng(seed)
    made = np.tile(REFERENCES, (seeds, 1))
    for of_seed in made:
        for label in (0, 1):
            rows = np.flatnonzero(label == REFERENCES)
            wrong = rng.permutation(rows)[round(right * len(rows)) :]
            of_seed[wrong] = 1 - label
    return made


def test_a_hand_worked_crossing() -> None:
    """The difference goes from +0.10 at 10 examples to -0.20 at 1,000: zero a third of the way on a log scale."""
    first = {10: predictions(0.70), 1000: predictions(0.70, seed=1)}
    second = {10: predictions(0.60, seed=2), 1000: predictions(0.90, seed=3)}
    found = crossing(REFERENCES, first, second, "accuracy")
    assert found is not None
    assert found.rows == pytest.approx(10 * 100 ** (1 / 3))
    assert found.below == 0
    assert 10 < found.interval.low < found.rows < found.interval.high < 1000
    assert found.share > 0.95


def test_the_other_way_round_is_the_same_crossing() -> None:
    first = {10: predictions(0.70), 1000: predictions(0.70, seed=1)}
    second = {10: predictions(0.60, seed=2), 1000: predictions(0.90, seed=3)}
    found, turned = crossing(REFERENCES, first, second, "accuracy"), crossing(REFERENCES, second, first, "accuracy")
    assert found is not None
    assert turned is not None
    assert turned.rows == pytest.approx(found.rows)
    assert (found.below, turned.below) == (0, 1)


def test_curves_that_do_not_cross() -> None:
    low, high = {10: predictions(0.6), 100: predictions(0.7)}, {10: predictions(0.8), 100: predictions(0.9)}
    assert crossing(REFERENCES, low, high, "accuracy") is None


def test_an_uncertain_crossing_has_an_open_interval() -> None:
    """Nearly even at both ends: some resamples cross outside the sizes that were run."""
    first = {10: predictions(0.70, seed=4), 1000: predictions(0.70, seed=5)}
    second = {10: predictions(0.69, seed=6), 1000: predictions(0.71, seed=7)}
    found = crossing(REFERENCES, first, second, "accuracy")
    assert found is not None
    assert found.interval.low == 0 or math.isinf(found.interval.high)
    assert found.share < 0.95


@pytest.mark.slow
def test_the_interval_covers_the_true_crossing() -> None:
    """120 draws of test rows and seeds from models whose curves truly cross at 100 examples."""
    rng = np.random.default_rng(0)
    covered = 0
    for draw in range(120):
        curves = [
            {
                size: np.where(rng.random((4, ROWS)) < right, REFERENCES, 1 - REFERENCES)
                for size, right in of_contender.items()
            }
            for of_contender in ({10: 0.75, 1000: 0.75}, {10: 0.65, 1000: 0.85})
        ]
        found = crossing(REFERENCES, *curves, "accuracy", resamples=300, seed=draw)
        covered += found is not None and found.interval.low <= 100 <= found.interval.high
    # Four seeds: a bootstrap of four is too short by a factor of sqrt(3/4), so 95% becomes about 91%.
    assert covered / 120 > 0.85


def test_two_sizes_are_needed() -> None:
    with pytest.raises(DataError, match="at least two training sizes in common"):
        crossing(REFERENCES, {10: predictions(0.7)}, {10: predictions(0.7)}, "accuracy")

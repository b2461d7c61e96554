"""Critical values when a comparison is looked at several times, while seeds are added."""

from __future__ import annotations

import math

import numpy as np
import pytest
from label_metrics import compare, joint_error
from numpy.typing import NDArray

from textclf_core.statistics.looks import SequentialCriticalValues, planned_looks, spending

ROWS = 600
REFERENCES = np.arange(ROWS) % 2


def predictions(accuracy: float, seeds: int, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    right = rng.random((seeds, ROWS)) < accuracy + 0.01 * rng.standard_normal((seeds, 1))
    return np.where(right, REFERENCES, 1 - REFERENCES)


def test_looks_are_planned_further_and_further_apart() -> None:
    assert planned_looks(3, 10) == (3, 5, 8, 10)
    assert planned_looks(3, 0) == (3,)


def test_all_of_alpha_is_spent_at_the_last_look() -> None:
    assert spending(0.05, 1.0) == pytest.approx(0.05)
    assert spending(0.05, 0.0) == 0
    assert 0 < spending(0.05, 0.5) < 0.05


def test_an_early_look_asks_for_more_and_a_later_one_remembers_it() -> None:
    three = {name: predictions(accuracy, 3, seed) for seed, (name, accuracy) in enumerate(
        (("good", 0.85), ("fair", 0.82), ("poor", 0.6))
    )}  # fmt: skip
    alone, first = compare(REFERENCES, three, "accuracy"), compare(REFERENCES, three, "accuracy", looks=(3, 5, 10))
    for one, other in zip(alone.contenders, first.contenders, strict=True):
        assert one.distance is not None
        assert other.distance is not None
        assert other.distance.low <= one.distance.low
    assert first.contender("poor").verdict == "worse"
    # The contender that fell out keeps its three seeds; it stays worse at the next look.
    five = {"good": predictions(0.85, 5, 0), "fair": predictions(0.82, 5, 1), "poor": three["poor"]}
    second = compare(REFERENCES, five, "accuracy", looks=(3, 5, 10))
    assert second.contender("poor").verdict == "worse"
    assert math.isfinite(second.detectable or math.inf)


def test_a_look_at_one_seed_claims_nothing_of_strategies() -> None:
    three = {"good": predictions(0.85, 3, 0), "fair": predictions(0.82, 3, 1)}
    alone, after = compare(REFERENCES, three, "accuracy"), compare(REFERENCES, three, "accuracy", looks=(1, 3))
    assert [one.distance for one in alone.contenders] == [one.distance for one in after.contenders]


def test_an_early_look_that_asked_for_much_leaves_no_more_to_the_next() -> None:
    """With three seeds much is critical, since their variance is in doubt, but chance had its share of the 5%."""
    error = joint_error(REFERENCES, {name: predictions(0.82, 5, seed) for seed, name in enumerate("abcd")}, "accuracy")

    def critical(planned: tuple[int, ...], earlier: list[float]) -> float:
        counts = np.array([[seeds] * 4 for seeds in planned])
        rng = np.random.default_rng(0)
        return SequentialCriticalValues(error, counts, planned, earlier, alpha=0.05, rng=rng).critical(np.arange(4))

    assert critical((3, 5), [9.0]) == critical((3, 5), [math.inf])
    assert critical((3, 5), [9.0]) > critical((5,), []) + 0.05
    assert critical((3, 5), [1.5]) == math.inf  # more was spent already

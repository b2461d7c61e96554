"""Contenders compared on draws: each seed has its own training sample and its own test rows."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from label_metrics import info_of, model_of
from numpy.typing import NDArray

from textclf_core import statistics
from textclf_core.errors import DataError
from textclf_core.statistics import Comparison, OwnTests, SummedModel
from textclf_core.statistics.estimates import DrawnEstimates
from textclf_core.statistics.joint_error import JointError

ROWS = 200


def own_tests_of(*rows: int, overlap: float = 0.1) -> OwnTests:
    return OwnTests(tuple(np.arange(own) for own in rows), (None,) * len(rows), overlap)


def models_of(accuracies: dict[str, float], *rows: int, seed: int = 0) -> dict[str, list[SummedModel]]:
    """Return a model of each contender on each of several test sets."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[SummedModel]] = {name: [] for name in accuracies}
    for own in rows:
        references, hard = np.arange(own) % 2, rng.random(own)
        for name, accuracy in accuracies.items():
            right = 0.7 * hard + 0.3 * rng.random(own) < accuracy
            found[name].append(model_of("accuracy", references, np.where(right, references, 1 - references)))
    return found


def compare(models: dict[str, list[SummedModel]], own_tests: OwnTests, **options: float | bool) -> Comparison:
    return statistics.compare(models, info_of("accuracy"), own_tests=own_tests, resamples=50, **options)  # type: ignore[arg-type]


def test_a_large_gap_is_shown_and_equals_stay_undecided() -> None:
    models = models_of({"good": 0.85, "alike": 0.85, "bad": 0.65}, *[ROWS] * 5)
    found = compare(models, own_tests_of(*[ROWS] * 5), overlap=0.2, with_pairs=True)
    assert {one.name: one.verdict for one in found.contenders} == {
        "good": "undecided",
        "alike": "undecided",
        "bad": "worse",
    }
    assert found.examples == ROWS
    assert {pair.method for pair in found.pairs} == {"corrected resampled t"}
    assert found.pair("good", "bad").adjusted_p_value < 0.05 < found.pair("good", "alike").adjusted_p_value
    [loss] = [one.loss for one in found.contenders if one.name == "bad"]
    assert loss is not None
    assert loss.risk > 0.99


def test_the_more_rows_draws_share_the_longer_all_intervals_are() -> None:
    models = models_of({"good": 0.85, "bad": 0.8}, *[ROWS] * 5)
    found = [compare(models, own_tests_of(*[ROWS] * 5, overlap=test), overlap=0.3) for test in (0.0, 0.1, 0.5)]
    for of_other in ("interval", "distance"):
        intervals = [getattr(comparison.contender("bad"), of_other) for comparison in found]
        lengths = [one.high - one.low for one in intervals]
        assert lengths[0] < lengths[1] < lengths[2]


@cache
def _influences(number: int) -> NDArray[np.float64]:
    """Return influences that give each of so many contenders the variance 1 over their rows, and no covariance."""
    rows = 100 * number
    influences = np.random.default_rng(0).normal(size=(rows, number))
    return np.linalg.qr(influences - influences.mean(axis=0))[0].T * math.sqrt(rows * (rows - 1))


def _estimates(scores: NDArray[np.float64], variance: float, *, overlap: float, test_overlap: float) -> DrawnEstimates:
    """Return estimates whose rows give each contender this variance over the test rows of one draw."""
    number, draws = scores.shape
    influences = _influences(number) * math.sqrt(variance)
    strata = (np.arange(influences.shape[1]),)
    names = tuple(map(str, range(number)))
    return DrawnEstimates(names, scores, (influences,) * draws, (strata,) * draws, overlap, test_overlap)


def test_if_samples_have_no_effect_the_variance_is_that_of_nadeau_and_bengio() -> None:
    # 5 draws of 80, 10 and 10 of 100 rows; test rows explain all of the sample variance of the differences.
    rng = np.random.default_rng(0)
    differences = rng.normal(size=5) * 0.02
    scores = np.stack([0.8 + differences, np.full(5, 0.8)])
    sample_variance = differences.var(ddof=1)
    estimates = _estimates(scores, sample_variance / 2 / 0.9, overlap=0.8, test_overlap=0.1)
    error = JointError(estimates, 1.0)
    unseen = 2 * estimates.unseen(1.0)
    corrected = sample_variance * (1 / 5 + 10 / 90)
    assert error.pair_variances[0, 1] == pytest.approx(corrected + unseen, rel=1e-6)
    assert estimates.seed_variances["0"].degrees_of_freedom == 4
    assert error.redrawn == pytest.approx((0.9 / 5) / (0.9 / 5 + 0.1))


@pytest.mark.parametrize("number", [2, 4])
def test_the_variance_of_a_difference_is_what_it_is_in_1000_draws_of_the_pool(number: int) -> None:
    # A score is the sum of the effects of 30 training rows, twice, and of 10 test rows, drawn from 40 without any in
    # common; half of a row's effect is alike for all contenders.
    rng = np.random.default_rng(number)
    gaps, estimated = [], []
    for _ in range(1000):
        training, testing = (rng.normal(size=40) + rng.normal(size=(number, 40)) for _ in range(2))
        scores = np.empty((number, 5))
        for draw in range(5):
            order = rng.permutation(40)
            scores[:, draw] = 2 * training[:, order[:30]].sum(axis=1) + testing[:, order[30:]].sum(axis=1)
        # Without what rows add on which no contenders were seen to differ.
        error = JointError(_estimates(scores, 10.0, overlap=30 / 40, test_overlap=10 / 40), math.inf)
        estimated.append(error.pair_variances[0, 1] - 2 * (error.by_examples[0, 0] - 10.0 * (0.75 / 5 + 0.25)))
        gaps.append(scores[0].mean() - scores[1].mean())
    assert np.mean(estimated) == pytest.approx(np.var(gaps), rel=0.15)


def test_what_all_contenders_share_at_a_draw_is_no_part_of_their_difference() -> None:
    rng = np.random.default_rng(0)
    own = rng.normal(size=(4, 2000)) * np.array([1, 1, 1, 3])[:, None]
    estimates = _estimates(own + 5 * rng.normal(size=2000), 0.0, overlap=0.0, test_overlap=0.0)
    assert [one.pooled for one in estimates.seed_variances.values()] == [True, True, True, False]
    assert estimates.seed_variances["0"].degrees_of_freedom == 2 * 1999
    assert estimates.seed_variances["3"].degrees_of_freedom == 1999
    assert estimates.seed_variances["0"].between == pytest.approx(1, rel=0.1)
    assert estimates.seed_variances["3"].between == pytest.approx(9, rel=0.1)
    assert estimates.score_variance("0").between == pytest.approx(26, rel=0.1)


def test_one_seed_is_a_comparison_of_trained_models_on_its_rows() -> None:
    models = models_of({"good": 0.85, "bad": 0.65}, ROWS)
    own = compare(models, own_tests_of(ROWS), with_pairs=True)
    usual = statistics.compare(models, info_of("accuracy"), resamples=50, with_pairs=True)
    assert own.contenders == usual.contenders
    assert own.pairs == usual.pairs
    assert own.pairs[0].method == "exact McNemar"


def test_looks_hold_over_draws_too() -> None:
    models = models_of({"good": 0.85, "bad": 0.6}, *[ROWS] * 5)
    once, twice = (
        statistics.compare(
            models,
            info_of("accuracy"),
            overlap=0.1,
            own_tests=own_tests_of(*[ROWS] * 5),
            looks=looks,
        )
        for looks in ((), (3, 5))
    )
    for comparison in (once, twice):
        assert comparison.contender("bad").verdict == "worse"
    low, narrow = twice.contender("good").distance, once.contender("good").distance
    assert low is not None
    assert narrow is not None
    assert low.high >= narrow.high


def test_each_contender_needs_a_model_on_each_test_set() -> None:
    models = models_of({"good": 0.85, "bad": 0.65}, 200, 190)
    compare(models, own_tests_of(200, 190), overlap=0.1)
    with pytest.raises(DataError, match=r"'good' has models on \[200, 190\] rows, the seeds have \[200, 200\]"):
        compare(models, own_tests_of(200, 200), overlap=0.1)
    with pytest.raises(DataError, match="'bad' has models on"):
        compare({"good": models["good"], "bad": models["bad"][:1]}, own_tests_of(200, 190), overlap=0.1)

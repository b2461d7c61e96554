"""The variances of examples and of seeds, and what they say together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from textclf_core.statistics.variance import (
    NO_SEED_VARIANCE,
    Scores,
    SeedVariance,
    example_variance,
    seed_variances,
    standard_error,
)


def _scores(right: NDArray[np.float64]) -> Scores:
    """Return accuracies and influences from which predictions are right, shape (seeds, rows)."""
    return Scores(right.mean(axis=1), right - right.mean(axis=1, keepdims=True))


def _all(rows: int) -> tuple[NDArray[np.int64], ...]:
    return (np.arange(rows),)


def test_example_variance_is_the_squared_standard_error_of_a_mean_on_200_random_cases() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        values = rng.normal(size=int(rng.integers(2, 50)))
        assert example_variance(values, _all(len(values))) == pytest.approx(stats.sem(values) ** 2)


def test_example_variance_adds_up_within_strata_by_hand() -> None:
    # Sample variances of 2 and 1/3 in strata of 2 and 3 rows, of 5.
    values = np.array([0.0, 2.0, 10.0, 11.0, 10.0])
    strata = (np.array([0, 1]), np.array([2, 3, 4]))
    assert example_variance(values, strata) == pytest.approx((2 * 2 + 3 / 3) / 25)


def test_seed_variance_by_hand() -> None:
    # Two seeds with accuracies 3/4 and 1/4: variance 1/8. Residuals are +-1/2 on the two rows where they differ, less
    # their mean 1/4: +-1/4 on each of 4 rows, for both seeds. Their sample variance is 1/12 a seed, over 4 rows 1/48,
    # summed over 2 seeds by 1 degree of freedom 1/24.
    right = np.array([[1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    variance = seed_variances({"a": _scores(right)}, _all(4))["a"]
    assert variance.value == pytest.approx(1 / 8 - 1 / 24)
    assert (variance.degrees_of_freedom, variance.pooled) == (1, True)


def test_seed_variance_is_unbiased_and_its_examples_are_taken_off() -> None:
    rng = np.random.default_rng(0)
    found: dict[float, list[float]] = {0.0: [], 0.02: []}
    for deviation, values in found.items():
        for _ in range(400):
            truths = 0.8 + deviation * rng.normal(size=(20, 1))
            by_seed = _scores((rng.random((20, 500)) < truths).astype(float))
            values.append(seed_variances({"a": by_seed}, _all(500))["a"].value)
    assert np.mean(found[0.02]) == pytest.approx(0.02**2, rel=0.1)
    # The examples alone give the seeds' accuracies a variance of 0.16 / 500, which is 0.00032.
    assert np.mean(found[0.0]) < 0.00006


def test_steady_contenders_share_one_estimate_weighted_by_their_seeds() -> None:
    rng = np.random.default_rng(0)
    models = {name: _scores(rng.random((seeds, 300)).round()) for name, seeds in {"a": 3, "b": 5}.items()}
    alone = {}
    for name, scores in models.items():
        residuals = scores.influences - scores.row_influences
        alone[name] = scores.by_seed.var(ddof=1) - example_variance(residuals, _all(300)).sum() / (len(residuals) - 1)
    shared = seed_variances(models, _all(300))
    assert shared["a"].value == pytest.approx(max(0.0, (2 * alone["a"] + 4 * alone["b"]) / 6))
    assert shared["a"] == shared["b"]
    assert shared["a"].degrees_of_freedom == 6


def test_an_unsteady_contender_keeps_its_own_variance() -> None:
    rng = np.random.default_rng(1)
    accuracies = {"calm": [0.8] * 3, "steady": [0.8] * 3, "even": [0.8] * 3, "wild": [0.8, 0.4, 0.6]}
    models = {
        name: _scores((rng.random((3, 1000)) < np.array(truths)[:, None]).astype(float))
        for name, truths in accuracies.items()
    }
    variances = seed_variances(models, _all(1000))
    assert variances["wild"].value == pytest.approx(0.04, rel=0.3)
    assert (variances["wild"].degrees_of_freedom, variances["wild"].pooled) == (2, False)
    assert variances["calm"] == variances["even"]
    assert variances["calm"].value < 0.001


def test_of_two_contenders_neither_is_the_odd_one_out() -> None:
    rng = np.random.default_rng(1)
    accuracies = {"calm": [0.8] * 3, "wild": [0.8, 0.4, 0.6]}
    models = {
        name: _scores((rng.random((3, 1000)) < np.array(truths)[:, None]).astype(float))
        for name, truths in accuracies.items()
    }
    variances = seed_variances(models, _all(1000))
    assert variances["calm"] == variances["wild"]


def test_what_is_not_known_to_vary_has_no_part_in_the_estimate() -> None:
    rng = np.random.default_rng(0)
    varying = rng.random((3, 200)).round()
    models = {
        "one seed": _scores(varying[:1]),
        "same at each": _scores(np.repeat(varying[:1], 3, axis=0)),
        "varying": _scores(varying),
    }
    variances = seed_variances(models, _all(200))
    assert variances["one seed"] == variances["same at each"] == NO_SEED_VARIANCE
    assert variances["varying"] == seed_variances({"varying": models["varying"]}, _all(200))["varying"]


def test_degrees_of_freedom_are_those_of_welchs_test_in_scipy_on_200_random_cases() -> None:
    # Welch's test is Satterthwaite's formula for two variances of their own.
    rng = np.random.default_rng(0)
    for _ in range(200):
        first, second = (rng.normal(scale=rng.uniform(0.1, 3), size=int(rng.integers(2, 9))) for _ in range(2))
        seeds = [
            (SeedVariance(each.var(ddof=1), 0.0, len(each) - 1, pooled=False), len(each)) for each in (first, second)
        ]
        error = standard_error(0.0, 1000, seeds)
        welch = stats.ttest_ind(first, second, equal_var=False)
        assert error.degrees_of_freedom == pytest.approx(welch.df)
        assert (first.mean() - second.mean()) / error.value == pytest.approx(welch.statistic)


def test_a_pooled_variance_counts_once_as_in_students_test_in_scipy_on_200_random_cases() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        first, second = (rng.normal(size=int(rng.integers(2, 9))) for _ in range(2))
        freedom = len(first) + len(second) - 2
        value = ((len(first) - 1) * first.var(ddof=1) + (len(second) - 1) * second.var(ddof=1)) / freedom
        pooled = SeedVariance(value, 0.0, freedom, pooled=True)
        error = standard_error(0.0, 1000, [(pooled, len(first)), (pooled, len(second))])
        student = stats.ttest_ind(first, second)
        assert error.degrees_of_freedom == pytest.approx(student.df)
        assert (first.mean() - second.mean()) / error.value == pytest.approx(student.statistic)


def test_the_standard_error_of_examples_and_seeds_by_hand() -> None:
    # 0.0001 of 100 degrees of freedom, and 0.0008 between seeds of 4, of which the examples explain 0.0002, over 3
    # seeds for each of two: 0.0001 + 0.0004. The mean squares over seeds are 2/3 of 0.0008 and of 0.0002.
    pooled = SeedVariance(0.0008, 0.0002, 4, pooled=True)
    error = standard_error(0.0001, 101, [(pooled, 3), (pooled, 3)])
    assert error.value == pytest.approx(np.sqrt(0.0005))
    squares = 0.0001**2 / 100 + (2 / 3 * 0.0008) ** 2 / 4 + (2 / 3 * 0.0002) ** 2 / (4 * 100)
    assert error.degrees_of_freedom == pytest.approx(0.0005**2 / squares)


def test_a_variance_that_comes_out_as_0_is_known_no_better_than_another() -> None:
    pooled = SeedVariance(0.0002, 0.0003, 4, pooled=True)
    error = standard_error(0.0001, 1001, [(pooled, 3), (pooled, 3)])
    assert error.value == pytest.approx(np.sqrt(0.0001))
    assert error.degrees_of_freedom < 4


@pytest.mark.parametrize("score", [0.1, 0.7, 1 / 3])
def test_seeds_that_differ_by_rounding_alone_do_not_vary(score: float) -> None:
    # The mean of three equal numbers may be another number.
    same = Scores(np.full(3, score), np.tile(np.random.default_rng(0).normal(size=50) / 3, (3, 1)))
    other = _scores(np.random.default_rng(1).random((3, 50)).round())
    variances = seed_variances({"same": same, "other": other}, _all(50))
    assert variances["same"] == NO_SEED_VARIANCE
    assert variances["other"].degrees_of_freedom == 2


def test_a_seed_that_is_all_wrong_counts_though_no_row_of_a_seed_differs() -> None:
    right = np.repeat([[1.0], [1.0], [0.0]], 50, axis=1)
    variance = seed_variances({"a": _scores(right)}, _all(50))["a"]
    assert variance.value == pytest.approx(1 / 3)
    assert variance.degrees_of_freedom == 2


def test_what_overlapping_samples_have_in_common_is_not_shrunk_by_more_seeds() -> None:
    # 0.0006 between seeds, over 3 seeds and once more for what is in common, for each of two; and 0.0001.
    pooled = SeedVariance(0.0008, 0.0002, 4, pooled=True, lasting=1.0)
    error = standard_error(0.0001, 101, [(pooled, 3), (pooled, 3)])
    assert error.value == pytest.approx(np.sqrt(0.0001 + 2 * (1 / 3 + 1) * 0.0006))


@pytest.mark.parametrize("rows", [4, 20, 36])
def test_the_variance_of_a_mean_over_overlapping_samples_is_what_it_is_in_2000_draws_of_the_pool(rows: int) -> None:
    # Each model's score is the sum of the effects of its training rows, drawn from 40.
    rng = np.random.default_rng(rows)
    means, estimates = [], []
    for _ in range(2000):
        effects = rng.normal(size=40)
        drawn = np.array([effects[rng.permutation(40)[:rows]].sum() for _ in range(5)])
        scores = Scores(drawn, np.zeros((5, 10)))
        [variance] = seed_variances({"one": scores}, _all(10), overlap=rows / 40).values()
        means.append(drawn.mean())
        estimates.append(standard_error(0.0, 10, [(variance, 5)]).value ** 2)
    assert np.mean(estimates) == pytest.approx(np.var(means), rel=0.1)

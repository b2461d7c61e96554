"""Paired tests, the correction for their number, and the difference that they could have found."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from label_metrics import model_of
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels
from statsmodels.stats.multitest import multipletests

from textclf_core.statistics.paired import (
    approximate_randomisation,
    crossed_t,
    detectable_difference,
    holm,
    mcnemar,
)
from textclf_core.statistics.variance import NO_SEED_VARIANCE, SeedVariance, StandardError

MODELS = [(NO_SEED_VARIANCE, 1), (NO_SEED_VARIANCE, 1)]


def _rights(both: int, first: int, second: int, neither: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    times = [both, first, second, neither]
    return np.repeat([True, True, False, False], times), np.repeat([True, False, True, False], times)


def test_mcnemar_by_hand() -> None:
    # 1 row against 6: 2 * (1 + 7) of 2^7 ways.
    assert mcnemar(*_rights(20, 1, 6, 3)) == pytest.approx(2 * 8 / 128)


def test_mcnemar_of_models_that_are_right_on_the_same_rows_is_1() -> None:
    assert mcnemar(*_rights(20, 0, 0, 3)) == 1.0


def test_mcnemar_is_that_of_statsmodels_on_200_random_cases() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        both, first, second, neither = (int(number) for number in rng.integers(0, 30, size=4))
        expected = mcnemar_of_statsmodels([[both, first], [second, neither]], exact=True).pvalue
        assert mcnemar(*_rights(both, first, second, neither)) == pytest.approx(expected, abs=1e-12)


def _randomisation(
    references: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64], resamples: int = 4000
) -> float:
    models = [model_of("f1-binary", references, predictions) for predictions in (first, second)]
    return approximate_randomisation(*models, resamples=resamples, smallest=0.001, rng=np.random.default_rng(0))


def test_randomisation_by_hand() -> None:
    # The models differ on 6 positive rows, which the first alone has right: of 64 swappings, 2 are as far apart.
    references = np.array([1] * 8 + [0] * 8)
    first = references.copy()
    second = references.copy()
    second[:6] = 0
    assert _randomisation(references, first, second, 40_000) == pytest.approx(2 / 64, abs=0.003)


def test_randomisation_is_the_permutation_test_of_scipy_on_200_random_cases() -> None:
    def f1_difference(*columns: NDArray[np.int64], axis: int) -> NDArray[np.float64]:
        # Each column of pairs codes reference and prediction, so that swapping predictions swaps codes.
        f1 = [
            2 * np.sum(codes == 3, axis=axis) / np.sum((codes // 2 == 1) * 1.0 + (codes % 2 == 1), axis=axis)
            for codes in columns
        ]
        return np.asarray(f1[0] - f1[1])

    rng = np.random.default_rng(0)
    distances = []
    for _ in range(200):
        rows = int(rng.integers(7, 11))  # few enough for scipy to try all swappings
        references = np.array([1, 1, *rng.integers(2, size=rows - 2)])
        first = np.where(rng.random(rows) < rng.uniform(0.6, 1), references, 1 - references)
        second = np.where(rng.random(rows) < 0.5, references, 1 - references)
        exact = stats.permutation_test(
            (2 * references + first, 2 * references + second),
            f1_difference,
            permutation_type="samples",
            vectorized=True,
            n_resamples=2**rows,
        ).pvalue
        # Two-sided in scipy is twice the smaller side: the same, since a swapping of all rows turns the sign.
        distances.append(_randomisation(references, first, second) - exact)
    assert np.abs(distances).max() < 0.04  # 5 standard deviations of 4,000 swappings
    assert abs(np.mean(distances)) < 0.003


def test_randomisation_of_equal_predictions_is_1() -> None:
    references = np.array([0, 1, 1])
    assert _randomisation(references, references, references) == 1.0


def test_randomisation_goes_on_where_the_correction_needs_a_smaller_p_value() -> None:
    references = np.ones(200, dtype=np.int64)
    worst = np.zeros(200, dtype=np.int64)
    models = [model_of("f1-binary", references, predictions) for predictions in (references, worst)]
    p_value = approximate_randomisation(*models, resamples=100, smallest=1e-4, rng=np.random.default_rng(0))
    assert p_value == pytest.approx(1 / 10_001)


def _around_0(differences: NDArray[np.float64]) -> float:
    """Return the variance of the mean of the rows' differences, around 0."""
    return float(np.sum(differences**2) / len(differences) ** 2)


def test_crossed_t_by_hand() -> None:
    # Four rows; the first contender is right alone on two, the second on none: mean 0.5, squares sum to 2, so the
    # variance about 0 is 2/16; with 3/16 by the seeds of either, over 3 seeds, 1/8 more.
    differences = np.array([1.0, 1.0, 0.0, 0.0])
    pooled = SeedVariance(3 / 16, 0.0, 4, pooled=True)
    freedom = 0.25**2 / (0.125**2 / 3 + 0.125**2 / 4)
    expected = 2 * stats.t.sf(0.5 / np.sqrt(0.25), freedom)
    assert crossed_t(0.5, _around_0(differences), 4, [(pooled, 3), (pooled, 3)]) == pytest.approx(expected)


def test_crossed_t_without_seeds_is_mcnemars_statistic_on_200_random_cases() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        first, second = _rights(*(int(number) for number in rng.integers(1, 60, size=4)))
        rights = first.astype(float) - second.astype(float)
        table = [[np.sum(first & second), np.sum(first & ~second)], [np.sum(second & ~first), np.sum(~first & ~second)]]
        chi_square = mcnemar_of_statsmodels(table, exact=False, correction=False).statistic
        expected = 2 * stats.t.sf(np.sqrt(chi_square), len(rights) - 1)
        assert crossed_t(rights.mean(), _around_0(rights), len(rights), MODELS) == pytest.approx(expected)


def test_crossed_t_of_equal_predictions_is_1() -> None:
    assert crossed_t(0.0, _around_0(np.zeros(10)), 10, MODELS) == 1.0


def test_rows_that_all_favour_one_side_prove_little_if_they_are_few() -> None:
    assert crossed_t(1.0, _around_0(np.ones(3)), 3, MODELS) > 0.2


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]) == ()


def test_holm_is_that_of_statsmodels_on_200_random_cases() -> None:
    rng = np.random.default_rng(0)
    gc.freeze()  # statsmodels collects garbage in each call, for 0.3 s where torch is loaded
    for _ in range(200):
        p_values = [float(value) for value in rng.random(int(rng.integers(1, 20))) ** 3]
        assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    gc.unfreeze()


def test_the_detectable_difference_by_hand() -> None:
    # (1.959964 + 0.841621) standard errors, as in any table of sample sizes.
    error = StandardError(0.01, 1e9)
    assert detectable_difference(error, 10**6, alpha=0.05, comparisons=1) == pytest.approx(0.02801585)


def test_the_detectable_difference_counts_the_comparisons() -> None:
    error = StandardError(0.01, 20.0)
    expected = 0.01 * (stats.t.isf(0.0025, 20) + stats.t.ppf(0.8, 20))
    assert detectable_difference(error, 10**6, alpha=0.05, comparisons=10) == pytest.approx(expected)


def test_the_detectable_difference_of_models_that_agree_is_not_0() -> None:
    error = StandardError(0.0, 1e9)
    assert detectable_difference(error, 1000, alpha=0.05, comparisons=1) == pytest.approx(7.849 / 1000, rel=1e-3)


def test_what_could_only_be_detected_beyond_a_difference_of_1_is_not_detectable() -> None:
    error = StandardError(0.01, 3)
    assert detectable_difference(error, 8, alpha=0.05, comparisons=10) == float("inf")


def test_a_detectable_difference_is_found_four_times_in_five() -> None:
    # A pair of models right on 80% of 1,000 rows each, apart by the difference that their errors make detectable.
    variance = 2 * 0.16 / 1000
    gap = detectable_difference(StandardError(np.sqrt(variance), 999), 1000, alpha=0.05, comparisons=1)
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 1000, 1000)) < np.array([0.8 + gap / 2, 0.8 - gap / 2])[:, None, None]
    found = np.mean([mcnemar(*models) < 0.05 for models in zip(first, second, strict=True)])
    assert 0.75 < found < 0.85

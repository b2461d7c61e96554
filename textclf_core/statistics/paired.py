"""Tests of the difference between two contenders on the same rows, and the differences that they can detect."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from textclf_core.statistics.bootstrap import kinds_of
from textclf_core.statistics.models import SummedModel
from textclf_core.statistics.variance import SeedVariance, StandardError, standard_error

POWER = 0.8
"""The probability with which a detectable difference is found."""

ENOUGH_EXCEEDING = 20
"""A randomisation test stops after this many permutations with at least the observed difference."""


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> float:
    """Return the exact two-sided p-value of McNemar's test that two models have the same accuracy.

    Under the null hypothesis, each model gets half of the rows that only one of them gets right: a binomial test
    (McNemar, Psychometrika 12, 1947, pp. 153-157, in its exact form; Dror et al., ACL 2018, section 3, recommend it for
    accuracy).

    Args:
        first_right: whether the first model is right, bool, shape (rows,).
        second_right: whether the second model is right, likewise.
    """
    first_alone = int(np.sum(first_right & ~second_right))
    second_alone = int(np.sum(second_right & ~first_right))
    if first_alone + second_alone == 0:
        return 1.0
    return float(stats.binomtest(first_alone, first_alone + second_alone, 0.5).pvalue)


def approximate_randomisation(
    first: SummedModel, second: SummedModel, *, resamples: int, smallest: float, rng: np.random.Generator
) -> float:
    """Return the two-sided p-value of an approximate randomisation test that two models score equally.

    Under the null hypothesis the two predictions of any row can be swapped. The p-value is the share of random
    permutations with at least the observed difference (Yeh, COLING 2000), which is counted among them, so that the
    p-value is never 0 (Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010, article 39).

    Args:
        first: one model.
        second: the other model.
        resamples: the number of permutations drawn at a time. More are drawn while fewer than ``ENOUGH_EXCEEDING`` of
            them reach the observed difference (Besag & Clifford, Biometrika 78, 1991, pp. 301-304): a large p-value
            needs few permutations, a small one, which a correction multiplies, needs many.
        smallest: the p-value below which no more permutations are drawn.
        rng: the random generator.
    """
    gains = (second.terms - first.terms).T.tocsr()  # (rows, sums)
    gains.eliminate_zeros()
    differing = gains[np.flatnonzero(np.diff(gains.indptr))]
    if not differing.shape[0]:
        return 1.0
    # The totals depend only on how many rows of each kind are swapped, so these numbers are drawn.
    kinds, rows_of_kind = kinds_of((differing @ rng.standard_normal(differing.shape[1]))[:, None])
    gains_of_kind = differing[kinds].T

    def gap(change: NDArray[np.float64]) -> NDArray[np.float64]:
        one, other = first.totals[:, None] + change, second.totals[:, None] - change
        return np.abs(first.sums.score(one) - first.sums.score(other))

    observed = gap(np.zeros((len(first.totals), 1)))
    exceeding = drawn = 0
    while exceeding < ENOUGH_EXCEEDING and drawn * smallest < 1:
        swapped = rng.binomial(rows_of_kind, 0.5, size=(resamples, len(rows_of_kind))).T
        exceeding += int(np.sum(gap(gains_of_kind @ swapped) >= observed - 1e-12))
        drawn += resamples
    return (1 + exceeding) / (1 + drawn)


def crossed_t(difference: float, by_examples: float, rows: int, seeds: Sequence[tuple[SeedVariance, int]]) -> float:
    """Return the two-sided p-value of a t test, over examples and seeds, that two strategies have the same mean score.

    The variance components are those of :mod:`~.variance`. The variance over examples is taken around a difference of
    0, as the null hypothesis implies (and as in McNemar's and every score test): if all differing rows favour one side,
    they have no variance around their mean, yet five such rows aren't significant.

    A test of the rows only (a permutation of seed-averaged differences) isn't used: if seeds vary by one point, it
    finds a false difference in two of ten comparisons of five equal strategies. The pigeonhole bootstrap of rows and
    seeds (Owen, Annals of Applied Statistics 1, 2007, pp. 386-411) isn't used either: it counts the seed-by-example
    variance three times, and three seeds are too few to resample. Bouthillier et al. (MLSys 2021) show how much seeds
    matter.

    Limits: with three seeds no test can be exact for every variance between seeds and have the power of a test that
    knows the variance to be 0. This test is conservative if seeds don't vary (2.5% false differences for five equal
    contenders) and somewhat liberal if they vary much: 5 to 8% of families of five have a false difference with three
    seeds, up to 11% with two, and more if one contender varies far more than the others. More seeds reduce all of these
    errors. ``tests/benchmarks/statistics_simulation.py`` measures them. The test relies on a normal approximation, so
    about ten rows or more should differ. It is about this training split only; seeds don't show how results would vary
    with another one.

    Args:
        difference: the difference of the means over seeds.
        by_examples: its variance over test rows, around a difference of 0.
        rows: the number of test rows.
        seeds: for both contenders, the variance between seeds and the number of seeds.
    """
    error = standard_error(by_examples, rows, seeds)
    if error.value == 0:
        return 1.0
    return float(2 * stats.t.sf(abs(difference) / error.value, error.degrees_of_freedom))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for multiple tests (Holm, Scandinavian Journal of Statistics 6, 1979, pp. 65-70).

    The smallest p-value is multiplied by their number, the next by one less, and so on; no adjusted value is smaller
    than the one before it. The probability that any true null hypothesis has an adjusted value below alpha is at most
    alpha, whatever the dependence between the tests.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(np.asarray(p_values)[order] * factors))
    return tuple(float(value) for value in adjusted)


def detectable_difference(
    error: StandardError, rows: int, *, alpha: float, comparisons: int, width: float = 1.0
) -> float:
    """Return the smallest true difference that such a test would find with probability ``POWER``.

    It is the standard error times the sum of the t quantiles of the level and of the power; Card et al. (EMNLP 2020)
    explain why it should be reported. It assumes that the models disagree and the seeds vary as observed, and uses the
    level of Holm's first step, alpha divided by the number of comparisons, which is the strictest and so holds for
    every pair.

    If the models hardly disagree, their standard error is no guide: a difference of d needs at least d times ``rows``
    rows on which only one model is right, and this number is significant only if it is at least the squared sum of the
    quantiles. This gives the minimum that is returned, for a metric between two limits. Scores can't differ by more
    than the distance between these, ``width``, so if the result exceeds it, no difference is detectable, and infinity
    is returned.
    """
    freedom = error.degrees_of_freedom
    quantiles = float(stats.t.isf(alpha / comparisons / 2, freedom) + stats.t.ppf(POWER, freedom))
    detectable = max(quantiles * error.value, quantiles**2 / rows * width if math.isfinite(width) else 0.0)
    return detectable if detectable <= width else math.inf

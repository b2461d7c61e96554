"""Tests of the difference between two contenders on the same rows, and what they could have found."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from textclf_core.statistics.bootstrap import kinds_of_rows
from textclf_core.statistics.metrics import Metric, right_rows, row_counts, score
from textclf_core.statistics.variance import SeedVariance, StandardError, standard_error

POWER = 0.8
"""The chance with which a detectable difference is found."""

ENOUGH_EXCEEDING = 20
"""Swappings at least as far apart as the models, after which a randomisation test has seen enough."""


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> float:
    """Return the exact two-sided p-value that two models of one accuracy would differ as much.

    Of the rows that just one of them gets right, each would get half: a binomial test (McNemar, Psychometrika 12,
    1947, pp. 153-157, in its exact form; Dror et al., ACL 2018, section 3, advise it for accuracy).

    Args:
        first_right: whether the first model is right, bool, shape (rows,).
        second_right: the same for the second.
    """
    first_alone = int(np.sum(first_right & ~second_right))
    second_alone = int(np.sum(second_right & ~first_right))
    if first_alone + second_alone == 0:
        return 1.0
    return float(stats.binomtest(first_alone, first_alone + second_alone, 0.5).pvalue)


def approximate_randomisation(
    metric: Metric,
    references: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    num_labels: int,
    *,
    resamples: int,
    smallest: float,
    rng: np.random.Generator,
) -> float:
    """Return the two-sided p-value that the differing rows are dealt to two models by chance alone.

    If the models are exchangeable, any row's two predictions may be swapped: the p-value is the share of random
    swappings with at least the observed difference (Yeh, COLING 2000), the observed one counted among them, so that
    it is never 0 (Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010, article 39).

    Args:
        metric: what is measured.
        references: the true label ids, shape (rows,); or zeros and ones, (rows, labels).
        first: what one model predicted, in the same shape.
        second: the same of the other.
        num_labels: how many labels there are.
        resamples: how many swappings at a time. More are drawn while fewer than ``ENOUGH_EXCEEDING`` reach the
            observed difference (Besag & Clifford, Biometrika 78, 1991, pp. 301-304): what is far from significant
            needs few, and what a correction will multiply needs many.
        smallest: the p-value below which no more are drawn.
        rng: draws them.
    """
    differing = np.flatnonzero(~right_rows(first, second))
    if len(differing) == 0:
        return 1.0
    # How many rows of a kind are swapped is all that the totals depend on, so that is what is drawn.
    of_kind, rows_of_kind = kinds_of_rows(references[differing], first[differing], second[differing])
    kinds = differing[of_kind]
    before, after = (row_counts(metric, references[kinds], labels[kinds], num_labels) for labels in (first, second))
    first_total = _totals(metric, references, first, num_labels)
    second_total = _totals(metric, references, second, num_labels)
    observed = _gap(metric, first_total, second_total)
    exceeding = drawn = 0
    while exceeding < ENOUGH_EXCEEDING and drawn * smallest < 1:
        swapped = rng.binomial(rows_of_kind, 0.5, size=(resamples, len(rows_of_kind))).T
        moved = (after - before) @ swapped
        by_chance = _gap(metric, first_total + moved, second_total - moved)
        exceeding += int(np.sum(by_chance >= observed - 1e-12))
        drawn += resamples
    return (1 + exceeding) / (1 + drawn)


def crossed_t(
    difference: float, row_influences: NDArray[np.float64], seeds: Sequence[tuple[SeedVariance, int]]
) -> float:
    """Return the two-sided p-value that two strategies of one true score would differ as much in their means.

    A t test of the difference, over examples and seeds together (:mod:`~.variance`). The variance over examples is
    that under the hypothesis, about a difference of 0 (as in McNemar's and every score test): rows that all favour
    one side have no spread about their mean, yet five such rows prove nothing.

    Why not test rows alone (a permutation of seed-averaged differences)? Where seeds scatter by one point, that
    calls two of ten comparisons of five equal strategies different. Why not the pigeonhole bootstrap of rows and
    seeds (Owen, Annals of Applied Statistics 1, 2007, pp. 386-411)? It counts the seed-by-example variance three
    times, and three seeds are too few to resample. Bouthillier et al. (MLSys 2021) show how much seeds matter.

    Limits. With three seeds no test can both be exact whatever the seeds' variance and find what a test that knows
    it to be 0 would find. This one is cautious where seeds add nothing (2.5% for five equal contenders) and
    somewhat bold where they add much: 5 to 8% of families of five have a false difference with three seeds, up to
    11% with two, and more if one contender is far less steady than the rest. More seeds mend all of it.
    ``tests/benchmarks/statistics_simulation.py`` measures this. A normal limit stands behind it, so some ten rows
    should differ. It speaks of this training split: another one is another source of variation, which no seed shows.

    Args:
        difference: of the means over seeds.
        row_influences: the difference of the two contenders' influences, shape (rows,).
        seeds: of both contenders, the variance between seeds and the number of seeds.
    """
    rows = len(row_influences)
    by_examples = float(np.sum((row_influences + difference) ** 2) / rows**2)
    error = standard_error(by_examples, rows, seeds)
    if error.value == 0:
        return 1.0
    return float(2 * stats.t.sf(abs(difference) / error.value, error.degrees_of_freedom))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for their number (Holm, Scandinavian Journal of Statistics 6, 1979, pp. 65-70).

    The chance that any true hypothesis has an adjusted value below alpha is at most alpha, however they depend on
    one another: the smallest is multiplied by their number, the next by one less, and none falls below the one
    before it.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(np.asarray(p_values)[order] * factors))
    return tuple(float(value) for value in adjusted)


def detectable_difference(error: StandardError, rows: int, *, alpha: float, comparisons: int) -> float:
    """Return the smallest true difference that such a test would find with a chance of ``POWER``.

    The standard error times the sum of the t quantiles of the level and of the power (Card et al., EMNLP 2020, on
    why to say it). It assumes that the models disagree and the seeds scatter as observed, and the level of Holm's
    first step, alpha over the number of comparisons: the strictest, so that it holds for whichever pair it is.
    Models that hardly disagree can't differ much, so their standard error says little; a difference of d needs
    at least d times ``rows`` rows on which one is right alone, and that many can be told from none only if they
    are at least the squared sum of the quantiles, which is the least this returns. Scores can't differ by more than 1:
    where even that would go unseen, no difference is detectable, and this returns infinity. (Cut off at 1 it would
    promise that a difference of 1 is found.)
    """
    freedom = error.degrees_of_freedom
    quantiles = float(stats.t.isf(alpha / comparisons / 2, freedom) + stats.t.ppf(POWER, freedom))
    detectable = max(quantiles * error.value, quantiles**2 / rows)
    return detectable if detectable <= 1 else math.inf


def _totals(
    metric: Metric, references: NDArray[np.int64], predictions: NDArray[np.int64], num_labels: int
) -> NDArray[np.float64]:
    """Return the totals of one model, shape (counts, 1)."""
    return np.asarray(row_counts(metric, references, predictions, num_labels).sum(axis=1))[:, None]


def _gap(metric: Metric, first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.abs(score(metric, first) - score(metric, second))

"""Bootstrap over the examples of a test set, stratified by reference label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from textclf_core.statistics.metrics import SEQUENCE_METRICS, Metric, row_counts, score

SMALLEST_STRATUM = 5
"""Labels with fewer rows than this are resampled as one stratum."""

_WEIGHTS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval and its nominal level."""

    low: float
    high: float
    level: float


def strata_of(references: NDArray[np.int64], metric: Metric = "accuracy") -> tuple[NDArray[np.int64], ...]:
    """Return the strata of the test rows: the row numbers of each reference label, smallest label id first.

    Token sequences form a single stratum, and so do multi-label rows.

    A stratum of one row would be the same in every resample and would show no variance. So labels with fewer than
    ``SMALLEST_STRATUM`` rows form one stratum ("collapsed strata"; Cochran, Sampling Techniques, 1977, section 5A.12);
    if that is still too small, it is merged with the smallest other stratum.
    """
    if metric in SEQUENCE_METRICS or references.ndim > 1:
        return (np.arange(len(references)),)
    labels, counts = np.unique(references, return_counts=True)
    groups = [np.flatnonzero(references == label) for label in labels[counts >= SMALLEST_STRATUM]]
    rare = np.flatnonzero(np.isin(references, labels[counts < SMALLEST_STRATUM]))
    if groups and 0 < len(rare) < SMALLEST_STRATUM:
        rare = np.concatenate([groups.pop(int(np.argmin([len(group) for group in groups]))), rare])
    return (*groups, rare) if len(rare) else tuple(groups)


def kinds_of_rows(*labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group rows that have equal values in all of ``labels``; return each group's first row and its number of rows.

    Args:
        labels: references or predictions of the same rows, each of shape (rows,) or (rows, labels).
    """
    columns = np.concatenate([one.reshape(len(one), -1) for one in labels], axis=1)
    _, first, rows = np.unique(columns, axis=0, return_index=True, return_counts=True)
    return first, rows


def resampled_scores(
    metric: Metric,
    references: NDArray[np.int64],
    predictions: NDArray[np.int64],
    num_labels: int,
    strata: Sequence[NDArray[np.int64]],
    *,
    resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the metric of each model in each resample of the rows, float64, shape (models, resamples).

    All models are scored on the same resamples, so their differences are paired. Rows with equal labels and equal
    predictions contribute equally, so the number of rows of each such kind is drawn: the work grows with the number of
    kinds, not of rows.

    Args:
        metric: the metric.
        references: the true label ids, shape (rows,), or zeros and ones, shape (rows, labels).
        predictions: the predictions of each model, shape (models, rows) or (models, rows, labels).
        num_labels: the number of labels.
        strata: the row numbers of each stratum; a resample has as many rows of a stratum as there are.
        resamples: the number of resamples.
        rng: the random generator.
    """
    kinds = [kinds_of_rows(references[stratum], *predictions[:, stratum]) for stratum in strata]
    of_kind = np.concatenate([stratum[first] for stratum, (first, _) in zip(strata, kinds, strict=True)])
    counts = [row_counts(metric, references[of_kind], of_model[of_kind], num_labels) for of_model in predictions]
    scores = np.empty((len(predictions), resamples))
    at_once = max(1, _WEIGHTS_AT_ONCE // len(of_kind))
    for start in range(0, resamples, at_once):
        stop = min(start + at_once, resamples)
        drawn = [rng.multinomial(times.sum(), times / times.sum(), size=stop - start) for _, times in kinds]
        weights = np.concatenate(drawn, axis=1).T.astype(np.float64)
        scores[:, start:stop] = [score(metric, of_model @ weights) for of_model in counts]
    return scores


def bca_interval(
    estimate: float,
    replicates: NDArray[np.float64],
    influences: NDArray[np.float64],
    *,
    level: float,
) -> Interval:
    """Return the bias-corrected and accelerated bootstrap interval (Efron, JASA 82, 1987, pp. 171-185).

    Its coverage is better than that of the percentile interval when the metric is near 0 or 1, and it never leaves the
    metric's range. If no resample differs from the estimate (every prediction is right, or only one label is
    predicted), the interval has length 0.

    Args:
        estimate: the metric on the original rows.
        replicates: the metric in each resample; NaN where it isn't defined, which is left out.
        influences: each row's influence minus the mean of its stratum. Their skewness gives the acceleration by
            Efron's equation 6.6, which also holds within strata (Davison & Hinkley, Bootstrap Methods and their
            Application, 1997, section 5.3.2) if the influences are scaled alike.
        level: the nominal level, such as 0.95.
    """
    spread = np.sum(influences**2)
    replicates = replicates[np.isfinite(replicates)]
    if spread == 0 or not len(replicates) or np.ptp(replicates) == 0:
        return Interval(estimate, estimate, level)
    # Sums in a different order differ in their last bits. Such replicates are ties; half of them count as below.
    tie = 1e-12
    below = np.mean(replicates < estimate - tie) + 0.5 * np.mean(np.abs(replicates - estimate) <= tie)
    at_least = 0.5 / len(replicates)
    bias = stats.norm.ppf(np.clip(below, at_least, 1 - at_least))
    acceleration = np.sum(influences**3) / (6 * spread**1.5)
    tails = stats.norm.ppf([(1 - level) / 2, (1 + level) / 2])
    levels = stats.norm.cdf(bias + (bias + tails) / (1 - acceleration * (bias + tails)))
    low, high = np.quantile(replicates, levels)
    return Interval(float(low), float(high), level)

"""Bootstrap over the examples of a test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from textclf_core.statistics.draws import Draws
from textclf_core.statistics.models import Model

_WEIGHTS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval and its nominal level."""

    low: float
    high: float
    level: float


def resampled_scores(
    models: Sequence[Model], draws: Draws, *, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the metric of each model in each resample of the draws, float64, shape (models, resamples).

    All models are scored on the same resamples, so their differences are paired. A resample has as many draws of a
    stratum as there are. Draws that are alike for all models contribute equally, so the number of draws of each such
    kind is drawn: the work grows with the number of kinds, not of rows.

    Args:
        models: the models.
        draws: what is resampled.
        resamples: the number of resamples.
        rng: the random generator.
    """
    kinds = _kinds_in(np.stack([model.signatures(draws) for model in models], axis=1), draws)
    chosen = np.concatenate([first for first, _ in kinds])
    scores = np.empty((len(models), resamples))
    at_once = max(1, _WEIGHTS_AT_ONCE // len(chosen))
    for start in range(0, resamples, at_once):
        stop = min(start + at_once, resamples)
        drawn = [rng.multinomial(times.sum(), times / times.sum(), size=stop - start) for _, times in kinds]
        weights = np.concatenate(drawn, axis=1).T.astype(np.float64)
        scores[:, start:stop] = [model.resampled(draws, chosen, weights) for model in models]
    return scores


def kinds_of(signatures: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first draw of each kind, and each kind's number of draws, by equal rows of (draws, models)."""
    _, first, times = np.unique(signatures, axis=0, return_index=True, return_counts=True)
    return first, times


def _kinds_in(signatures: NDArray[np.float64], draws: Draws) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    kinds = [(stratum, *kinds_of(signatures[stratum])) for stratum in draws.strata]
    return [(stratum[first], times) for stratum, first, times in kinds]


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

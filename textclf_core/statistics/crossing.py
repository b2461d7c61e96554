"""The amount of training data at which one contender overtakes another."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textclf_core.errors import DataError
from textclf_core.statistics.bootstrap import Interval, resampled_scores
from textclf_core.statistics.draws import Draws
from textclf_core.statistics.models import Model
from textclf_core.types.metric import MetricInfo

ESTABLISHED = 0.98
"""The share of the resamples from which on a crossing counts as established."""


@dataclass(frozen=True)
class Crossing:
    """The point where two learning curves cross.

    Attributes:
        rows: the number of training examples at the crossing; below it ``below`` is better, above it the other.
        interval: the interval of ``rows``. An end is 0 or infinity if it lies outside the sizes that were run.
        below: 0 if the first contender is better below the crossing, 1 if the second is.
        share: the share of the resamples in which the curves cross within the sizes that were run.
    """

    rows: float
    interval: Interval
    below: int
    share: float

    @property
    def is_established(self) -> bool:
        """Whether the curves cross within the sizes that were run in 98% of the resamples."""
        return self.share >= ESTABLISHED


def crossing(
    first: Mapping[int, Sequence[Model]],
    second: Mapping[int, Sequence[Model]],
    metric: MetricInfo,
    *,
    labels: NDArray[np.int64] | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Crossing | None:
    """Return where two contenders' mean learning curves cross, or ``None`` if they don't.

    Between two sizes a curve is linear in the logarithm of the number of training examples. Of several crossings the
    last is returned, after which the order no longer changes. The interval is the percentile interval of the crossings
    in resamples of both the examples (the same for all models) and each contender's seeds at each size (the pigeonhole
    bootstrap; Owen, Annals of Applied Statistics 1, 2007, pp. 386-411). A resample without a crossing counts as a
    crossing below or above all sizes, depending on which contender is better throughout. With two or three seeds the
    interval is too short, as with any bootstrap of so few values.

    Args:
        first: one contender's models for each number of training examples, one a seed.
        second: the other contender's models, likewise.
        metric: the metric to compare by, which is that of the models.
        labels: the label of each test row, int64, shape (rows,), if resamples are to have the same shares of labels.
        level: the nominal level of the interval.
        resamples: the number of resamples.
        seed: the seed of the resamples.

    Raises:
        DataError: the contenders have fewer than two sizes in common.
    """
    sizes = sorted(first.keys() & second.keys())
    if len(sizes) < 2:
        raise DataError(
            f"to find a crossing, both contenders need at least two training sizes in common; they have {len(sizes)}."
        )
    blocks = [curve[size] for curve in (first, second) for size in sizes]
    models = [model for block in blocks for model in block]
    rng = np.random.default_rng(seed)
    most = min((model.most_draws for model in models if model.most_draws is not None), default=None)
    draws = Draws(models[0].rows, labels=labels, most=most)
    sign = metric.oriented(1.0)
    observed = sign * np.array([[model.score] for model in models])
    scores = sign * resampled_scores(models, draws, resamples=resamples, rng=rng)
    bounds = np.cumsum([0, *map(len, blocks)])
    logs = np.log(np.array(sizes, dtype=float))

    def differences(of_models: NDArray[np.float64], draw: bool) -> NDArray[np.float64]:
        """Return the first contender's scores minus the second's, shape (sizes, resamples)."""
        means = []
        for start, stop in itertools.pairwise(bounds):
            block = of_models[start:stop]
            if draw:
                weights = rng.multinomial(len(block), [1 / len(block)] * len(block), size=block.shape[1]).T / len(block)
                means.append((block * weights).sum(axis=0))
            else:
                means.append(block.mean(axis=0))
        return np.subtract(means[: len(sizes)], means[len(sizes) :])

    estimate = differences(observed, draw=False)[:, 0]
    at = _last_crossing(estimate, logs)
    if at is None:
        return None
    below = 0 if estimate[-1] < 0 else 1
    places = []
    crossed = 0
    for difference in differences(scores, draw=True).T:
        place = _last_crossing(difference, logs)
        crossed += place is not None
        if place is not None and (difference[-1] < 0) == (estimate[-1] < 0):
            places.append(place)
        else:
            # If the contender that wins at the largest size wins here too, it does so at all sizes; else at none.
            ahead = (difference[-1] < 0) == (estimate[-1] < 0)
            places.append(-np.inf if ahead else np.inf)
    # Quantiles must be values that occur, since infinities can't be interpolated.
    low, high = np.quantile(places, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return Crossing(
        float(np.exp(at)), Interval(float(np.exp(low)), float(np.exp(high)), level), below, crossed / resamples
    )


def _last_crossing(difference: NDArray[np.float64], logs: NDArray[np.float64]) -> float | None:
    """Return the logarithm of the size where the difference changes sign for the last time; ``None`` if it doesn't."""
    for index in range(len(logs) - 1, 0, -1):
        before, after = difference[index - 1], difference[index]
        if after != 0 and before * after <= 0:
            return float(logs[index - 1] + (logs[index] - logs[index - 1]) * before / (before - after))
    return None

"""The amount of training data at which one contender overtakes another."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textclf_core.errors import DataError
from textclf_core.statistics.bootstrap import Interval, resampled_scores, strata_of
from textclf_core.statistics.metrics import Metric


@dataclass(frozen=True)
class Crossing:
    """Where two learning curves cross.

    Attributes:
        rows: training examples at the crossing; below it ``below`` is better, above it the other.
        interval: in training examples. An end is 0 or infinity where the resamples leave the sizes that were run.
        below: 0 if the first contender is better below the crossing, 1 if the second.
        share: of the resamples, those in which the curves cross within the sizes that were run.
    """

    rows: float
    interval: Interval
    below: int
    share: float


def crossing(
    references: NDArray[np.int64],
    first: Mapping[int, NDArray[np.int64]],
    second: Mapping[int, NDArray[np.int64]],
    metric: Metric,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Crossing | None:
    """Return where the mean curve of one contender crosses the other's, or ``None`` if it doesn't.

    Between two sizes a curve is a straight line over the logarithm of the number of training examples; of several
    crossings the last counts, behind which the order stays. The interval is the percentile interval of crossings in
    resamples of examples (the same for all models) and of each contender's seeds at each size, both at once (the
    pigeonhole bootstrap: Owen, Annals of Applied Statistics 1, 2007, pp. 386-411). A resample without a crossing
    counts as one below or above all sizes, by which contender is ahead throughout. With two or three seeds the interval
    is rather too short, as any bootstrap of so few is.

    Args:
        references: the true label ids of the test rows, shape (rows,).
        first: for each number of training examples, one contender's predictions, shape (seeds, rows).
        second: the same sizes of the other.
        metric: what is compared.
        level: of the interval.
        resamples: how many.
        seed: decides the resamples.

    Raises:
        DataError: fewer than two sizes are common to both.
    """
    sizes = sorted(first.keys() & second.keys())
    if len(sizes) < 2:
        raise DataError(
            f"two sizes of train or more must be common to both contenders to cross; there are {len(sizes)}."
        )
    blocks = [curve[size] for curve in (first, second) for size in sizes]
    models = np.concatenate(blocks)
    num_labels = 1 + int(max(references.max(), models.max()))
    rng = np.random.default_rng(seed)
    # Each row drawn once: the estimate itself.
    observed = resampled_scores(
        metric,
        references,
        models,
        num_labels,
        [np.array([row]) for row in range(len(references))],
        resamples=1,
        rng=rng,
    )
    scores = resampled_scores(
        metric, references, models, num_labels, strata_of(references, metric), resamples=resamples, rng=rng
    )
    bounds = np.cumsum([0, *map(len, blocks)])
    logs = np.log(np.array(sizes, dtype=float))

    def differences(of_models: NDArray[np.float64], draw: bool) -> NDArray[np.float64]:
        """Return first less second, shape (sizes, resamples)."""
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
            # The contender that is ahead above the crossing is ahead at the end, so all along; or never.
            ahead = (difference[-1] < 0) == (estimate[-1] < 0)
            places.append(-np.inf if ahead else np.inf)
    # Of the values that occur, not between them: infinities have no middle.
    low, high = np.quantile(places, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return Crossing(
        float(np.exp(at)), Interval(float(np.exp(low)), float(np.exp(high)), level), below, crossed / resamples
    )


def _last_crossing(difference: NDArray[np.float64], logs: NDArray[np.float64]) -> float | None:
    """Return the logarithm of the size where the sign of the difference changes for the last time."""
    for index in range(len(logs) - 1, 0, -1):
        before, after = difference[index - 1], difference[index]
        if after != 0 and before * after <= 0:
            return float(logs[index - 1] + (logs[index] - logs[index - 1]) * before / (before - after))
    return None

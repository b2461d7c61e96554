"""Looking at a comparison several times, while seeds are added: critical values that hold over all looks.

The same test rows are used at every look, so the error over rows is shared by all of them; more seeds shrink the error
between seeds only. The accepted probability of a false verdict is spent over the looks by their share of information
(Lan and DeMets, Biometrika 70, 1983, pp. 659-663). The information is 1 / (V_rows + V_seeds / S) for S seeds. What
overlapping training samples have in common counts as V_rows, since more seeds don't shrink it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textclf_core.statistics.joint_error import JointError, beaten_by

_DRAWS = 10_000


def spending(alpha: float, information: float) -> float:
    """Return the probability of a false verdict that may be spent up to a look.

    Args:
        alpha: the probability for all looks.
        information: the share of the last look's information, from 0 to 1.
    """
    return alpha * math.log(1 + (math.e - 1) * min(1.0, information))


def planned_looks(first: int, most: int) -> tuple[int, ...]:
    """Return the numbers of seeds at which to look: the first, each about 1.6 times the one before, and the most."""
    looks = [first]
    while looks[-1] < most:
        looks.append(min(most, math.ceil(1.6 * looks[-1])))
    return tuple(looks)


class SequentialCriticalValues:
    """The critical values of each look so far, in standard errors.

    What chance alone does over the looks is drawn for equal contenders: one error over rows; the variance between seeds
    as it may be, given the estimate; and for each seed a deviation, of which the first S make the mean of a look with S
    seeds. The share of draws that exceed a critical value, or an earlier look's, is what may be spent until then. An
    earlier look counts as having spent at least all that it might.

    Args:
        error: of all contenders, at the last look so far.
        counts: the number of seeds of each contender at each look so far, int64, (looks, contenders).
        planned: the numbers of seeds at all planned looks.
        earlier: the critical values that were used at the looks before the last one so far.
        alpha: the accepted probability that any verdict at any look is false.
        rng: the random generator.
    """

    def __init__(
        self,
        error: JointError,
        counts: NDArray[np.int64],
        planned: Sequence[int],
        earlier: Sequence[float],
        *,
        alpha: float,
        rng: np.random.Generator,
    ) -> None:
        self._beaten = _beaten_by_chance(error, counts, rng)
        self._allowed = [spending(alpha, _information(error, 1 + look, planned)) for look in range(len(counts))]
        self._earlier = list(earlier)

    def critical(self, candidates: NDArray[np.int64]) -> float:
        """Return the critical value of the last look among some contenders; infinity if nothing may be spent."""
        largest = [beaten[:, candidates].max(axis=1) for beaten in self._beaten]
        exceeded = np.zeros(len(largest[0]), dtype=bool)
        for values, used, allowed in zip(largest[:-1], self._earlier, self._allowed[:-1], strict=True):
            # Fewer draws exceed the value that was used than chance did then: it allowed for the doubt of fewer seeds.
            exceeded |= values > min(used, _critical(values, exceeded, allowed))
        return _critical(largest[-1], exceeded, self._allowed[-1])


def _critical(values: NDArray[np.float64], exceeded: NDArray[np.bool_], allowed: float) -> float:
    """Return the value that so many draws exceed that, with those that did before, they are the allowed share."""
    left = round(allowed * len(values)) - int(exceeded.sum())
    if left <= 0:
        return math.inf
    remaining = np.sort(values[~exceeded])
    return float(remaining[-left - 1]) if left < len(remaining) else 0.0


def _information(error: JointError, looks: int, planned: Sequence[int]) -> float:
    """Return the share of the last planned look's information that the looks so far have."""
    number = len(error.means)
    pairs = np.triu_indices(number, 1)
    own, lasting = np.diag(error.common), error.lasting
    rows = np.median((lasting[:, None] + lasting)[pairs]) + np.median((own[:, None] + own - 2 * error.common)[pairs])
    seeds = np.median((error.between[:, None] + error.between)[pairs])
    now, last = (rows + seeds / planned[place] for place in (looks - 1, -1))
    return float(last / now) if now else 1.0


def _beaten_by_chance(
    error: JointError, counts: NDArray[np.int64], rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Return for each look by how many standard errors each contender is beaten if all are equal."""
    number = len(error.means)
    between, lasting = error.draw_squares(_DRAWS, rng)
    shared = error.draw_common(_DRAWS, rng)
    shared += rng.standard_normal(lasting.shape) * np.sqrt(lasting)
    deviations = rng.standard_normal((_DRAWS, number, int(counts.max()))) * np.sqrt(between)[:, :, None]
    beaten = []
    for of_look in counts:
        used = np.arange(deviations.shape[2]) < of_look[:, None]
        means = np.where(used, deviations, 0).sum(axis=2) / of_look
        beaten.append(beaten_by(shared + means, error.common, error.seed_variances_at(of_look)))
    return beaten

"""How far each contender is from the best of the others, for all contenders at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from textclf_core.statistics.bootstrap import Interval
from textclf_core.statistics.joint_error import JointError, beaten_by
from textclf_core.statistics.looks import SequentialCriticalValues
from textclf_core.statistics.paired import POWER

_DRAWS = 10_000

# What is still in reach of somebody who wants to know.
_MOST_SEEDS = 30
_MOST_TIMES_THE_ROWS = 20


@dataclass(frozen=True)
class Needed:
    """What would decide about a contender.

    Attributes:
        seeds: so many seeds of each contender, with the same rows; ``None`` if more seeds wouldn't.
        rows: so many test rows, with the same seeds.
    """

    seeds: int | None = None
    rows: int | None = None


class ComparisonWithBest:
    """Multiple comparisons with the best, by the method of Hsu, in steps.

    A contender is beaten by how many standard errors another one is above it; what chance alone does is drawn: the
    errors over test rows and seeds, and in each draw the variance between seeds as it may be, given its estimate, since
    the degrees of freedom differ by pair. Contenders that are beaten by more than chance beats any of all contenders,
    but for a share alpha of draws, are worse than the best. Then the same is asked of the others alone, and so on
    (Romano and Wolf, JASA 100, 2005, pp. 94-108). Those that are left are the candidates, and the last critical value
    gives the intervals (Hsu, Annals of Statistics 9, 1981, pp. 1026-1034, and JASA 79, 1984, pp. 136-144), of which the
    ends where nothing is claimed are 0.

    Hsu's own critical value is smaller, but with several equally good contenders it calls one of them worse in more
    than alpha of comparisons: in 17% instead of 5%, with four.

    A difference's variance over rows is taken around 0, as in a score test: where all differing rows favour one
    contender, they have no variance around their mean.

    Args:
        error: of two or more contenders.
        alpha: the accepted probability that any of the claims is false.
        rng: the random generator.
        at_look: gives the critical values at one of several looks.
        candidates: the contenders that weren't worse at an earlier look; all if not given.

    Attributes:
        candidates: the contenders that aren't worse than the best, by number.
        critical: the critical value among them, in standard errors.
    """

    def __init__(
        self,
        error: JointError,
        *,
        alpha: float,
        rng: np.random.Generator,
        at_look: SequentialCriticalValues | None = None,
        candidates: NDArray[np.int64] | None = None,
    ) -> None:
        self._error, self._alpha, self._rng = error, alpha, rng
        self._gaps = error.means[:, None] - error.means  # of the row's contender over the column's
        self._spread = np.sqrt(error.pair_variances + self._gaps**2 / error.effective_rows)
        np.fill_diagonal(self._spread, np.inf)  # none is compared with itself
        beaten_by_chance = None if at_look else _beaten_by_chance(error, rng)
        beaten = (self._gaps / self._spread).max(axis=0)
        self.candidates = np.arange(len(beaten)) if candidates is None else candidates
        while True:
            if at_look:
                self.critical = at_look.critical(self.candidates)
            elif beaten_by_chance is not None:
                self.critical = float(np.quantile(beaten_by_chance[:, self.candidates].max(axis=1), 1 - alpha))
            left = self.candidates[beaten[self.candidates] <= self.critical]
            if len(left) == len(self.candidates):
                break
            self.candidates = left

    def distances(self) -> list[Interval]:
        """Return the interval of each contender's true score minus the best true score of the others."""
        reach = self.critical * self._spread
        intervals = []
        for one in range(len(self._gaps)):
            rivals = self.candidates[self.candidates != one]
            low = min(0.0, float((self._gaps[one] - reach[one])[rivals].min(initial=0.0)))
            high = float((self._gaps[one] + reach[one]).min()) if one in self.candidates else 0.0
            width = self._error.width
            intervals.append(Interval(max(-width, low), min(width, max(0.0, high)), 1 - self._alpha))
        return intervals

    def needed(self, one: int, tolerance: float | None) -> Needed | None:
        """Return what would decide about a contender if the means stayed as they are; ``None`` if neither is in reach.

        To decide is to show, with the probability ``POWER``, that it is worse than the best-looking contender, or as
        good within the tolerance, whichever is nearer. Seeds are tried first, since rows need labels. With more seeds
        the variance between them is known better, so that less is critical than now.
        """
        best = int(np.argmax(self._error.means))
        gap = float(self._gaps[best, one])
        decisive = max(gap, (tolerance or 0.0) - gap)
        power = float(stats.norm.ppf(POWER))
        wanted = (decisive / (self.critical + power)) ** 2
        with_seeds = (decisive / (min(self.critical, self._critical_of_many_seeds) + power)) ** 2
        by_seeds = float(self._error.by_seeds[[best, one]].sum())
        by_examples = float(self._error.pair_variances[best, one]) - by_seeds
        seeds, rows = int(self._error.counts[[best, one]].min()), self._error.rows
        lasting = float(self._error.lasting[[best, one]].sum())
        redrawn = by_examples * self._error.redrawn
        shrinking, left = by_seeds - lasting + redrawn, with_seeds - (by_examples - redrawn) - lasting
        if shrinking and left > 0 and (more := shrinking / left) * seeds <= _MOST_SEEDS:
            # As few as these may be too few by what they show of their variance alone.
            return Needed(seeds=max(seeds + 1, math.ceil(more * seeds)))
        if by_seeds < wanted and (more := by_examples / (wanted - by_seeds)) <= _MOST_TIMES_THE_ROWS:
            return Needed(rows=math.ceil(more * rows))
        return None

    @cached_property
    def _critical_of_many_seeds(self) -> float:
        """The critical value among the candidates if the variance between seeds were known."""
        errors = self._error.draw_errors(_DRAWS, self._rng, many_seeds=True)
        beaten = beaten_by(errors, self._error.by_examples, self._error.by_seeds)
        return float(np.quantile(beaten[:, self.candidates].max(axis=1), 1 - self._alpha))

    def detectable(self) -> float:
        """Return the smallest true difference from the best that would be shown with the probability ``POWER``.

        The median over the contenders; see :func:`~.paired.detectable_difference` for what it assumes.
        """
        best = int(np.argmax(self._error.means))
        others = np.arange(len(self._gaps)) != best
        quantiles = self.critical + float(stats.norm.ppf(POWER))
        spread = np.sqrt(self._error.pair_variances[best, others])
        width = self._error.width
        least = quantiles**2 / self._error.effective_rows * width if math.isfinite(width) else 0.0
        detectable = float(np.median(np.maximum(quantiles * spread, least)))
        return detectable if detectable <= width else math.inf


def selection_quantile(error: JointError, *, alpha: float, rng: np.random.Generator) -> float:
    """Return by how many standard errors the best-looking mean is too high at most, with the probability 1 - alpha.

    It is a quantile of the largest studentised error among all contenders: whichever looks best was chosen for its
    error as well as for its score.
    """
    errors = error.draw_errors(_DRAWS, rng)
    spread = np.sqrt(np.diag(error.by_examples) + error.by_seeds)
    return float(np.quantile((errors / spread).max(axis=1), 1 - alpha))


def _beaten_by_chance(error: JointError, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return by how many standard errors each contender is beaten if all are equal, (draws, contenders)."""
    errors = error.draw_errors(_DRAWS, rng)
    return beaten_by(errors, error.by_examples, error.by_seeds)

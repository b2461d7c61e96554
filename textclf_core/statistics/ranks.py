"""Average ranks over data sets, and the difference from which on two are shown to differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Ranks:
    """The ranks of contenders over data sets.

    Attributes:
        mean: the average rank of each contender; 1 is the highest score, ties share the mean of their ranks.
        p_value: of Friedman's test that all are equal.
        critical_difference: two average ranks that differ by at least this are shown to differ, at the level alpha for
            all pairs together.
    """

    mean: Mapping[str, float]
    p_value: float
    critical_difference: float

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the largest groups of two or more that aren't shown to differ, the best first, each in its order."""
        ordered = sorted(self.mean, key=lambda name: self.mean[name])
        found: list[tuple[str, ...]] = []
        for start, first in enumerate(ordered):
            group = tuple(
                name for name in ordered[start:] if self.mean[name] - self.mean[first] < self.critical_difference
            )
            # A group that ends where the one before it ends is a part of it.
            if len(group) > 1 and (not found or group[-1] != found[-1][-1]):
                found.append(group)
        return tuple(found)


def average_ranks(scores: Mapping[str, Sequence[float | None]], *, alpha: float = 0.05) -> Ranks:
    """Return the average ranks of two or more contenders over data sets.

    Friedman's test (JASA 32, 1937, pp. 675-701) with Nemenyi's critical difference, the studentised range divided by
    the square root of 2, times the standard error of a rank, as Demsar recommends (Journal of Machine Learning Research
    7, 2006, pp. 1-30). The data sets count as a random sample of all.

    Args:
        scores: for each contender the score on each data set, in one order; ``None`` for a contender that failed there,
            which has the last rank.
        alpha: the accepted probability of any false difference.
    """
    table = np.array([[-math.inf if score is None else score for score in own] for own in scores.values()])
    number, data_sets = table.shape
    ranks = stats.rankdata(-table, axis=0)
    mean = ranks.mean(axis=1)
    # From the ranks, since a score of minus infinity has no place in scipy's function; ties are corrected for.
    squares = float(((ranks - (number + 1) / 2) ** 2).sum())
    between = data_sets**2 * float(((mean - (number + 1) / 2) ** 2).sum())
    statistic = (number - 1) * between / squares if squares else 0.0
    reach = float(stats.studentized_range.ppf(1 - alpha, number, np.inf)) / math.sqrt(2)
    return Ranks(
        mean=dict(zip(scores, map(float, mean), strict=True)),
        p_value=float(stats.chi2.sf(statistic, number - 1)),
        critical_difference=reach * math.sqrt(number * (number + 1) / (6 * data_sets)),
    )

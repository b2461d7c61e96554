"""What counts as one draw from the population: a test row, a cluster of rows, or a group of either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

SMALLEST_STRATUM = 5
"""Labels with fewer rows than this are resampled as one stratum."""


@dataclass(frozen=True)
class OwnTests:
    """The test sets of a comparison in which each seed has its own, the same for all contenders.

    Attributes:
        clusters: for each seed the cluster of each row, int64, shape (rows,) of rows that count as one draw.
        labels: for each seed the label of each row, if its rows were drawn by label; ``None`` if not.
        overlap: the share of their rows that two test sets have in common on average, below 1.
    """

    clusters: tuple[NDArray[np.int64], ...]
    labels: tuple[NDArray[np.int64] | None, ...]
    overlap: float


class Draws:
    """The draws of which the test rows consist.

    Args:
        rows: the number of test rows.
        clusters: the cluster of each row, int64, shape (rows,), whose rows are one draw; each row is one if not given.
        labels: the label by which each row was drawn, int64, shape (rows,), if their shares of the rows are fixed.
        most: the largest number of draws; if there are more, they are put into so many random groups, which are the
            draws then.

    Attributes:
        of_rows: the draw of each row, int64, shape (rows,).
        number: the number of draws.
        strata: the draws of each stratum.
    """

    def __init__(
        self,
        rows: int,
        *,
        clusters: NDArray[np.int64] | None = None,
        labels: NDArray[np.int64] | None = None,
        most: int | None = None,
    ) -> None:
        ids = np.arange(rows) if clusters is None else clusters
        _, first, self.of_rows = np.unique(ids, return_index=True, return_inverse=True)
        self.number = len(first)
        self.strata = (np.arange(self.number),) if labels is None else strata_of(labels[first])
        if most is not None and self.number > most:
            self._group(most)
        self.are_rows = self.number == rows
        # A draw's influence is the sum of its rows', scaled so that the mean over draws is that over rows.
        self._members = csr_array(
            (np.ones(rows), (self.of_rows, np.arange(rows))), shape=(self.number, rows), dtype=np.float64
        )

    def sums_of(self, influences: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the draws' influences, shape (draws,), from those of rows."""
        if self.are_rows:
            return influences[np.argsort(self.of_rows, kind="stable")]
        return np.asarray(self._members @ influences * (self.number / len(influences)))

    def totals_of(self, terms: Any) -> Any:
        """Return each draw's sum of its rows' terms, sparse, shape (sums, draws), from (sums, rows)."""
        return terms @ self._members.T

    def _group(self, most: int) -> None:
        """Put the draws of each stratum into random groups of about equal size, ``most`` in all."""
        rng = np.random.default_rng(0)
        shares = [max(1, round(most * len(stratum) / self.number)) for stratum in self.strata]
        group = np.empty(self.number, dtype=np.int64)
        strata, start = [], 0
        for stratum, groups in zip(self.strata, shares, strict=True):
            group[rng.permutation(stratum)] = start + np.arange(len(stratum)) * groups // len(stratum)
            strata.append(np.arange(start, start + groups))
            start += groups
        self.of_rows, self.number, self.strata = group[self.of_rows], start, tuple(strata)


def strata_of(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Return the strata of draws with these labels: the numbers of each label's, smallest label first.

    A stratum of one draw would be the same in every resample and would show no variance. So labels with fewer than
    ``SMALLEST_STRATUM`` draws form one stratum ("collapsed strata"; Cochran, Sampling Techniques, 1977, section 5A.12);
    if that is still too small, it is merged with the smallest other stratum.
    """
    present, counts = np.unique(labels, return_counts=True)
    groups = [np.flatnonzero(labels == label) for label in present[counts >= SMALLEST_STRATUM]]
    rare = np.flatnonzero(np.isin(labels, present[counts < SMALLEST_STRATUM]))
    if groups and 0 < len(rare) < SMALLEST_STRATUM:
        rare = np.concatenate([groups.pop(int(np.argmin([len(group) for group in groups]))), rare])
    return (*groups, rare) if len(rare) else tuple(groups)

"""Trained models as the statistics see them: the metric on the test rows, and how each draw of rows influences it.

A metric that is a smooth function of sums over rows has exact derivatives (:class:`SummedModel`). Any other is computed
again without some of the rows (:class:`JackknifedModel`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from textclf_core.errors import DataError
from textclf_core.statistics.draws import Draws
from textclf_core.types.metric import RowSums, ScoredRows, ratio

MOST_DELETIONS = 500
"""A jackknife computes a metric so many times at most: of more rows, it deletes random groups."""

_ROUNDING = 1e-12
_STEP = 1e-3


class Model(Protocol):
    """One trained model on the test rows."""

    @property
    def rows(self) -> int:
        """The number of test rows."""
        ...

    @property
    def score(self) -> float:
        """The metric."""
        ...

    @property
    def most_draws(self) -> int | None:
        """The number of draws of which it can find the influences at a bearable cost; ``None`` for any number."""
        ...

    def influences(self, draws: Draws) -> NDArray[np.float64]:
        """Return each draw's influence on the metric, float64, shape (draws,), with mean 0.

        On another sample the metric changes by the mean of its draws' influences, to first order.
        """
        ...

    def signatures(self, draws: Draws) -> NDArray[np.float64]:
        """Return numbers of shape (draws,) that are equal for draws that add the same to the metric."""
        ...

    def resampled(self, draws: Draws, chosen: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the metric in resamples, float64, shape (resamples,).

        Args:
            draws: what is resampled.
            chosen: some of the draws, one of each kind, shape (kinds,).
            weights: how often draws of each kind are in a resample, shape (kinds, resamples).
        """
        ...


class SummedModel:
    """A model whose metric is a smooth function of sums over rows.

    The influence of a row is the derivative of the metric with respect to the row's weight, times the number of rows
    (the infinitesimal jackknife; Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 21.3). It is exact
    for a mean, such as accuracy.
    """

    most_draws: int | None = None

    def __init__(self, sums: RowSums, rows: ScoredRows) -> None:
        self.sums = sums
        self.terms = csr_array(sums.terms(rows)).T.tocsr()  # (sums, rows)
        self.rows = int(self.terms.shape[1])
        self.totals = np.asarray(self.terms.sum(axis=1), dtype=np.float64)

    @property
    def score(self) -> float:
        """The metric."""
        return float(self.sums.score(self.totals))

    @property
    def support(self) -> float:
        """The number of rows on which a perfect score rests."""
        return self.rows if self.sums.support is None else self.sums.support(self.totals)

    @property
    def rights(self) -> NDArray[np.bool_] | None:
        """Whether each row counts as 1 in a mean of zeros and ones, bool, shape (rows,); ``None`` for other metrics."""
        if self.sums.score is not ratio:
            return None
        top, bottom = self.terms.toarray()
        return top.astype(np.bool_) if (bottom == 1).all() and np.isin(top, (0, 1)).all() else None

    def influences(self, draws: Draws) -> NDArray[np.float64]:
        """Return each draw's influence."""
        found = np.asarray(self.rows * (self.terms.T @ self._gradient()))
        found[np.abs(found) < _ROUNDING] = 0  # the contributions of one row's labels may cancel
        return draws.sums_of(found)

    def signatures(self, draws: Draws) -> NDArray[np.float64]:
        """Return a random projection of each draw's terms, which differs where they do."""
        weights = np.random.default_rng(0).standard_normal(self.terms.shape[0])
        return np.asarray(draws.totals_of(self.terms).T @ weights)

    def resampled(self, draws: Draws, chosen: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the metric in resamples."""
        return np.asarray(self.sums.score(draws.totals_of(self.terms)[:, chosen] @ weights))

    def _gradient(self) -> NDArray[np.float64]:
        if self.sums.gradient is not None:
            return self.sums.gradient(self.totals)
        # By five points, whose error is of the fourth order in the step.
        steps = _STEP * np.maximum(1.0, np.abs(self.totals))
        moved = self.totals[:, None, None] + np.eye(len(steps))[:, :, None] * steps[:, None] * [-2, -1, 1, 2]
        return np.asarray(self.sums.score(moved) @ np.array([1, -8, 8, -1]) / (12 * steps))


class JackknifedModel:
    """A model whose metric is any function of the rows.

    A draw's influence is found by deleting it (Efron & Tibshirani, chapter 11), which is consistent if the metric is
    smooth, as it isn't for a median.

    Args:
        function: computes the metric from some of the rows.
        rows: all rows.
        by_labels: whether it depends on labels and predictions alone, so that equal rows need one deletion.
    """

    def __init__(self, function: Callable[[ScoredRows], float], rows: ScoredRows, *, by_labels: bool = False) -> None:
        self._function, self._rows, self.rows = function, rows, len(rows)
        self.score = float(function(rows))
        self._kinds = _kinds_of(rows) if by_labels else None
        self._found: dict[Draws, NDArray[np.float64]] = {}

    @property
    def most_draws(self) -> int | None:
        """A jackknife deletes no more; where rows are alike, it deletes one of each kind."""
        return None if self._kinds is not None and self._kinds.max() < MOST_DELETIONS else MOST_DELETIONS

    def influences(self, draws: Draws) -> NDArray[np.float64]:
        """Return each draw's influence."""
        if draws not in self._found:
            self._found[draws] = self._of_kinds(draws) if self.most_draws is None else self._of_draws(draws)
        return self._found[draws]

    def signatures(self, draws: Draws) -> NDArray[np.float64]:
        """Return the influences."""
        return self.influences(draws)

    def resampled(self, draws: Draws, chosen: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the metric in resamples to first order, by the influences."""
        return np.asarray(self.score + self.influences(draws)[chosen] @ weights / draws.number)

    def _of_draws(self, draws: Draws) -> NDArray[np.float64]:
        """Delete each draw."""
        without = np.array([self._without(draws.of_rows == draw) for draw in range(draws.number)])
        return _centred((draws.number - 1) * (self.score - without))

    def _of_kinds(self, draws: Draws) -> NDArray[np.float64]:
        """Delete one row of each kind."""
        assert self._kinds is not None  # by most_draws
        _, first = np.unique(self._kinds, return_index=True)
        without = np.array([self._without(np.arange(self.rows) == row) for row in first])
        return draws.sums_of(_centred(((self.rows - 1) * (self.score - without))[self._kinds]))

    def _without(self, deleted: NDArray[np.bool_]) -> float:
        value = float(self._function(self._rows.take(np.flatnonzero(~deleted))))
        if not np.isfinite(value):
            some = ", ".join(map(str, np.flatnonzero(deleted)[:3]))
            raise DataError(
                f"the metric has no value without the test rows {some}, such as the only ones of a label, so that its "
                "error can't be estimated. Add test rows, or compare by another metric."
            )
        return value


def _centred(influences: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(influences - influences.mean())


def _kinds_of(rows: ScoredRows) -> NDArray[np.int64] | None:
    """Return which rows have equal labels and predictions, as ids from 0; ``None`` for words, which are in lists."""
    if isinstance(rows.references, list) or isinstance(rows.predictions, list):
        return None
    columns = np.concatenate([one.reshape(len(one), -1) for one in (rows.references, rows.predictions)], axis=1)
    _, kinds = np.unique(columns, axis=0, return_inverse=True)
    return kinds.reshape(-1)

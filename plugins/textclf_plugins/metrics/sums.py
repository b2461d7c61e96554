"""Metrics of labels as functions of sums over rows, by which a comparison computes their errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from textclf_core.types.indicators import without_unknown
from textclf_core.types.metric import RowSums, ScoredRows, ratio, ratio_gradient


@dataclass(frozen=True)
class OfCounts:
    """Precision, recall or F1 of one label: ``right * R / (given * G + had * H)``.

    R is the number of rows that have the label and its prediction, G that of rows with the prediction, H that of rows
    with the label. It is 0 if the denominator is.
    """

    right: float
    given: float
    had: float

    def values(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers of labels, (labels, ...), from their R, G and H, (3, labels, ...)."""
        return ratio(np.stack([self.right * counts[0], self._below(counts)]))

    def derivatives(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivatives by R, G and H, (3, labels)."""
        below = self._below(counts)
        share = ratio(np.stack([self.values(counts), below]))
        return np.stack(
            [ratio(np.stack([np.full_like(below, self.right), below])), -self.given * share, -self.had * share]
        )

    def _below(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.given * counts[1] + self.had * counts[2])


PRECISION, RECALL, F1 = OfCounts(1, 1, 0), OfCounts(1, 0, 1), OfCounts(2, 1, 1)


def averaged_sums(of: OfCounts, average: str, labels: int, *, several: bool) -> RowSums:
    """Return precision, recall or F1 with an average as a function of sums.

    The terms are R, G and H of each label, those of one kind adjacent. Rows hold label ids or, if texts may have
    several labels, zeros and ones.

    Args:
        of: one of the three.
        average: ``binary``, ``macro``, ``micro``, ``weighted`` or ``samples``.
        labels: the number of labels.
        several: whether a text may have several labels.
    """
    if average == "samples":
        return RowSums.mean(partial(_of_each_row, of))
    if average == "binary":
        return RowSums(
            lambda rows: _label_counts(rows, labels)[:, [1, labels + 1, 2 * labels + 1]],
            lambda totals: np.where(totals[2] > 0, of.values(totals[:, None])[0], np.nan),
            lambda totals: of.derivatives(totals[:, None])[:, 0],
            lambda totals: float(totals[2]),
        )
    if average == "micro":  # each is accuracy if every row has one label
        return counted_sums(of, partial(_micro_terms, labels=labels)) if several else accuracy_sums()
    terms = partial(_label_counts, labels=labels)
    if average == "weighted":
        return RowSums(terms, partial(_weighted, of), partial(_weighted_gradient, of))
    return RowSums(terms, partial(_macro, of), partial(_macro_gradient, of), _rarest)


def counted_sums(
    of: OfCounts, terms: Callable[[ScoredRows], NDArray[np.float64]], *, needs_true: bool = False
) -> RowSums:
    """Return precision, recall or F1 of everything that is counted together, from the R, G and H of each row.

    With ``needs_true``, it is NaN where H is 0, as that of a label is.
    """

    def value(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        found = of.values(totals[:, None])[0]
        return np.where(totals[2] > 0, found, np.nan) if needs_true else found

    return RowSums(terms, value, lambda totals: of.derivatives(totals[:, None])[:, 0])


def mcc_sums(labels: int) -> RowSums:
    """Return Matthews correlation coefficient of any number of labels as a function of sums.

    The terms are 1, whether the row is right, G of each label and H of each label. With their totals n, c, G and H, the
    coefficient is (c n - G H) / sqrt((n² - G²)(n² - H²)) (Gorodkin, Computational Biology and Chemistry 28, 2004).
    """

    def terms(rows: ScoredRows) -> csr_array:
        counts = _label_counts(rows, labels)
        right = np.asarray(rows.references) == np.asarray(rows.predictions)
        first = csr_array(np.stack([np.ones(len(rows)), right], axis=1))
        return hstack([first, counts[:, labels:]], format="csr")

    def parts(totals: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        rows, right = totals[:2]
        given, had = totals[2:].reshape(2, labels, *totals.shape[1:])
        below = np.sqrt(np.maximum(0, (rows**2 - (given**2).sum(0)) * (rows**2 - (had**2).sum(0))))
        return given, had, right * rows - (given * had).sum(0), below

    def score(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        _, _, top, below = parts(totals)
        return ratio(np.stack([top, below]))

    def gradient(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        (rows, right), (given, had, top, below) = totals[:2], parts(totals)
        if below == 0:
            return np.zeros_like(totals)
        value, one, other = top / below, rows**2 - (given**2).sum(), rows**2 - (had**2).sum()
        by_rows = right / below - value * rows * (1 / one + 1 / other)
        return np.concatenate(
            [[by_rows, rows / below], value * given / one - had / below, value * had / other - given / below]
        )

    return RowSums(terms, score, gradient)


def accuracy_sums() -> RowSums:
    """Return accuracy: the share of rows that are right (in all their labels), or of words."""
    return RowSums(_right_and_all, ratio, ratio_gradient)


def _right_and_all(rows: ScoredRows) -> NDArray[np.float64]:
    """Return whether each row is right, and 1; for rows of words their numbers of right words and of words."""
    if isinstance(rows.references, list):
        pairs = zip(rows.references, rows.predictions, strict=True)
        return np.array([[(true == given).sum(), len(true)] for true, given in pairs], dtype=np.float64)
    true, given = _known(rows)
    right = true == given
    right = right if right.ndim == 1 else right.all(axis=1)
    return np.stack([right, np.ones(len(right))], axis=1).astype(np.float64)


def _label_counts(rows: ScoredRows, labels: int) -> csr_array:
    """Return R, G and H of each label by row, float64, (rows, 3 labels)."""
    true, given = _known(rows)
    if true.ndim > 1:
        return csr_array(np.concatenate([true & given, given, true], axis=1).astype(np.float64))
    numbers = np.arange(len(true))
    right = np.flatnonzero(true == given)
    columns = np.concatenate([true[right], labels + given, 2 * labels + true])
    where = np.concatenate([right, numbers, numbers])
    return csr_array((np.ones(len(where)), (where, columns)), shape=(len(true), 3 * labels))


def _known(rows: ScoredRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return references and predictions; of several labels, those that are unknown are no label in either."""
    true, given = np.asarray(rows.references), np.asarray(rows.predictions)
    return (without_unknown(true, true), without_unknown(given, true)) if true.ndim > 1 else (true, given)


def _micro_terms(rows: ScoredRows, labels: int) -> NDArray[np.float64]:
    """Return R, G and H of all labels together by row, (rows, 3)."""
    counts = _label_counts(rows, labels)
    return np.stack([counts[:, start : start + labels].sum(axis=1) for start in (0, labels, 2 * labels)], axis=1)


def _of_each_row(of: OfCounts, rows: ScoredRows) -> NDArray[np.float64]:
    true, given = _known(rows)
    return of.values(np.stack([true & given, given, true]).sum(axis=2).astype(np.float64))


def _by_kind(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    return totals.reshape(3, -1, *totals.shape[1:])


def _macro(of: OfCounts, totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the labels that rows have; NaN if there are none."""
    counts = _by_kind(totals)
    present = counts[2] > 0
    labels = present.sum(0)
    return np.where(labels > 0, ratio(np.stack([(of.values(counts) * present).sum(0), labels])), np.nan)


def _macro_gradient(of: OfCounts, totals: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = _by_kind(totals)
    present = counts[2] > 0
    return np.asarray((of.derivatives(counts) * present / max(1, int(present.sum()))).ravel())


def _weighted(of: OfCounts, totals: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = _by_kind(totals)
    return ratio(np.stack([(counts[2] * of.values(counts)).sum(0), counts[2].sum(0)]))


def _weighted_gradient(of: OfCounts, totals: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = _by_kind(totals)
    size = max(1.0, float(counts[2].sum()))
    found = of.derivatives(counts) * counts[2] / size
    values = of.values(counts)
    found[2] += (values - counts[2] @ values / size) / size
    return np.asarray(found.ravel())


def _rarest(totals: NDArray[np.float64]) -> float:
    had = _by_kind(totals)[2]
    return float(had[had > 0].min(initial=had.max()))

"""Accuracy and F1 as functions of counts that are summed over rows.

Each row of the test set adds its counts to the totals, and a metric is a function of the totals only. So a resample
is a weighted sum of columns, and the gradient at the totals gives each row's influence (:func:`influence`).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Metric = Literal[
    "accuracy", "f1-binary", "f1-macro", "f1-micro", "f1-weighted", "f1-samples", "f1-entity", "accuracy-words"
]
"""The metrics that contenders are compared by.

``f1-binary`` is the F1 of label id 1; ``f1-micro`` of single-label predictions equals accuracy.

In a multi-label task, references and predictions are zeros and ones of shape (rows, labels) instead of label ids of
shape (rows,). ``accuracy`` is then the share of rows with all labels right, and ``f1-samples`` the mean of the rows'
F1, which is 0 for a row without labels. ``f1-binary`` isn't defined for multi-label rows, ``f1-samples`` only for them.

``f1-entity`` and ``accuracy-words`` are for token sequences. Instead of label ids they take one number per sequence, so
that whole sequences are resampled. For ``f1-entity``, predictions are the results of :func:`entity_outcomes` and
references the numbers of true entities; for ``accuracy-words``, predictions are the numbers of correctly labelled words
and references the numbers of words.
"""

METRICS: tuple[Metric, ...] = ("accuracy", "f1-binary", "f1-macro", "f1-micro", "f1-weighted")
SET_METRICS: tuple[Metric, ...] = ("accuracy", "f1-macro", "f1-micro", "f1-weighted", "f1-samples")
SEQUENCE_METRICS: tuple[Metric, ...] = ("f1-entity", "accuracy-words")

_MOST_ENTITIES = 2**20
_ROUNDING = 1e-12


def entity_outcomes(right: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a model's predictions as ``f1-entity`` takes them: both counts of each sequence in one number.

    Args:
        right: the number of correctly predicted entities of each sequence, shape (rows,).
        predicted: the number of predicted entities of each sequence, shape (rows,).
    """
    return right * _MOST_ENTITIES + predicted


def is_accuracy(metric: Metric, references: NDArray[np.int64]) -> bool:
    """Return whether the metric is the share of correctly predicted rows."""
    return metric == "accuracy" or (metric == "f1-micro" and references.ndim == 1)


def right_rows(references: NDArray[np.int64], predictions: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether each row is predicted correctly (in a multi-label task: all its labels), bool, shape (rows,)."""
    right = references == predictions
    return right if right.ndim == 1 else np.asarray(right.all(axis=1))


def _is_share(metric: Metric) -> bool:
    """Return whether the metric is the ratio of two totals."""
    return metric in ("accuracy", "f1-micro", "f1-samples", "accuracy-words")


def row_counts(
    metric: Metric, references: NDArray[np.int64], predictions: NDArray[np.int64], num_labels: int
) -> csr_array:
    """Return the counts that each row adds to the totals, float64, shape (counts, rows).

    Accuracy counts correct predictions and rows. F1 counts, for each label, true positives, predicted positives and
    actual positives; the counts of one kind are adjacent. ``f1-binary`` counts them for label 1 only, and ``f1-entity``
    for entities. ``accuracy-words`` counts correctly labelled words and words.

    Args:
        metric: the metric.
        references: the true label ids, below ``num_labels``, shape (rows,); or zeros and ones, shape (rows, labels).
        predictions: the predictions of one model, of the same shape.
        num_labels: the number of labels.
    """
    if references.ndim > 1:
        return _multilabel_counts(metric, references, predictions)
    if metric == "f1-entity":
        return csr_array(np.stack([*np.divmod(predictions, _MOST_ENTITIES), references]).astype(np.float64))
    if metric == "accuracy-words":
        return csr_array(np.stack([predictions, references]).astype(np.float64))
    rows = np.arange(len(references))
    right = np.flatnonzero(references == predictions)
    if is_accuracy(metric, references):
        kinds, columns, height = [np.zeros_like(right), np.ones_like(rows)], [right, rows], 2
    else:
        labelled = [references[right], predictions, references]
        kinds = [kind * num_labels + labels for kind, labels in enumerate(labelled)]
        columns, height = [right, rows, rows], 3 * num_labels
    where = (np.concatenate(kinds), np.concatenate(columns))
    counts = csr_array((np.ones(len(where[0])), where), shape=(height, len(references)))
    return counts[[1, num_labels + 1, 2 * num_labels + 1]] if metric == "f1-binary" else counts


def _multilabel_counts(metric: Metric, references: NDArray[np.int64], predictions: NDArray[np.int64]) -> csr_array:
    """Return the counts of multi-label rows: per label as above, or the numerator and denominator of a ratio.

    These are 2 TP and (predicted + actual) for ``f1-micro``, and the row's F1 and 1 for ``f1-samples``.
    """
    right = references & predictions
    if metric not in ("accuracy", "f1-micro", "f1-samples"):
        return csr_array(np.concatenate([right, predictions, references], axis=1).T.astype(np.float64))
    top, bottom = 2.0 * right.sum(axis=1), (predictions + references).sum(axis=1).astype(np.float64)
    if metric == "f1-samples":
        top, bottom = _ratio(top, bottom), np.ones(len(top))
    elif metric == "accuracy":
        top, bottom = right_rows(references, predictions).astype(np.float64), np.ones(len(top))
    return csr_array(np.stack([top, bottom]))


def score(metric: Metric, totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the metric for totals of shape (counts, ...), with shape (...).

    The F1 of a label is 2 TP / (predicted + actual). As in the ``f1`` metric, a label without a row is left out of a
    mean, and the F1 of no label at all is NaN. ``f1-entity`` is 0 without entities.
    """
    if _is_share(metric):
        return _ratio(totals[0], totals[1])
    right, given, had = totals.reshape(3, -1, *totals.shape[1:])
    f1 = _ratio(2 * right, given + had)
    if metric == "f1-weighted":
        return _ratio((had * f1).sum(0), had.sum(0))
    if metric == "f1-entity":
        return np.asarray(f1[0])
    labels = (had > 0).sum(0)
    return np.where(labels > 0, _ratio((f1 * (had > 0)).sum(0), labels), np.nan)


def influence(metric: Metric, counts: csr_array) -> NDArray[np.float64]:
    """Return each row's influence on the metric, float64, shape (rows,), with mean 0.

    The influence is the derivative of the metric with respect to the row's weight, times the number of rows (the
    infinitesimal jackknife; Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 21.3). On other rows
    the metric changes by the mean of their influences: exactly for accuracy, to first order for F1.
    """
    totals = np.asarray(counts.sum(axis=1))
    found = np.asarray(counts.shape[1] * (counts.T @ _gradient(metric, totals)))
    found[np.abs(found) < _ROUNDING] = 0  # the contributions of one row's labels may cancel
    return found


def rows_of_metric(metric: Metric, references: NDArray[np.int64]) -> int:
    """Return on how many rows a metric rests; a mean over labels, on those of the rarest label."""
    if metric in SEQUENCE_METRICS or metric not in ("f1-binary", "f1-macro"):
        rows = len(references)
    elif references.ndim > 1:
        rows = int(references.sum(axis=0)[references.any(axis=0)].min(initial=len(references)))
    elif metric == "f1-binary":
        rows = int((references == 1).sum())
    else:
        rows = int(np.unique(references, return_counts=True)[1].min())
    return max(1, rows)


def _gradient(metric: Metric, totals: NDArray[np.float64]) -> NDArray[np.float64]:
    if _is_share(metric):
        right, rows = totals
        return np.array([1 / rows, -right / rows**2]) if rows else np.zeros(2)
    right, given, had = totals.reshape(3, -1)
    f1 = _ratio(2 * right, given + had)
    by_right, by_size = _ratio(2.0, given + had), -_ratio(f1, given + had)
    if metric != "f1-weighted":
        present = had > 0 if metric != "f1-entity" else had + given > 0
        share = present / max(1, int(np.count_nonzero(present)))
        return np.concatenate([share * by_right, share * by_size, share * by_size])
    weight = had / max(1, had.sum())
    by_weight = (f1 - weight @ f1) / max(1, had.sum())
    return np.concatenate([weight * by_right, weight * by_size, weight * by_size + by_weight])


def _ratio(top: NDArray[np.float64] | float, bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return top / bottom, and 0 where the bottom is 0."""
    return np.divide(top, bottom, out=np.zeros(np.shape(bottom)), where=np.asarray(bottom) > 0)

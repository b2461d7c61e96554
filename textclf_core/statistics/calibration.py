"""Calibration: whether predicted probabilities match the observed accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


BINS = 15
"""The number of bins of a reliability diagram; Guo et al. (2017) use 15."""


@dataclass(frozen=True, kw_only=True)
class Bin:
    """The predictions with a confidence above ``low`` and at most ``high``.

    ``confidence`` and ``accuracy`` are means over the ``rows`` predictions; ``None`` in an empty bin.
    """

    low: float
    high: float
    rows: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Measures of calibration.

    Attributes:
        bins: bins of equal width, from 0 to 1.
        ece: expected calibration error: the mean over the predictions of |accuracy - confidence| of their bin
            (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3).
        brier: Brier score: the mean over rows of the squared differences between scores and one-hot labels, summed over
            all classes (Brier 1950); for two classes, twice the variant that uses the positive class only.
        log_loss: the mean negative logarithm of the true class's score, in nats; a score of 0 counts as 1.2e-7, the
            resolution of float32.
    """

    bins: tuple[Bin, ...]
    ece: float
    brier: float
    log_loss: float


def reliability(references: NDArray[np.int64], scores: NDArray[np.float32], bins: int = BINS) -> Reliability:
    """Return the calibration of scores, by the confidence in the predicted class (the highest score).

    Args:
        references: true label ids, shape (rows,); rows with a negative one have no label and aren't counted. In a
            multi-label task zeros and ones, shape (rows, labels), each of which counts as a row with two classes, and
            negative where unknown.
        scores: probabilities, shape (rows, classes).
        bins: the number of bins.
    """
    probabilities = scores.astype(np.float64)
    if references.ndim > 1:
        references, having = references.ravel(), probabilities.ravel()
        probabilities = np.stack([1 - having, having], axis=1)
    references, probabilities = references[references >= 0], probabilities[references >= 0]
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == references
    # A bin includes its upper edge, as in the paper. Sums of float32 can exceed 1 by rounding.
    edges = np.linspace(0, 1, bins + 1)
    index = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    rows = np.bincount(index, minlength=bins)
    confidence_sums = np.bincount(index, weights=confidence, minlength=bins)
    right_counts = np.bincount(index, weights=right, minlength=bins)
    of_truth = probabilities[np.arange(len(references)), references]
    return Reliability(
        bins=tuple(
            Bin(
                low=float(edges[i]),
                high=float(edges[i + 1]),
                rows=int(rows[i]),
                confidence=float(confidence_sums[i] / rows[i]) if rows[i] else None,
                accuracy=float(right_counts[i] / rows[i]) if rows[i] else None,
            )
            for i in range(bins)
        ),
        ece=float(np.abs(right_counts - confidence_sums).sum() / len(references)),
        brier=float(((probabilities**2).sum(axis=1) - 2 * of_truth + 1).mean()),
        log_loss=float(-np.log(np.maximum(of_truth, np.finfo(np.float32).eps)).mean()),
    )

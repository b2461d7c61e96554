"""Calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.metric import MetricInfo, RowSums, ScoredRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class CalibrationError:
    """The expected calibration error: by how much confidence differs from accuracy, in 15 bins of equal width.

    The mean over the rows of the difference in their bin (Guo et al., ICML 2017, equation 3). It is too high by chance
    on few rows: even perfect probabilities have one above 0.
    """

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse tasks other than those with one label per text."""
        return check_kind(task, "single-label", does="it scores the probabilities of labels that exclude each other")

    @hookimpl
    def textclf_describe_metrics(self) -> list[MetricInfo]:
        """Describe ``calibration_error``, a function of sums by bin, smooth unless a bin's difference is 0."""
        sums = RowSums(_terms_of_rows, _error, _gradient)
        return [MetricInfo(name="calibration_error", better="lower", low=0, high=1, sums=sums)]

    @hookimpl
    def textclf_compute_metrics(self, references: NDArray[np.int64], scores: NDArray[np.float32]) -> dict[str, float]:
        """Return ``calibration_error``."""
        return {"calibration_error": float(_error(_terms(references, scores).sum(axis=0)))}


_BINS = 15


def _terms_of_rows(rows: ScoredRows) -> NDArray[np.float64]:
    return _terms(rows.references, rows.scores)


def _terms(references: NDArray[np.int64], scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return whether the highest score is right minus that score, in its bin, and 1: float64, (rows, bins + 1)."""
    import numpy as np

    confidence = scores.max(axis=1).astype(np.float64)
    # A bin includes its upper edge, as in the paper.
    bins = np.clip(np.searchsorted(np.linspace(0, 1, _BINS + 1), confidence) - 1, 0, _BINS - 1)
    terms = np.zeros((len(scores), _BINS + 1))
    terms[np.arange(len(scores)), bins] = (scores.argmax(axis=1) == references) - confidence
    terms[:, _BINS] = 1
    return terms


def _error(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(np.abs(totals[:_BINS]).sum(axis=0) / totals[_BINS])


def _gradient(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    rows = totals[_BINS]
    return np.append(np.sign(totals[:_BINS]) / rows, -_error(totals) / rows)

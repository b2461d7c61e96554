"""The area under the ROC curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.metric import MetricInfo, ScoredRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class Auroc:
    """The area under the ROC curve: how often a row of a label scores higher for it than a row without it.

    Of two labels, that of the second one; of more, the mean over the labels, each against all others. It is no number
    if a label has no row, or all of them.
    """

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse tasks other than those with one label per text."""
        return check_kind(task, "single-label", does="it scores the probabilities of labels that exclude each other")

    @hookimpl
    def textclf_describe_metrics(self) -> list[MetricInfo]:
        """Describe ``auroc``, which compares rows in pairs, so that it is no function of sums."""
        return [MetricInfo(name="auroc", better="higher", low=0, high=1, function=_area_of_rows)]

    @hookimpl
    def textclf_compute_metrics(self, references: NDArray[np.int64], scores: NDArray[np.float32]) -> dict[str, float]:
        """Return ``auroc``."""
        return {"auroc": _area(references, scores)}


def _area_of_rows(rows: ScoredRows) -> float:
    return _area(rows.references, rows.scores)


def _area(references: NDArray[np.int64], scores: NDArray[np.float32]) -> float:
    """Return the mean over labels of the Mann-Whitney statistic, from the ranks of a label's scores."""
    import numpy as np
    from scipy.stats import rankdata

    labels = range(scores.shape[1]) if scores.shape[1] > 2 else [1]
    areas = []
    for label in labels:
        own = references == label
        with_label, without = int(own.sum()), int((~own).sum())
        if not with_label or not without:
            return float("nan")
        ranks = rankdata(scores[:, label])[own].sum()
        areas.append((ranks - with_label * (with_label + 1) / 2) / (with_label * without))
    return float(np.mean(areas))

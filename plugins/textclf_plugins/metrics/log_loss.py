"""Log loss."""

from __future__ import annotations

import math
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
class LogLoss:
    """The mean negative logarithm of the true label's probability, in nats: lower is better."""

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse tasks other than those with one label per text."""
        return check_kind(task, "single-label", does="it scores the probabilities of labels that exclude each other")

    @hookimpl
    def textclf_describe_metrics(self) -> list[MetricInfo]:
        """Describe ``log_loss``, a mean over rows."""
        return [MetricInfo(name="log_loss", better="lower", low=0, high=math.inf, sums=RowSums.mean(_losses_of_rows))]

    @hookimpl
    def textclf_compute_metrics(self, references: NDArray[np.int64], scores: NDArray[np.float32]) -> dict[str, float]:
        """Return ``log_loss``."""
        return {"log_loss": float(_losses(references, scores).mean())}


def _losses_of_rows(rows: ScoredRows) -> NDArray[np.float64]:
    return _losses(rows.references, rows.scores)


def _losses(references: NDArray[np.int64], scores: NDArray[np.float32]) -> NDArray[np.float64]:
    import numpy as np

    of_truth = np.take_along_axis(scores, references[:, None], axis=1)[:, 0].astype(np.float64)
    return -np.log(np.maximum(of_truth, np.finfo(np.float32).eps))

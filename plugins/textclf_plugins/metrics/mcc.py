"""Matthews correlation coefficient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.metric import MetricInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class MCC:
    """Matthews correlation coefficient: 1 if all are correct, 0 at chance, -1 if all are wrong (with two labels)."""

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels tasks, for which entity-f1 is the appropriate metric, and multi-label tasks."""
        return check_kind(task, "single-label", "tokens", does="it scores one label per text") or check_kind(
            task, "single-label", "multi-label", does="it scores whole texts (entity-f1 scores entities)"
        )

    @hookimpl
    def textclf_describe_metrics(self, task: Task) -> list[MetricInfo]:
        """Describe ``mcc``, a function of the labels' counts."""
        from textclf_plugins.metrics.sums import mcc_sums

        return [MetricInfo(name="mcc", better="higher", low=-1, high=1, sums=mcc_sums(task.num_labels))]

    @hookimpl
    def textclf_compute_metrics(
        self, references: NDArray[np.int64], predictions: NDArray[np.int64]
    ) -> dict[str, float]:
        """Return ``mcc``."""
        from textclf_plugins.metrics.label_metrics import MCCMetric

        return {"mcc": MCCMetric.of(references, predictions)}

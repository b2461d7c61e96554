"""Precision and recall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.metric import MetricInfo
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option
from textclf_plugins.metrics.averaging import AVERAGE_HELP, Average, averaged, averaged_info

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall:
    """Precision and recall of the second of two labels, or their means over more labels.

    Those of a label without a row are no numbers, and are left out of the mean.
    """

    needs: ClassVar[Needs] = Needs(known_labels=False)

    average: Annotated[Average, Option(AVERAGE_HELP)] = "auto"

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels tasks, for which entity-f1 is the appropriate metric."""
        return check_kind(task, "single-label", "multi-label", does="it scores whole texts (entity-f1 scores entities)")

    @hookimpl
    def textclf_describe_metrics(self, task: Task) -> list[MetricInfo]:
        """Describe both, as functions of two counts per label."""
        from textclf_plugins.metrics.sums import PRECISION, RECALL

        return [
            averaged_info(name, of, self.average, task, plugin="precision-recall")
            for name, of in (("precision", PRECISION), ("recall", RECALL))
        ]

    @hookimpl
    def textclf_compute_metrics(
        self, references: NDArray[np.int64], predictions: NDArray[np.int64], task: Task
    ) -> dict[str, float]:
        """Return ``precision`` and ``recall``."""
        from textclf_plugins.metrics.label_metrics import PrecisionMetric, RecallMetric

        return {
            metric.number: averaged(metric, self.average, task, references, predictions, plugin="precision-recall")
            for metric in (PrecisionMetric, RecallMetric)
        }

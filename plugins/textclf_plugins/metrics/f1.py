"""F1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind, kind_of
from textclf_core.types.metric import MetricInfo
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option
from textclf_plugins.metrics.averaging import AVERAGE_HELP, Average, averaged, averaged_info

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class F1:
    """F1 (the harmonic mean of precision and recall) of the second of two labels, or the mean over more labels.

    The F1 of a label without a row is no number, and is left out of the mean; that of a label that is never predicted
    is 0. In a multi-label task the micro, macro and samples averages are computed too.
    """

    needs: ClassVar[Needs] = Needs(known_labels=False)

    average: Annotated[Average, Option(AVERAGE_HELP)] = "auto"

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels tasks, for which entity-f1 is the appropriate metric."""
        return check_kind(task, "single-label", "multi-label", does="it scores whole texts (entity-f1 scores entities)")

    @hookimpl
    def textclf_describe_metrics(self, task: Task) -> list[MetricInfo]:
        """Describe what is computed, as functions of three counts per label."""
        from textclf_plugins.metrics import sums

        names = {"f1": self.average} | {f"f1_{average}": average for average in kind_of(task).more_averages}
        return [averaged_info(name, sums.F1, average, task, plugin="f1") for name, average in names.items()]

    @hookimpl
    def textclf_compute_metrics(
        self, references: NDArray[np.int64], predictions: NDArray[np.int64], task: Task
    ) -> dict[str, float]:
        """Return ``f1``; in a multi-label task ``f1_micro``, ``f1_macro`` and ``f1_samples`` too."""
        from textclf_plugins.metrics.label_metrics import F1Metric

        def f1(average: str) -> float:
            return averaged(F1Metric, average, task, references, predictions, plugin="f1")

        more = kind_of(task).more_averages
        return {"f1": f1(self.average)} | {f"f1_{average}": f1(average) for average in more}

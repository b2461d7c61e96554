"""Accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import kind_of
from textclf_core.types.metric import MetricInfo
from textclf_core.types.needs import Needs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The share of examples, or of words in token classification, whose predicted label is correct.

    In a multi-label task an example counts as correct if exactly its labels are predicted (subset accuracy). A label of
    which it is unknown whether the text has it doesn't count.
    """

    needs: ClassVar[Needs] = Needs(known_labels=False)

    @hookimpl
    def textclf_describe_metrics(self) -> list[MetricInfo]:
        """Describe ``accuracy``, a mean over rows or words."""
        from textclf_plugins.metrics.sums import accuracy_sums

        return [MetricInfo(name="accuracy", better="higher", low=0, high=1, sums=accuracy_sums())]

    @hookimpl
    def textclf_compute_metrics(
        self,
        references: NDArray[np.int64] | list[NDArray[np.int64]],
        predictions: NDArray[np.int64] | list[NDArray[np.int64]],
        task: Task,
    ) -> dict[str, float]:
        """Return ``accuracy``."""
        from textclf_core.types.indicators import without_unknown
        from textclf_plugins.metrics.label_metrics import AccuracyMetric

        true, predicted = map(kind_of(task).flat, (references, predictions))
        return {"accuracy": AccuracyMetric.of(without_unknown(true, true), without_unknown(predicted, true))}

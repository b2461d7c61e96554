"""Averaging of metrics over labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from textclf_core.errors import UsageError
from textclf_core.tasks import kind_of
from textclf_core.types.metric import MetricInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.types.task import Task
    from textclf_plugins.metrics.label_metrics import LabelMetric
    from textclf_plugins.metrics.sums import OfCounts

Average = Literal["auto", "binary", "macro", "micro", "weighted", "samples"]
AVERAGE_HELP = (
    "binary: of the second label only; macro: mean over the labels; weighted: mean weighted by the labels' counts; "
    "micro: over all decisions; samples: mean over the examples of a multi-label task; auto: binary if there are two "
    "exclusive labels, macro otherwise."
)


def averaged_info(name: str, of: OfCounts, average: str, task: Task, *, plugin: str) -> MetricInfo:
    """Return the description of precision, recall or F1 averaged over labels; the errors are those of ``averaged``."""
    from textclf_plugins.metrics.sums import averaged_sums

    average, several = _checked(average, task, plugin), kind_of(task).independent_labels
    sums = averaged_sums(of, average, task.num_labels, several=several)
    return MetricInfo(name=name, better="higher", low=0, high=1, sums=sums)


def averaged(
    metric: type[LabelMetric],
    average: str,
    task: Task,
    references: NDArray[np.int64],
    predictions: NDArray[np.int64],
    *,
    plugin: str,
) -> float:
    """Return precision, recall or F1, averaged over labels.

    A label without a row in the references has no such number: ``macro`` leaves it out, and ``binary`` of it is NaN. A
    label that is never predicted has 0. A row of which it is unknown whether it has a label has no part in the numbers
    of that label, and the label none in that row's mean (``samples``).

    Raises:
        UsageError: ``binary`` is given for a task that isn't binary, or ``samples`` for one that isn't multi-label.
    """
    from textclf_core.types.indicators import without_unknown

    average = _checked(average, task, plugin)
    predictions, references = without_unknown(predictions, references), without_unknown(references, references)
    present = references.max(axis=0).nonzero()[0] if references.ndim > 1 else sorted(set(references.tolist()))
    if (average == "binary" and 1 not in present) or (average == "macro" and not len(present)):
        return math.nan
    labels = present if average == "macro" else None
    return metric.of(references, predictions, average=average, zero_division=0.0, labels=labels)


def _checked(average: str, task: Task, plugin: str) -> str:
    """Return the average that ``auto`` stands for, or the average itself.

    Raises:
        UsageError: it isn't defined for the task.
    """
    kind = kind_of(task)
    average = kind.auto_average() if average == "auto" else average
    if why := kind.check_average(average):
        raise UsageError(f"{plugin}: {why}")
    return average

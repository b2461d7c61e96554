"""Averaging of metrics over labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textclf_core.errors import UsageError
from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.types.task import Task

Average = Literal["auto", "binary", "macro", "micro", "weighted", "samples"]
AVERAGE_HELP = (
    "binary: of the second label only; macro: mean over the labels; weighted: mean weighted by the labels' counts; "
    "micro: over all decisions; samples: mean over the examples of a multi-label task; auto: binary if there are two "
    "exclusive labels, macro otherwise."
)


def averaging(
    average: str, task: Task, references: NDArray[np.int64], predictions: NDArray[np.int64], *, plugin: str
) -> dict[str, object]:
    """Return the keyword arguments for scikit-learn's precision, recall and F1, with 0.0 for a division by zero.

    Raises:
        UsageError: ``binary`` is given for a task that isn't binary, or ``samples`` for one that isn't multi-label.
    """
    kind = kind_of(task)
    average = kind.auto_average() if average == "auto" else average
    if why := kind.check_average(average):
        raise UsageError(f"{plugin}: {why}")
    return {"average": average, "zero_division": 0.0, "labels": kind.averaged_labels(references, predictions)}

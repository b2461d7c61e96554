"""How a number for each label becomes one number."""

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
    "binary: of label id 1 alone; macro: mean over the labels; weighted: by their counts; micro: over all examples; "
    "samples: mean over the examples, where these may have several labels; "
    "auto: binary where an example has one of two labels, macro otherwise."
)


def averaging(
    average: str, task: Task, references: NDArray[np.int64], predictions: NDArray[np.int64], *, plugin: str
) -> dict[str, object]:
    """Return what scikit-learn's precision, recall and F1 take. What would divide by zero is 0.0, quietly.

    Raises:
        UsageError: ``binary`` was asked for, and the task hasn't one of two labels a text; or ``samples``, and it has
            one.
    """
    kind = kind_of(task)
    average = kind.auto_average() if average == "auto" else average
    if why := kind.check_average(average):
        raise UsageError(f"{plugin}: {why}")
    return {"average": average, "zero_division": 0.0, "labels": kind.averaged_labels(references, predictions)}

"""How a number for each label becomes one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textclf_core.errors import UsageError

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
    average: Average, task: Task, references: NDArray[np.int64], predictions: NDArray[np.int64], *, plugin: str
) -> dict[str, object]:
    """Return what scikit-learn's precision, recall and F1 take. What would divide by zero is 0.0, quietly.

    Raises:
        UsageError: ``binary`` was asked for, and the task hasn't one of two labels a text; or ``samples``, and it has
            one.
    """
    if average == "auto":
        average = "binary" if task.num_labels == 2 and task.kind == "single-label" else "macro"
    if average == "samples" and task.kind == "single-label":
        raise UsageError(f"{plugin}: average=samples needs texts that may have several labels, and these have one.")
    if task.kind == "multi-label":
        if average == "binary":
            raise UsageError(f"{plugin}: average=binary needs one label a text, and here it may have several.")
        # scikit-learn counts labels that don't occur where it gets label ids not at all, but here as 0.
        occurring = (references | predictions).max(axis=0).nonzero()[0]
        return {"average": average, "zero_division": 0.0, "labels": occurring if len(occurring) else None}
    if average == "binary" and task.num_labels != 2:
        raise UsageError(
            f"{plugin}: average=binary needs a task of two labels, and this one has {task.num_labels} "
            f"({', '.join(task.label_names)}). Take macro, micro or weighted."
        )
    return {"average": average, "zero_division": 0.0}

"""How a number for each label becomes one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.task import Task

Average = Literal["auto", "binary", "macro", "micro", "weighted"]
AVERAGE_HELP = (
    "binary: of label id 1 alone; macro: mean over the labels; weighted: by their counts; micro: over all examples; "
    "auto: binary where the task has two labels, macro otherwise."
)


def averaging(average: Average, task: Task, *, plugin: str) -> dict[str, object]:
    """Return what scikit-learn's precision, recall and F1 take. What would divide by zero is 0.0, quietly.

    Raises:
        UsageError: ``binary`` was asked for, and the task hasn't two labels.
    """
    if average == "auto":
        average = "binary" if task.num_labels == 2 else "macro"
    if average == "binary" and task.num_labels != 2:
        raise UsageError(
            f"{plugin}: average=binary needs a task of two labels, and this one has {task.num_labels} "
            f"({', '.join(task.label_names)}). Take macro, micro or weighted."
        )
    return {"average": average, "zero_division": 0.0}

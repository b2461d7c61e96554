"""What a kind of task decides: one module each, found by :func:`kind_of`.

Texts with one label (:mod:`~textclf_core.tasks.single_label`), texts with any number of labels
(:mod:`~textclf_core.tasks.multi_label`) and words with a label each (:mod:`~textclf_core.tasks.tokens`). What the rest
of the engine asks of a kind is :class:`~textclf_core.tasks.kind.TaskKind`; nothing outside this package asks which kind
a task is. A further kind is a module here, and its line in ``_CLASSES`` and in ``Kind``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.tasks.kind import TaskKind
    from textclf_core.types.task import Kind, Task

# Imported when a task is there: plugins import this module, and to list them numpy isn't needed.
_CLASSES = {
    "single-label": ("single_label", "SingleLabel"),
    "multi-label": ("multi_label", "MultiLabel"),
    "tokens": ("tokens", "Tokens"),
}


def kind_of(task: Task) -> TaskKind:
    """Return what the task's kind decides, for this task.

    Raises:
        UsageError: the task is of a kind that this version doesn't know.
    """
    if task.kind not in _CLASSES:
        raise UsageError(f"this version of textclf knows tasks of {', '.join(_CLASSES)}, not of {task.kind!r}.")
    module, name = _CLASSES[task.kind]
    return cast("TaskKind", getattr(import_module(f"textclf_core.tasks.{module}"), name)(task))


def check_kind(task: Task, *supported: Kind, does: str | None = None, here: str | None = None) -> str | None:
    """Return why a plugin does not support a task, for ``textclf_check_task``; ``None`` if it is of a supported kind.

    Args:
        task: the task.
        supported: the kinds that the plugin is made for.
        does: what the plugin does instead, and what could be used; said by the kind if ``None``.
        here: what the task is; said by the kind if ``None``.
    """
    if task.kind in supported:
        return None
    kind = kind_of(task)
    return f"{does or kind.plugins_do_instead}, and here {here or kind.what_has_labels}"

"""What depends on the kind of task, one module per kind; :func:`kind_of` returns a task's kind.

The kinds are texts with one label (:mod:`~textclf_core.tasks.single_label`), texts with any number of labels
(:mod:`~textclf_core.tasks.multi_label`) and words with one label each (:mod:`~textclf_core.tasks.tokens`). The rest of
the engine uses the protocol :class:`~textclf_core.tasks.kind.TaskKind` and never checks the kind itself. To add a kind,
add a module here and a line in ``_CLASSES`` and in ``Kind``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.tasks.kind import TaskKind
    from textclf_core.types.task import Kind, Task

# Imported on first use: plugins import this module, and listing plugins must not import NumPy.
_CLASSES = {
    "single-label": ("single_label", "SingleLabel"),
    "multi-label": ("multi_label", "MultiLabel"),
    "tokens": ("tokens", "Tokens"),
}


def kind_of(task: Task) -> TaskKind:
    """Return the object that implements the task's kind.

    Raises:
        UsageError: this version doesn't know the kind.
    """
    if task.kind not in _CLASSES:
        raise UsageError(f"this version of textclf supports the tasks {', '.join(_CLASSES)}, not {task.kind!r}.")
    module, name = _CLASSES[task.kind]
    return cast("TaskKind", getattr(import_module(f"textclf_core.tasks.{module}"), name)(task))


def check_kind(task: Task, *supported: Kind, does: str | None = None, here: str | None = None) -> str | None:
    """Return the reason why a plugin doesn't support a task, for ``textclf_check_task``; ``None`` if it does.

    Args:
        task: the task.
        supported: the kinds that the plugin supports.
        does: what the plugin does, and what to use instead; the kind's default wording if ``None``.
        here: what the task is; the kind's default wording if ``None``.
    """
    if task.kind in supported:
        return None
    kind = kind_of(task)
    return f"{does or kind.plugins_do_instead}, and here {here or kind.what_has_labels}"

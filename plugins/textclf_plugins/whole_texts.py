"""Plugins that are made for tasks in which each text has a label, or one label alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textclf_core.types.task import Task


def why_not_words(task: Task, does: str = "it labels whole texts") -> str | None:
    """Return why a plugin can't do with a task in which each word has a label; ``None`` for other tasks.

    Args:
        task: the task.
        does: what the plugin does instead, and what could be used.
    """
    return f"{does}, and here each word has a label" if task.kind == "tokens" else None


def why_not_several(task: Task, does: str = "it gives each text one label") -> str | None:
    """Return why a plugin can do with nothing but one label a text; ``None`` for tasks that have it.

    Args:
        task: the task.
        does: what the plugin does instead, and what could be used.
    """
    if task.kind == "multi-label":
        return f"{does}, and here a text may have several"
    return why_not_words(task)

"""Helpers for the label checks of all kinds of task."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")


def named_split(data: Mapping[str, Dataset], name: str) -> str:
    """Return a split's name and source, for an error message."""
    source = textwrap.shorten(data[name].info.description or "", 100)
    return f"{name} ({source})" if source else name


def tell_untrained_labels(split: str, unknown: Collection[int], task: Task) -> None:
    """Log the labels that occur in a split but not in train, as rare labels may when there are many."""
    if unknown:
        names = ", ".join(task.label_names[label] for label in sorted(unknown))
        logger.info("%s has labels that don't occur in train, so no model can learn them: %s", split, names)

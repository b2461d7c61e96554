"""What the checks of the kinds' labels share."""

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
    """Return a split's name and where it came from, for an error."""
    source = textwrap.shorten(data[name].info.description or "", 100)
    return f"{name} ({source})" if source else name


def tell_untrained_labels(split: str, unknown: Collection[int], task: Task) -> None:
    """Log which labels occur in a split and never in train: where labels are many, rare ones are like that."""
    if unknown:
        names = ", ".join(task.label_names[label] for label in sorted(unknown))
        logger.info("%s has labels that train never has, so they can't be found: %s", split, names)

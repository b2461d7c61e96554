"""The task that a data set sets: what goes in, which labels come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["single-label", "multi-label", "tokens"]


@dataclass(frozen=True)
class Task:
    """A classification task, derived once from the features of the data.

    ``label_names[i]`` is the name of label id ``i``. With two labels, id 1 is the positive one. In a task of ``tokens``
    each word has a label; its only text column holds lists of words. In a ``multi-label`` task a text has any number of
    the labels, none and all of them included.
    """

    label_names: tuple[str, ...]
    text_columns: tuple[str, ...] = ("text",)
    kind: Kind = "single-label"

    @property
    def num_labels(self) -> int:
        """How many labels there are."""
        return len(self.label_names)

"""The task that a data set defines: its text columns and its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["single-label", "multi-label", "tokens"]

NO_LABEL = -100
"""In arrays of labels, a word without a label, or one of several labels of which it is unknown whether a text has it;
torch's cross-entropy ignores it."""


@dataclass(frozen=True)
class Task:
    """A classification task, derived once from the features of the data.

    ``label_names[i]`` is the name of label id ``i``. With two labels, id 1 is the positive one. In a task of kind
    ``tokens`` each word has a label, and the only text column holds lists of words. In a ``multi-label`` task a text
    has any number of labels, from none to all.
    """

    label_names: tuple[str, ...]
    text_columns: tuple[str, ...] = ("text",)
    kind: Kind = "single-label"

    @property
    def num_labels(self) -> int:
        """The number of labels."""
        return len(self.label_names)

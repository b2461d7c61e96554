"""The classifier of ``majority``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.classifier import Scores
    from textclf_core.types.task import Task

_FILE = "majority.json"


@dataclass(frozen=True)
class MajorityClassifier:
    """Scores every text, or every word, with the labels' shares in train.

    In a multi-label task the share of a label is the share of the rows that have it.
    """

    shares: tuple[float, ...]
    task: Task

    @classmethod
    def fit(cls, labels: Sequence[Any], task: Task) -> MajorityClassifier:
        """Return the classifier for these label ids, or lists of label ids."""
        return cls(tuple(kind_of(task).label_shares(labels).tolist()), task)

    def scores(self, data: Dataset) -> Scores:
        """Return the shares for every row: float32, (rows, labels).

        In a token-labels task the result is for every word of each row: (words, labels).
        """
        return kind_of(self.task).repeated(np.asarray(self.shares, dtype=np.float32), data)

    def save(self, directory: Path) -> None:
        """Write the shares."""
        (directory / _FILE).write_text(json.dumps({"shares": self.shares}), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, task: Task) -> MajorityClassifier:
        """Read what :meth:`save` wrote."""
        return cls(tuple(json.loads((directory / _FILE).read_text(encoding="utf-8"))["shares"]), task)

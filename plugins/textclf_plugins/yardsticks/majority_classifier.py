"""The classifier of ``majority``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

_FILE = "majority.json"


@dataclass(frozen=True)
class MajorityClassifier:
    """Scores every text with the labels' shares in train."""

    shares: tuple[float, ...]

    @classmethod
    def fit(cls, labels: Sequence[int], num_labels: int) -> MajorityClassifier:
        """Return the classifier of these label ids."""
        counts = np.bincount(np.asarray(labels), minlength=num_labels)
        return cls(tuple((counts / counts.sum()).tolist()))

    def scores(self, data: Dataset) -> NDArray[np.float32]:
        """Return the shares for every row: float32, (rows, labels). Of labels equally frequent the first wins."""
        return np.tile(np.asarray(self.shares, dtype=np.float32), (len(data), 1))

    def save(self, directory: Path) -> None:
        """Write the shares."""
        (directory / _FILE).write_text(json.dumps({"shares": self.shares}), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> MajorityClassifier:
        """Read what :meth:`save` wrote."""
        return cls(tuple(json.loads((directory / _FILE).read_text(encoding="utf-8"))["shares"]))

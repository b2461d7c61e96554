"""Sets of labels as indicator arrays: 1 where a text has a label, 0 where it hasn't."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

THRESHOLD = 0.5
"""The lowest score at which a text gets a label, unless a postprocessor decides otherwise."""


def indicators(sets: Sequence[Sequence[int]], num_labels: int) -> NDArray[np.int64]:
    """Return the label ids of each row as zeros and ones, int64, shape (rows, labels)."""
    found = np.zeros((len(sets), num_labels), dtype=np.int64)
    rows = np.repeat(np.arange(len(sets)), [len(row) for row in sets])
    found[rows, np.fromiter(chain.from_iterable(sets), dtype=np.int64, count=len(rows))] = 1
    return found


def label_set_names(found: NDArray[np.int64], names: Sequence[str]) -> list[list[str]]:
    """Return the names of each row's labels, in the order of the ids, from zeros and ones of shape (rows, labels)."""
    return [[name for name, has in zip(names, row, strict=True) if has] for row in found.tolist()]

"""Sets of labels as arrays: 1 where a text has a label, 0 where it hasn't."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.types.task import Task

THRESHOLD = 0.5
"""The score from which on a text gets a label, unless a postprocessor decides otherwise."""


def indicators(sets: Sequence[Sequence[int]], num_labels: int) -> NDArray[np.int64]:
    """Return the label ids of each row as zeros and ones, int64, (rows, labels)."""
    found = np.zeros((len(sets), num_labels), dtype=np.int64)
    rows = np.repeat(np.arange(len(sets)), [len(row) for row in sets])
    found[rows, np.fromiter(chain.from_iterable(sets), dtype=np.int64, count=len(rows))] = 1
    return found


def label_array(labels: Sequence[Any], task: Task) -> NDArray[np.int64]:
    """Return the ``label`` column of a task of texts as scikit-learn takes it, int64.

    Args:
        labels: the label id of each row, or in a multi-label task the list of them.
        task: the labels.

    Returns:
        Label ids, (rows,); in a multi-label task zeros and ones, (rows, labels).
    """
    if task.kind == "multi-label":
        return indicators(labels, task.num_labels)
    return np.asarray(labels, dtype=np.int64)


def names_of_sets(found: NDArray[np.int64], names: Sequence[str]) -> list[list[str]]:
    """Return the names of the labels that each row of zeros and ones, (rows, labels), has, in the order of the ids."""
    return [[name for name, has in zip(names, row, strict=True) if has] for row in found.tolist()]

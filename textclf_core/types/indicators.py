"""Sets of labels as indicator arrays: 1 where a text has a label, 0 where it hasn't, ``NO_LABEL`` where unknown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

THRESHOLD = 0.5
"""The lowest score at which a text gets a label, unless a postprocessor decides otherwise."""

_UNKNOWN = -(2**40)  # so far below zero that code which takes the id for an index fails


class UnknownLabel(NamedTuple):
    """The name of a label of which it is unknown whether a text has it, among the names of the text's labels."""

    name: str


def unknown_id(label: int) -> int:
    """Return what a set of label ids has for a label of which it is unknown whether the text has it."""
    return _UNKNOWN + label


def label_of(id: int) -> tuple[int, bool]:
    """Return the label that an id of a set stands for, and whether it is unknown that the text has it."""
    return (id, False) if id >= 0 else (id - _UNKNOWN, True)


def indicators(sets: Sequence[Sequence[int]], num_labels: int) -> NDArray[np.int64]:
    """Return the label ids of each row as zeros and ones, int64, (rows, labels); ``NO_LABEL`` for unknown ones."""
    found = np.zeros((len(sets), num_labels), dtype=np.int64)
    rows = np.repeat(np.arange(len(sets)), [len(row) for row in sets])
    ids = np.fromiter(chain.from_iterable(sets), dtype=np.int64, count=len(rows))
    unknown = ids < 0
    found[rows, np.where(unknown, ids - _UNKNOWN, ids)] = np.where(unknown, NO_LABEL, 1)
    return found


def without_unknown(values: NDArray[np.int64], references: NDArray[Any]) -> NDArray[np.int64]:
    """Return zeros and ones, with 0 wherever the reference is unknown.

    Done to the references and to the predictions, no such entry is a true, a predicted or a wrong label: it has no part
    in precision, recall and F1, and a row's labels are all right if its known ones are.
    """
    return np.where(references == NO_LABEL, 0, values)


def label_set_names(found: NDArray[np.int64], names: Sequence[str]) -> list[list[str]]:
    """Return the names of each row's labels, in the order of the ids, from zeros and ones of shape (rows, labels)."""
    return [[name for name, has in zip(names, row, strict=True) if has == 1] for row in found.tolist()]

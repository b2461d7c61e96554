"""Words without a label: they are read as context, and have no part in loss, scores and counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from textclf_core.types.task import NO_LABEL


def labelled_values(labels: Iterable[Any], values: Iterable[Any]) -> list[Any]:
    """Return each row's values for the words that have a label.

    Args:
        labels: the labels of each row's words: ids, or names; ``NO_LABEL`` or ``None`` for none.
        values: an array or a list for each row, with a value for each word.
    """
    rows = []
    for of_row, row in zip(labels, values, strict=True):
        known = [index for index, label in enumerate(of_row) if has_label(label)]
        if len(known) < len(of_row):
            row = row[known] if isinstance(row, np.ndarray) else [row[index] for index in known]
        rows.append(row)
    return rows


def has_label(label: Any) -> bool:
    """Return whether a word's label, an id or a name, stands for one."""
    return label is not None and label != NO_LABEL

"""Holding out a validation or test split from train if the data have none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARE = 0.1
"""The share of each label's rows in train that a held-out split takes."""


def hold_out(
    texts: NDArray[np.int64], labels: NDArray[np.int64], parts: int, data_seed: int
) -> list[NDArray[np.int64]]:
    """Return the row numbers of ``parts`` held-out splits, then those of the remaining rows, each in ascending order.

    Every split takes a tenth of each label's rows, rounded, and at least one if the label has three or more. Rows with
    the same text stay together (as rows of the first one's label), so no text is in two splits. A group of equal texts
    that is larger than the number of rows still needed isn't taken.

    Args:
        texts: a number for each row, the same for equal texts, shape (rows,).
        labels: the label id of each row, shape (rows,).
        parts: the number of splits to hold out.
        data_seed: the seed of the selection; the first split is the same whether one or two are held out.
    """
    _, first, group_of_row, sizes = np.unique(texts, return_index=True, return_inverse=True, return_counts=True)
    groups = np.argsort(first)  # in the order of their first rows
    label_of_group = labels[first]
    part_of_group = np.full(len(first), parts)
    generator = np.random.default_rng(data_seed)
    for label in np.unique(label_of_group):
        own = groups[label_of_group[groups] == label]
        waiting = own[generator.permutation(len(own))]
        rows = int(sizes[waiting].sum())
        wanted = max(1, round(rows * SHARE)) if rows >= 3 else 0
        for part in range(parts):
            taken = _take(sizes[waiting], wanted)
            part_of_group[waiting[taken]] = part
            waiting = waiting[~taken]
    part_of_row = part_of_group[group_of_row]
    return [np.flatnonzero(part_of_row == part) for part in range(parts + 1)]


def _take(sizes: NDArray[np.int64], wanted: int) -> NDArray[np.bool_]:
    """Return which groups to take for up to ``wanted`` rows, bool, shape (groups,)."""
    taken = np.zeros(len(sizes), dtype=bool)
    rows = 0
    for place, size in enumerate(sizes.tolist()):
        if rows == wanted:
            break
        if rows + size <= wanted:
            taken[place] = True
            rows += size
    return taken

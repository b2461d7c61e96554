"""Holding out splits from train: by label, by whole groups, or the latest rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARE = 0.1
"""The share of the rows in train that a held-out split takes."""

_ORDERS = 50

Rows = NDArray[np.int64]


def hold_out(texts: Rows, labels: Rows, parts: int, data_seed: int, share: float = SHARE) -> list[Rows]:
    """Return the row numbers of ``parts`` held-out splits, then those of the remaining rows, each in ascending order.

    Every split takes a share of each label's rows, rounded, and at least one if the label has three or more. Rows with
    the same text stay together (as rows of the first one's label), so no text is in two splits. A group of equal texts
    that is larger than the number of rows still needed isn't taken.

    Args:
        texts: a number for each row, the same for equal texts, shape (rows,).
        labels: the label id of each row, shape (rows,).
        parts: the number of splits to hold out.
        data_seed: the seed of the selection; the first split is the same whether one or two are held out.
        share: the share of each label's rows that a split takes.
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
        wanted = max(1, round(rows * share)) if rows >= 3 else 0
        for part in range(parts):
            taken = _take(sizes[waiting], wanted)
            part_of_group[waiting[taken]] = part
            waiting = waiting[~taken]
    return _rows_of(part_of_group[group_of_row], parts)


def hold_out_groups(groups: Rows, labels: Rows, parts: int, data_seed: int, share: float = SHARE) -> list[Rows]:
    """Return row numbers as :func:`hold_out` does, with every group on one side.

    Groups are taken in a random order while that brings a split nearer to its share of the rows, and at least one. Of
    several orders, that one is used whose splits are nearest to the share of each label's rows. Equal texts of
    different groups may be on different sides.

    Args:
        groups: the group of each row, shape (rows,): more than ``parts`` different ones.
        labels: as in :func:`hold_out`.
        parts: as there.
        data_seed: the seed of the orders.
        share: as there.
    """
    _, group_of_row = np.unique(groups, return_inverse=True)
    _, label_of_row = np.unique(labels, return_inverse=True)
    counts = np.zeros((group_of_row.max() + 1, label_of_row.max() + 1))
    np.add.at(counts, (group_of_row, label_of_row), 1)
    generator = np.random.default_rng(data_seed)
    orders = [generator.permutation(len(counts)) for _ in range(_ORDERS)]
    taken = [_taken_in_order(counts.sum(axis=1)[order], parts, share) for order in orders]
    best = min(range(_ORDERS), key=lambda one: _distance(counts[orders[one]], taken[one], parts, share))
    part_of_group = np.empty(len(counts), dtype=np.int64)
    part_of_group[orders[best]] = taken[best]
    return _rows_of(part_of_group[group_of_row], parts)


def hold_out_latest(times: NDArray[np.float64], parts: int, share: float = SHARE) -> list[Rows]:
    """Return row numbers as :func:`hold_out` does: the latest rows in the first split, those before in the next.

    Rows of one time stay together, so that every row of a split is later than all rows of the splits after it.

    Args:
        times: the time of each row, shape (rows,).
        parts: as in :func:`hold_out`.
        share: the share of the rows that a split takes at least.
    """
    part_of_row = np.full(len(times), parts)
    left = np.sort(times)
    for part in range(parts):
        if not len(left):
            break
        first = left[-min(len(left), max(1, round(share * len(times))))]
        part_of_row[(times >= first) & (part_of_row == parts)] = part
        left = left[left < first]
    return _rows_of(part_of_row, parts)


def _rows_of(part_of_row: Rows, parts: int) -> list[Rows]:
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


def _taken_in_order(sizes: NDArray[np.float64], parts: int, share: float) -> Rows:
    """Return the part of each group, given their sizes in the order in which they are taken."""
    part_of_group = np.full(len(sizes), parts)
    start = 0
    for part in range(parts):
        most = len(sizes) - start - (parts - part)  # later parts and train need a group each
        rows = np.cumsum(sizes[start:])[:most]
        number = 1 + int(np.argmin(np.abs(rows - share * sizes.sum())))
        part_of_group[start : start + number] = part
        start += number
    return part_of_group


def _distance(counts: NDArray[np.float64], part_of_group: Rows, parts: int, share: float) -> tuple[bool, float]:
    """Return whether a label is lost to train, and by how many rows the splits miss their share of each label's."""
    wanted = share * counts.sum(axis=0)
    off = sum(float(np.abs(counts[part_of_group == part].sum(axis=0) - wanted).sum()) for part in range(parts))
    return bool((counts[part_of_group == parts].sum(axis=0) == 0).any()), off

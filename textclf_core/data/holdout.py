"""Holding out a validation or test split from train if the data have none."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

SHARE = 0.1
"""The share of each label's rows in train that a held-out split takes."""


def hold_out(texts: Sequence[Hashable], labels: Sequence[int], parts: int, data_seed: int) -> list[list[int]]:
    """Return the row numbers of ``parts`` held-out splits, then those of the remaining rows, each in ascending order.

    Every split takes a tenth of each label's rows, rounded, and at least one if the label has three or more. Rows with
    the same text stay together (as rows of the first one's label), so no text is in two splits. A group of equal texts
    that is larger than the number of rows still needed isn't taken.

    Args:
        texts: the text of each row, or the tuple of its texts.
        labels: the label id of each row.
        parts: the number of splits to hold out.
        data_seed: the seed of the selection; the first split is the same whether one or two are held out.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, text in enumerate(texts):
        groups.setdefault(text, []).append(index)
    groups_of_label: dict[int, list[list[int]]] = {}
    for group in groups.values():
        groups_of_label.setdefault(labels[group[0]], []).append(group)

    generator = np.random.default_rng(data_seed)
    held_out: list[list[int]] = [[] for _ in range(parts)]
    left: list[int] = []
    for label in sorted(groups_of_label):
        waiting = groups_of_label[label]
        waiting = [waiting[place] for place in generator.permutation(len(waiting))]
        rows = sum(map(len, waiting))
        wanted = max(1, round(rows * SHARE)) if rows >= 3 else 0
        for split in held_out:
            split_rows, waiting = _take(waiting, wanted)
            split.extend(split_rows)
        left.extend(index for group in waiting for index in group)
    return [sorted(rows) for rows in (*held_out, left)]


def _take(groups: Sequence[list[int]], wanted: int) -> tuple[list[int], list[list[int]]]:
    """Return up to ``wanted`` rows, taking whole groups, and the remaining groups."""
    taken: list[int] = []
    left = []
    for group in groups:
        if len(taken) + len(group) <= wanted:
            taken.extend(group)
        else:
            left.append(group)
    return taken, left

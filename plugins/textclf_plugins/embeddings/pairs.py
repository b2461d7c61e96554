"""Pairs of examples for contrastive training, drawn by a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pair:
    """Two rows, and 1.0 if they have the same label, 0.0 if not."""

    first: int
    second: int
    same: float


def draw_pairs(labels: Sequence[int], iterations: int, seed: int) -> list[Pair]:
    """Return, for each example and iteration, a pair with another of its label and one with an example of another.

    As many as the library's ``num_iterations`` gives; that one shuffles all pairs with the constant seed 42, whatever
    the run's, and lists all of them first, their number being the square of the examples'. An example that is alone
    with its label is paired with itself.

    Args:
        labels: the label id of each row; two labels at least.
        iterations: how often each example begins a pair of each kind.
        seed: decides the partners.
    """
    generator = np.random.default_rng(seed)
    ids = np.asarray(labels)
    alike = {label: np.flatnonzero(ids == label) for label in np.unique(ids)}
    unlike = {label: np.flatnonzero(ids != label) for label in alike}
    pairs = []
    for _ in range(iterations):
        for row, label in enumerate(ids):
            mates = alike[label][alike[label] != row]
            partner = int(generator.choice(mates)) if len(mates) else row
            pairs.append(Pair(row, partner, 1.0))
            pairs.append(Pair(row, int(generator.choice(unlike[label])), 0.0))
    return pairs

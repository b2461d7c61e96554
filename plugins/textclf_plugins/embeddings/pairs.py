"""Pairs of examples for contrastive training, drawn from a seed."""

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
    """Return, per example and iteration, one pair with an example of the same label and one of another label.

    The number of pairs is that of the library's ``num_iterations``. The library itself first lists all pairs, whose
    number is quadratic in the examples, and shuffles them with the constant seed 42. An example that is the only one
    of its label is paired with itself.

    Args:
        labels: the label id of each row; at least two different labels.
        iterations: the number of pairs of each kind that each example starts.
        seed: the seed for drawing the partners.
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

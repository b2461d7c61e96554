"""Less training data: nested samples of train, for learning curves by amount of data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textclf_core.errors import DataError, UsageError


@dataclass(frozen=True)
class TrainSize:
    """How much of train is used: so many examples of each label, or a share of each.

    Exactly one of the two is set. ``str`` gives it as it is written: ``16/class``, ``10%``.
    """

    per_class: int | None = None
    share: float | None = None

    def __str__(self) -> str:
        return f"{self.per_class}/class" if self.per_class is not None else f"{100 * (self.share or 0):g}%"


def parse_train_sizes(text: str) -> tuple[TrainSize, ...]:
    """Return the sizes in a list such as ``16/class,64/class,10%,100%``.

    Raises:
        UsageError: a part is neither, or the same size is given twice.
    """
    sizes = tuple(_parse(part.strip()) for part in text.split(","))
    if len(set(sizes)) < len(sizes):
        raise UsageError(f"--train-size {text}: a size is given twice.")
    return sizes


def _parse(text: str) -> TrainSize:
    if match := re.fullmatch(r"(\d+)/class", text):
        if int(match[1]) > 0:
            return TrainSize(per_class=int(match[1]))
    elif (match := re.fullmatch(r"(\d+(?:\.\d+)?)%", text)) and 0 < float(match[1]) <= 100:
        return TrainSize(share=float(match[1]) / 100)
    raise UsageError(f"--train-size {text!r}: write examples of each label, 16/class, or a share of train, 10%.")


def sample_rows(labels: Sequence[int], size: TrainSize, data_seed: int) -> list[int]:
    """Return the rows of train that a size takes, in ascending order.

    Samples are nested: with one ``data_seed`` a smaller one is part of every larger one, so a curve over sizes isn't
    blurred by other examples. Each label gives its own share, and one example at least.

    Args:
        labels: the label id of each row of train.
        size: how much to take.
        data_seed: decides which rows.

    Raises:
        DataError: a label has fewer rows than are wanted of each.
    """
    ids = np.asarray(labels)
    chosen: list[int] = []
    for label in np.unique(ids):
        rows = np.flatnonzero(ids == label)
        order = np.random.default_rng([data_seed, int(label)]).permutation(rows)
        wanted = size.per_class if size.per_class is not None else max(1, round((size.share or 0) * len(rows)))
        if wanted > len(rows):
            raise DataError(f"{size} of train: label {label} has {len(rows)} rows in train, not {wanted}.")
        chosen += order[:wanted].tolist()
    return sorted(chosen)

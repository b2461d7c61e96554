"""Nested samples of train, for learning curves over the amount of training data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textclf_core.errors import DataError, UsageError


@dataclass(frozen=True)
class TrainSize:
    """How much of train is used: a number of examples per label, or a share of each label's.

    Exactly one of the two is set. ``str`` returns the command line's notation: ``16/class``, ``10%``.
    """

    per_class: int | None = None
    share: float | None = None

    def __str__(self) -> str:
        return f"{self.per_class}/class" if self.per_class is not None else f"{100 * (self.share or 0):g}%"


def parse_train_sizes(text: str) -> tuple[TrainSize, ...]:
    """Return the sizes in a list such as ``16/class,64/class,10%,100%``.

    Raises:
        UsageError: a part is invalid, or a size is given twice.
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
    raise UsageError(f"--train-size {text!r}: give examples per label, as in 16/class, or a share of train, as in 10%.")


def sample_rows(labels: Sequence[int], size: TrainSize, data_seed: int, names: Sequence[str]) -> list[int]:
    """Return the row numbers of a sample of train, in ascending order.

    Samples are nested: with the same ``data_seed``, a smaller sample is part of every larger one, so that a curve over
    sizes doesn't vary with the choice of examples. Each label contributes the same share, and at least one example.

    Args:
        labels: the label id of each row of train.
        size: the size of the sample.
        data_seed: the seed of the sample.
        names: the labels' names.

    Raises:
        DataError: a label has fewer rows than the sample needs.
    """
    ids = np.asarray(labels)
    chosen: list[int] = []
    for label in np.unique(ids):
        rows = np.flatnonzero(ids == label)
        order = np.random.default_rng([data_seed, int(label)]).permutation(rows)
        wanted = size.per_class if size.per_class is not None else max(1, round((size.share or 0) * len(rows)))
        if wanted > len(rows):
            raise DataError(
                f"{size} of train: the label {names[label]!r} has only {len(rows)} rows in train, {wanted} are needed."
            )
        chosen += order[:wanted].tolist()
    return sorted(chosen)

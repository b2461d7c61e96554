"""Rows: a curriculum that begins with short texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, Task, hookimpl

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True, kw_only=True)
class ShortFirst:
    """Train on the shortest texts first: an epoch draws its rows from a share of them that grows to all."""

    start: Annotated[float, Option("Share of the texts that the first epoch draws from.", gt=0, le=1)] = 0.3
    epochs: Annotated[int, Option("The epoch from which on it draws from all texts.", ge=1)] = 3

    @hookimpl
    def textclf_training_rows(self, train: Dataset, task: Task, epoch: int, seed: int) -> Dataset | None:
        """Return as many rows as train has; those of a share come several times."""
        import numpy as np

        if epoch >= self.epochs:
            return None
        lengths = [sum(len(row[name]) for name in task.text_columns) for row in train]
        share = self.start + (1 - self.start) * (epoch - 1) / (self.epochs - 1)
        shortest = np.argsort(lengths, kind="stable")[: max(1, round(share * len(train)))]
        rng = np.random.default_rng([seed, epoch])
        again = rng.choice(shortest, size=len(train) - len(shortest))
        return train.select([*shortest, *again])

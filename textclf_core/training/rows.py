"""The rows that each epoch trains on: those of train, or those of a plugin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textclf_core.encoder.tokenizing import rows_of
from textclf_core.errors import RunError
from textclf_core.system.world import ALONE, World
from textclf_core.tasks import kind_of
from textclf_core.training.batching import LengthGroupedBatches, training_batches
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.training.options import EncoderTraining
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class EpochRows:
    """The rows of an epoch, in memory.

    Attributes:
        tokenized: the rows as tokens.
        rows: the same as a sequence of dicts.
        labels: their labels.
        loss_terms: the number of labels of each row that enter the loss, int64, (rows,).
        batching: divides them into batches.
    """

    tokenized: Dataset
    rows: Sequence[dict[str, Any]]
    labels: Sequence[Any]
    loss_terms: NDArray[np.int64]
    batching: LengthGroupedBatches

    @property
    def lengths(self) -> Sequence[int]:
        """The lengths of the rows, in tokens."""
        return self.batching.lengths


class TrainingRows:
    """The rows of train by epoch; without a plugin that implements ``textclf_training_rows``, the same in each.

    Args:
        options: of the trainer.
        encoder: tokenizes the rows.
        task: the labels.
        train: the training split.
        seed: the run's seed.
        plan: asks the plugin.
        world: the processes that share the work.

    Attributes:
        tokenized: the training split as tokens.
        batching: the batches of the first epoch; all epochs have as many.

    Raises:
        RunError: the plugin failed, or its rows can't be used.
    """

    def __init__(
        self,
        options: EncoderTraining,
        encoder: Encoder,
        task: Task,
        train: Dataset,
        seed: int,
        plan: Plan,
        world: World = ALONE,
    ) -> None:
        self._options, self._encoder, self._task, self._seed, self._plan = options, encoder, task, seed, plan
        self._train, self._world = train, world
        self.tokenized = encoder.tokenize(train, task, options, world)
        self._last = 1, self._of(plan.training_rows(train, task, 1, seed))
        self.batching = self._last[1].batching

    def of_epoch(self, epoch: int) -> EpochRows:
        """Return the rows of an epoch, counted from 1; the same object if they are the same.

        Raises:
            RunError: the plugin failed, or its rows can't be used.
        """
        last, rows = self._last
        if last != epoch and self._plan.replaces("textclf_training_rows"):
            rows = self._of(self._plan.training_rows(self._train, self._task, epoch, self._seed))
            if len(rows.rows) != len(self.batching.lengths):
                raise RunError(
                    f"textclf_training_rows ({self._plan.steps_replaced_by}) returned {len(rows.rows)} rows for epoch "
                    f"{epoch}, but {len(self.batching.lengths)} for epoch 1; it must return equally many in each epoch."
                )
            self._last = epoch, rows
        return rows

    def _of(self, split: Dataset) -> EpochRows:
        tokenized = self._encoder.tokenize(split, self._task, self._options, self._world)
        labels = kind_of(self._task).training_labels(tokenized)
        known = labels[labels != NO_LABEL]
        if split is not self._train and not (known.min() >= 0 and known.max() < max(2, self._task.num_labels)):
            raise RunError(
                f"textclf_training_rows ({self._plan.steps_replaced_by}) returned label ids from {known.min()} to "
                f"{known.max()}, but there are {self._task.num_labels} labels: {', '.join(self._task.label_names)}."
            )
        return EpochRows(
            tokenized=tokenized,
            rows=rows_of(tokenized),
            labels=tokenized["label"][:],
            loss_terms=kind_of(self._task).loss_terms(tokenized),
            batching=training_batches(self._options, self._task, split, tokenized, self._seed),
        )

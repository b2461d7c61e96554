"""Augmentation of the training texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.option import Option

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Drop and swap words of some training texts, anew in each epoch; the other texts stay as they are.

    Two of the operations of Wei and Zou, "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text
    Classification Tasks", EMNLP 2019: random deletion and random swap. A changed text takes the place of its original
    in that epoch, so an epoch has as many rows as without. Validation and test stay as they are.
    """

    share: Annotated[float, Option("Share of the texts that are changed in an epoch.", ge=0, le=1)] = 0.5
    drop: Annotated[float, Option("Probability with which each word is dropped.", ge=0, lt=1)] = 0.1
    swap: Annotated[float, Option("Pairs of words that are swapped, as a share of the words.", ge=0, le=1)] = 0.1

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Support whole texts alone."""
        return check_kind(task, "single-label", "multi-label", does="it changes whole texts")

    @hookimpl
    def textclf_training_rows(self, train: Dataset, task: Task, epoch: int, seed: int) -> Dataset:
        """Return train with some changed texts."""
        import numpy as np
        from datasets import Dataset, Features, concatenate_datasets

        rng = np.random.default_rng([seed, epoch])
        texts = {name: list(train[name]) for name in task.text_columns}
        for row in np.flatnonzero(rng.random(len(train)) < self.share):
            for name in task.text_columns:
                texts[name][row] = self._changed(texts[name][row], rng)
        changed = Dataset.from_dict(texts, features=Features({name: train.features[name] for name in texts}))
        # The other columns aren't decoded: a set of labels may have unknown ones, which no id stands for.
        together: Dataset = concatenate_datasets([changed, train.remove_columns(list(texts))], axis=1)
        return together.select_columns(train.column_names)

    def _changed(self, text: str, rng: np.random.Generator) -> str:
        words = text.split()
        if len(words) < 2:
            return text
        for _ in range(round(self.swap * len(words))):
            first, second = rng.integers(len(words), size=2)
            words[first], words[second] = words[second], words[first]
        kept = rng.random(len(words)) >= self.drop
        kept[rng.integers(len(words))] = True
        return " ".join(word for word, keep in zip(words, kept, strict=True) if keep)

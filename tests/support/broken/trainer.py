"""Broken trainers: each is a naive Bayes of words with one fault."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from broken import broken
from textclf_core import Encoder, Needs, hookimpl
from textclf_core.tasks import check_kind

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from textclf_core import Task, Workspace


@dataclass
class Words:
    """A naive Bayes of the words of a text."""

    labels: int
    log_odds: dict[str, list[float]]
    calls: list[int] = field(default_factory=list)

    @classmethod
    def fit(cls, train: Dataset, labels: int) -> Words:
        counts: dict[str, Counter[int]] = {}
        for text, label in zip(train["text"], train["label"], strict=True):
            for word in set(text.split()):
                counts.setdefault(word, Counter())[label] += 1
        return cls(
            labels, {word: [math.log(1 + count[label]) for label in range(labels)] for word, count in counts.items()}
        )

    def logits(self, data: Dataset) -> Any:
        import numpy as np

        unknown = [0.0] * self.labels
        rows = [[self.log_odds.get(word, unknown) for word in text.split()] or [unknown] for text in data["text"]]
        return np.stack([np.sum(row, axis=0) for row in rows])

    def scores(self, data: Dataset) -> Any:
        import numpy as np

        raised = np.exp(self.logits(data))
        return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)

    def save(self, directory: Path) -> None:
        (directory / "words.json").write_text(json.dumps([self.labels, self.log_odds]))


@dataclass(frozen=True)
class GoodTrainer:
    """Naive Bayes of words."""

    of: ClassVar[type[Words]] = Words

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        return check_kind(task, "single-label")

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task) -> Any:
        return self.of.fit(data["train"], task.num_labels)

    @hookimpl
    def textclf_load_classifier(self, directory: Path) -> Any:
        return self.of(*json.loads((directory / "words.json").read_text()))


class Constant(Words):
    def scores(self, data: Dataset) -> Any:
        return super().scores(data) * 0 + 0.5


@broken("learns_one_label", "check the loss and the optimizer")
@dataclass(frozen=True)
class LearnsNothing(GoodTrainer):
    """One answer for all."""

    of: ClassVar[type[Words]] = Constant


@broken("learns_several_labels", "refuse this kind of task in textclf_check_task")
@dataclass(frozen=True)
class DoesntRefuse:
    """It takes every task, and knows one label for each text."""

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task) -> Any:
        return Half(task)


@dataclass
class Half:
    task: Task

    def scores(self, data: Dataset) -> Any:
        import numpy as np

        return np.full((len(data), self.task.num_labels), 0.5, dtype=np.float32)

    def save(self, directory: Path) -> None: ...


class Logits(Words):
    def scores(self, data: Dataset) -> Any:
        return self.logits(data).astype("float32")


@broken("gives_probabilities", "by softmax or sigmoid")
@dataclass(frozen=True)
class ReturnsLogits(GoodTrainer):
    """Logits for probabilities."""

    of: ClassVar[type[Words]] = Logits


class Doubles(Words):
    def scores(self, data: Dataset) -> Any:
        return super().scores(data).astype("float64")


@broken("gives_probabilities", "return float32")
@dataclass(frozen=True)
class ReturnsDoubles(GoodTrainer):
    """Twice the precision."""

    of: ClassVar[type[Words]] = Doubles


class OneColumn(Words):
    def scores(self, data: Dataset) -> Any:
        return super().scores(data)[:, 1]


@broken("gives_probabilities", "return an array of shape (rows, labels)")
@dataclass(frozen=True)
class ReturnsOneColumn(GoodTrainer):
    """The positive label alone."""

    of: ClassVar[type[Words]] = OneColumn


@broken("same_by_seed", "draw from generators that follow from seed")
@dataclass(frozen=True)
class TrainsOnAChance(GoodTrainer):
    """A sample that nobody can draw again."""

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task) -> Any:
        import random

        rows = random.SystemRandom().sample(range(len(data["train"])), 20)
        return Words.fit(data["train"].select(rows), task.num_labels)


class Sorted(Words):
    def scores(self, data: Dataset) -> Any:
        scores = super().scores(data)
        return scores[scores[:, 0].argsort()]


@broken("scores_rows_by_themselves", "return them in the order of the data")
@dataclass(frozen=True)
class ReturnsAnotherOrder(GoodTrainer):
    """The surest first."""

    of: ClassVar[type[Words]] = Sorted


class Centred(Words):
    def scores(self, data: Dataset) -> Any:
        import numpy as np

        logits = self.logits(data)
        raised = np.exp(logits - logits.mean(axis=0))
        return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)


@broken("scores_rows_by_themselves", "use nothing of a batch")
@dataclass(frozen=True)
class NormalizesByBatch(GoodTrainer):
    """Each batch has its mean taken off."""

    of: ClassVar[type[Words]] = Centred


class Counting(Words):
    def scores(self, data: Dataset) -> Any:
        import numpy as np

        self.calls.append(len(data))
        share = 1 / len(self.calls)
        return (super().scores(data) * share + (1 - share) / self.labels).astype(np.float32)


@broken("scores_rows_by_themselves", "keep no state between calls")
@dataclass(frozen=True)
class RemembersCalls(GoodTrainer):
    """Less sure at each call."""

    of: ClassVar[type[Words]] = Counting


@broken("is_saved_and_loaded", "implement it")
@dataclass(frozen=True)
class CantBeLoaded:
    """A classifier that is gone when the run ends."""

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        return check_kind(task, "single-label")

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task) -> Any:
        return Words.fit(data["train"], task.num_labels)


class Rounded(Words):
    def save(self, directory: Path) -> None:
        rounded = {word: [round(value) for value in values] for word, values in self.log_odds.items()}
        (directory / "words.json").write_text(json.dumps([self.labels, rounded]))


@broken("is_saved_and_loaded", "save everything that scores depend on")
@dataclass(frozen=True)
class SavesLess(GoodTrainer):
    """Rounded when it is saved."""

    of: ClassVar[type[Words]] = Rounded


_TRAINED: list[Words] = []


@broken("is_saved_and_loaded", "in another process it fails")
@dataclass(frozen=True)
class KeepsInMemory(GoodTrainer):
    """What is loaded is what this process trained."""

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task) -> Any:
        _TRAINED.append(Words.fit(data["train"], task.num_labels))
        return _TRAINED[-1]

    @hookimpl
    def textclf_load_classifier(self, directory: Path) -> Any:
        return _TRAINED[-1]


class Pickled(Words):
    def save(self, directory: Path) -> None:
        import pickle

        super().save(directory)
        (directory / "words.bin").write_bytes(pickle.dumps(self.log_odds))


@broken("writes_no_pickle", "write arrays as safetensors")
@dataclass(frozen=True)
class WritesAPickle(GoodTrainer):
    """A pickle beside the rest."""

    of: ClassVar[type[Words]] = Pickled


@broken("leaves_the_frozen_frozen", "only parameters with requires_grad")
@dataclass(frozen=True)
class TrainsTheFrozen(GoodTrainer):
    """Weight decay for all."""

    needs: ClassVar[Needs] = Needs(model="whole")

    @hookimpl
    def textclf_train(self, encoder: Encoder, data: DatasetDict, task: Task) -> Any:
        for parameter in encoder.model.parameters():
            parameter.data.mul_(0.99)
        return Words.fit(data["train"], task.num_labels)


@broken("leaves_the_data_alone", "write into workspace.directory")
@dataclass(frozen=True)
class WritesAnywhere(GoodTrainer):
    """Leave the words in the current folder."""

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task, workspace: Workspace) -> Any:
        words = Words.fit(data["train"], task.num_labels)
        words.save(Path())
        return words

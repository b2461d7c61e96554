"""The classifier of ``zero-shot``: to what degree a text entails the sentence of each label."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from datasets import Dataset
from scipy.special import softmax

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.types.task import Task
from textclf_plugins.models.checkpoints import load_trained
from textclf_plugins.models.classification_head import label_names
from textclf_plugins.untrained.task_specific_model import untrained

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.encoder import Encoder
    from textclf_core.types.progress import Progress
    from textclf_core.types.tokenization import Tokenization
    from textclf_core.types.workspace import Workspace
    from textclf_plugins.untrained.zero_shot import ZeroShot

_NOTE = "zero_shot.json"


@dataclass(frozen=True)
class EntailmentClassifier:
    """Scores texts by the entailment of one sentence per label.

    Attributes:
        inference: a classifier of pairs of a text and a sentence.
        entailment: the id of its label for entailment.
        sentences: the sentence of each label.
        task: the labels, and the text columns.
    """

    inference: EncoderClassifier
    entailment: int
    sentences: tuple[str, ...]
    task: Task

    def scores(self, data: Dataset) -> NDArray[np.float32]:
        """Return the softmax over the labels of the entailment logits: float32, (rows, labels)."""
        entailed = self.inference.logits(self.tokenize(data))
        logits = entailed[:, self.entailment].reshape(len(data), len(self.sentences))
        return np.asarray(softmax(logits, axis=1), dtype=np.float32)

    @property
    def encoder(self) -> Encoder:
        """The encoder with its head for natural language inference."""
        return self.inference.encoder

    @property
    def tokenization(self) -> Tokenization:
        """The maximum length of a pair, and how longer ones are truncated."""
        return self.inference.tokenization

    def tokenize(self, data: Dataset) -> Dataset:
        """Return every pair of a text of ``data`` and a sentence as token ids, text by text."""
        return self.inference.tokenize(_pairs(data, self.task, self.sentences))

    def save(self, directory: Path) -> None:
        """Write model and tokenizer in the Hugging Face format, the sentences as JSON."""
        self.inference.save(directory)
        note = {
            "labels": self.inference.task.label_names,
            "entailment": self.entailment,
            "sentences": self.sentences,
        }
        (directory / _NOTE).write_text(json.dumps(note, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, task: Task, device: str) -> EntailmentClassifier:
        """Load what :meth:`save` wrote, onto ``device``."""
        note = json.loads((directory / _NOTE).read_text(encoding="utf-8"))
        inference = EncoderClassifier.load(directory, _pairs_task(note["labels"]), device)
        return cls(inference, note["entailment"], tuple(note["sentences"]), task)


def entailment_classifier(
    options: ZeroShot, train: Dataset, task: Task, workspace: Workspace, progress: Progress
) -> EntailmentClassifier:
    """Load the checkpoint, and build the sentence of each label.

    Raises:
        UsageError: the checkpoint can't be loaded, or not exactly one of its labels is named as entailment.
    """
    sentences = options.of(task.label_names)
    encoder = load_trained(options.checkpoint)
    names = label_names(encoder)
    entailment = _entailment(names, options)
    of_pairs = _pairs_task(names)
    tokenization = encoder.with_length(options, _pairs(train, task, sentences), of_pairs)
    inference = untrained(encoder, of_pairs, tokenization, workspace, progress)
    return EntailmentClassifier(inference, entailment, sentences, task)


def _pairs(data: Dataset, task: Task, sentences: Sequence[str]) -> Dataset:
    """Return every pair of a text and a sentence; several text columns are joined by blanks."""
    texts = [" ".join(row) for row in zip(*(data[column] for column in task.text_columns), strict=True)]
    return Dataset.from_dict(
        {
            "text": [text for text in texts for _ in sentences],
            "sentence": [sentence for _ in texts for sentence in sentences],
        }
    )


def _pairs_task(label_names: Sequence[str]) -> Task:
    return Task(tuple(label_names), ("text", "sentence"))


def _entailment(names: tuple[str, ...], options: ZeroShot) -> int:
    listed = ", ".join(names)
    if options.entailment is not None:
        if options.entailment not in names:
            raise UsageError(
                f"zero-shot: {options.checkpoint} has no label {options.entailment!r}."
                f"{did_you_mean(options.entailment, names)} It has {listed}."
            )
        return names.index(options.entailment)
    found = [id for id, name in enumerate(names) if name.casefold().startswith("entail")]
    if len(found) != 1:
        raise UsageError(
            f"zero-shot: {len(found)} labels of {options.checkpoint} are named as entailment; it has {listed}. If it "
            f"is a model of natural language inference, name the label, such as zero-shot:entailment={names[-1]}; for "
            "a sentence encoder use zero-shot-embeddings."
        )
    return found[0]

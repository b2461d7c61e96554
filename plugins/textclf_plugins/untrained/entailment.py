"""The classifier of ``zero-shot``: how far a text entails the sentence of each label."""

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
from textclf_plugins.untrained.task_specific_model import label_names, untrained

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
    """Scores texts by the entailment of a sentence a label.

    Attributes:
        inference: a classifier of pairs of a text and a sentence.
        entailment: the id of its label for entailment.
        sentences: one a label.
        task: the labels, and the columns that hold the text.
    """

    inference: EncoderClassifier
    entailment: int
    sentences: tuple[str, ...]
    task: Task

    def scores(self, data: Dataset) -> NDArray[np.float32]:
        """Return the softmax over the labels of the logits of entailment: float32, (rows, labels)."""
        entailed = self.inference.logits(self.tokenize(data))
        logits = entailed[:, self.entailment].reshape(len(data), len(self.sentences))
        return np.asarray(softmax(logits, axis=1), dtype=np.float32)

    @property
    def encoder(self) -> Encoder:
        """The encoder with its head for inference."""
        return self.inference.encoder

    @property
    def tokenization(self) -> Tokenization:
        """The longest pair, and what of a longer one is kept."""
        return self.inference.tokenization

    def tokenize(self, data: Dataset) -> Dataset:
        """Return each text of ``data`` with each sentence as token ids, in the texts' order."""
        return self.inference.tokenize(_pairs(data, self.task, self.sentences))

    def save(self, directory: Path) -> None:
        """Write model and tokenizer in Hugging Face's own layout, the sentences as JSON."""
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
    """Load the checkpoint and put the labels into words.

    Raises:
        UsageError: it can't be had, or none or several of its labels could be entailment.
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
    """Return each text with each sentence; a text of several columns is one text."""
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
            f"is a model of natural language inference, say which, such as zero-shot:entailment={names[-1]}; if not, "
            "zero-shot-embeddings takes a sentence encoder."
        )
    return found[0]

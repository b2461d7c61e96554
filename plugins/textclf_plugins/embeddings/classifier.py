"""A classifier of an encoder's embeddings and a linear head."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from textclf_core.encoder.pooling import Pooling
from textclf_core.encoder.saved import load_saved
from textclf_core.training.batching import batches_by_length, tokens_at_once
from textclf_core.training.flops import count_embedding_flops
from textclf_core.types.progress import Progress
from textclf_core.types.tokenization import Tokenization
from textclf_plugins.logistic import LinearHead

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.encoder import Encoder
    from textclf_core.training.flops import PassFlops
    from textclf_core.training.frozen_prefix import FrozenPrefix
    from textclf_core.types.meter import Meter
    from textclf_core.types.task import Task

_NOTE = "embedding.json"
_HEAD = "head.safetensors"
_NOTED = ("pooling", "normalize")


@dataclass(frozen=True)
class Embedder:
    """Computes embedding vectors of texts.

    Attributes:
        body: the encoder without its classification head.
        pooling: how the last hidden states are pooled.
        normalize: scale each vector to length 1.
        tokenization: the maximum input length, and how longer texts are truncated.
        progress: shows the progress, where there is more than one batch.
        prefix: the cache of the vectors, where the body's weights are constant.
        meter: counts the FLOPs of vectors that aren't from the cache.
    """

    body: Encoder
    pooling: Pooling
    normalize: bool
    tokenization: Tokenization
    progress: Progress = field(default_factory=lambda: Progress(quiet=True))
    prefix: FrozenPrefix | None = None
    meter: Meter | None = None

    def tokenize(self, data: Dataset, task: Task) -> Dataset:
        """Return the rows of ``data`` as token ids."""
        return self.body.tokenize(data, task, self.tokenization)

    def vectors(self, tokenized: Dataset, *, training: bool = False) -> NDArray[np.float32]:
        """Return the vectors of tokenized rows, in their order: float32, (rows, width).

        Args:
            tokenized: the rows, from :meth:`tokenize`.
            training: whether the rows are of the training split, so that their cost counts as training.
        """
        known = None
        if self.prefix and len(tokenized) > 1:
            known = self.prefix.training_rows(tokenized) if training else self.prefix.rows(tokenized)
        if known:
            vectors = known.hidden(range(len(tokenized)))[:, 0].cpu().numpy()
        else:
            vectors = self._computed(tokenized, training=training)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if self.normalize else vectors

    def _computed(self, tokenized: Dataset, *, training: bool) -> NDArray[np.float32]:
        model = self.body.model
        was_training = model.training
        model.train(False)
        vectors = np.empty((len(tokenized), int(model.config.hidden_size)), dtype=np.float32)
        lengths = [len(ids) for ids in tokenized["input_ids"]]
        batches = batches_by_length(lengths, tokens_at_once(model.device.type))
        progress = self.progress if len(batches) > 1 else Progress(quiet=True)
        flops_of = self._flops if self.meter else None
        with torch.inference_mode(), progress.bar("embed", len(tokenized), "examples") as bar:
            for indices in batches:
                batch = self.body.collate(tokenized.__getitems__(indices))
                vectors[indices] = self.body.embed(batch, self.pooling).float().cpu().numpy()
                if self.meter and flops_of:
                    flops = flops_of(*batch["input_ids"].shape)
                    self.meter.flops += flops if training else 0
                    self.meter.predicted(0 if training else flops)
                bar.advance(len(indices))
        model.train(was_training)
        return vectors

    @cached_property
    def _flops(self) -> PassFlops:
        return count_embedding_flops(self.body, self.pooling).forward


@dataclass(frozen=True)
class EmbeddingClassifier:
    """Scores texts with a linear head on their embeddings."""

    embedder: Embedder
    head: LinearHead
    task: Task

    def scores(self, data: Dataset) -> NDArray[np.float32]:
        """Return the head's probabilities for the rows of ``data``, in its order: float32, (rows, labels)."""
        return self.head.probabilities(self.embedder.vectors(self.tokenize(data)))

    @property
    def encoder(self) -> Encoder:
        """The encoder without its classification head."""
        return self.embedder.body

    @property
    def tokenization(self) -> Tokenization:
        """The maximum input length, and how longer texts are truncated."""
        return self.embedder.tokenization

    def tokenize(self, data: Dataset) -> Dataset:
        """Return the rows of ``data`` as token ids."""
        return self.embedder.tokenize(data, self.task)

    def save(self, directory: Path) -> None:
        """Write body and tokenizer in the Hugging Face format, the head as safetensors, the rest as JSON."""
        self.embedder.body.model.save_pretrained(directory)
        self.embedder.body.tokenizer.save_pretrained(directory)
        self.embedder.tokenization.save(directory)
        arrays = {"weights": self.head.weights, "intercept": self.head.intercept}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, directory / _HEAD)
        note = {name: getattr(self.embedder, name) for name in _NOTED}
        (directory / _NOTE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, task: Task, device: str) -> EmbeddingClassifier:
        """Load what :meth:`save` wrote, onto ``device``."""
        body = load_saved(directory, task, device, body_alone=True)
        note = json.loads((directory / _NOTE).read_text(encoding="utf-8"))
        arrays = load_file(directory / _HEAD)
        embedder = Embedder(body, **note, tokenization=Tokenization.load(directory))
        return cls(embedder, LinearHead(arrays["weights"], arrays["intercept"], task), task)

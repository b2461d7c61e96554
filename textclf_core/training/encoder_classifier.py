"""The classifier that consists of a trained encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from textclf_core.encoder import Encoder
from textclf_core.encoder.saved import load_saved, reads_alike
from textclf_core.system.hub import without_bars
from textclf_core.system.world import ALONE, World
from textclf_core.tasks import kind_of
from textclf_core.training.batching import batches_by_length, tokens_at_once
from textclf_core.training.flops import count_flops
from textclf_core.types.progress import Progress
from textclf_core.types.task import Task
from textclf_core.types.tokenization import Tokenization

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor

    from textclf_core.training.flops import PassFlops
    from textclf_core.training.frozen_prefix import FrozenPrefix
    from textclf_core.types.classifier import Scores
    from textclf_core.types.meter import Meter


@dataclass(frozen=True)
class EncoderClassifier:
    """Scores texts with an encoder, in batches of similar length. Its saved form loads in ``transformers.pipeline``.

    Attributes:
        encoder: its tokenizer makes the batches; its model is what is saved.
        task: the labels, and the columns that hold the text.
        tokenization: the maximum length, and which part of a longer text is used.
        progress: shows the progress if there is more than one batch.
        prefix: the cache of the encoder's frozen prefix, for the rows of the run that trained it.
        compute: turns a batch into logits, float, shape (batch, labels); the encoder itself if ``None``.
        batch_tokens: the maximum number of padded tokens in a batch; chosen by device if ``None``.
        meter: counts the FLOPs of scoring, if given.
        world: the processes that share the scoring of more than one batch; all must score the same rows.
    """

    encoder: Encoder
    task: Task
    tokenization: Tokenization
    progress: Progress = field(default_factory=lambda: Progress(quiet=True))
    prefix: FrozenPrefix | None = None
    compute: Callable[[Mapping[str, Tensor]], Tensor] | None = None
    batch_tokens: int | None = None
    meter: Meter | None = None
    world: World = ALONE

    def scores(self, data: Dataset) -> Scores:
        """Return the softmax of the logits for the rows of ``data``, in its order: float32, (rows, labels).

        In a multi-label task, their sigmoid. In a token task, a list of arrays, (words, labels); a truncated word is
        scored as outside of entities.
        """
        tokenized = self.encoder.tokenize(data, self.task, self.tokenization, self.world)
        return kind_of(self.task).scores(self.logits(tokenized), tokenized, data)

    def tokenize(self, data: Dataset) -> Dataset:
        """Return the rows of ``data`` as token ids."""
        return self.encoder.tokenize(data, self.task, self.tokenization)

    def logits(self, tokenized: Dataset) -> NDArray[np.float32]:
        """Return the logits of rows from :meth:`tokenize`, without dropout: float32, (rows, labels).

        In a token task, they are those of the first sub-token of each word of all rows: (words, labels).
        """
        model = self.encoder.model
        compute = self.compute or self.encoder.logits
        was_training = model.training
        model.train(False)
        places = kind_of(self.task).places(tokenized)
        logits = np.zeros((places.count, self.task.num_labels), dtype=np.float32)
        # A single row is computed without the cache, as a new text would be: its time is reported as the latency.
        known = self.prefix.rows(tokenized) if self.prefix and len(tokenized) > 1 else None
        batch_tokens = self.batch_tokens or tokens_at_once(model.device.type)
        batches = batches_by_length([len(ids) for ids in tokenized["input_ids"]], batch_tokens)
        # One batch is done before a bar could be seen, or before other processes have their part of it.
        several = len(batches) > 1
        progress = self.progress if several else Progress(quiet=True)
        flops_of = self._flops if self.meter else None
        with (
            torch.inference_mode(),
            self.encoder.computing_what_the_head_reads(),
            progress.bar("predict", len(tokenized), "examples") as bar,
        ):
            for indices in batches[self.world.rank :: self.world.size] if several else batches:
                batch = self.encoder.collate(tokenized.__getitems__(indices))
                if known and self.prefix:
                    computed = self.encoder.run_from(known.hidden(indices), batch, self.prefix.boundary)
                else:
                    computed = compute(batch)
                places.put(computed.float().cpu().numpy(), indices, logits)
                if self.meter and flops_of:
                    self.meter.predicted(flops_of(*batch["input_ids"].shape))
                bar.advance(len(indices))
        if several:  # what others computed is zero here
            self.world.sum([torch.from_numpy(logits)])
        model.train(was_training)
        return logits

    @cached_property
    def _flops(self) -> PassFlops:
        with self.encoder.computing_what_the_head_reads():
            return count_flops(self.encoder).forward

    def save(self, directory: Path) -> None:
        """Write the model and the tokenizer in Hugging Face's layout, with the tokenization in a file of its own."""
        with without_bars():
            self.encoder.model.save_pretrained(directory)
        # As far as the tokenizer's settings can express it, `transformers` truncates texts alike.
        with reads_alike(self.encoder.tokenizer, self.tokenization):
            self.encoder.tokenizer.save_pretrained(directory)
        self.tokenization.save(directory)

    @classmethod
    def load(cls, directory: Path, task: Task, device: str) -> EncoderClassifier:
        """Load a saved classifier onto a device.

        Raises:
            UsageError: parameters of the model are missing, or there are others.
        """
        return cls(load_saved(directory, task, device), task, Tokenization.load(directory))

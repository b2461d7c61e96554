"""The classifier that a trained encoder makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import transformers
from transformers import AutoTokenizer

from textclf_core.encoder import Encoder
from textclf_core.encoder.heads import model_class
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
        tokenization: the longest input, and what of a longer text is kept.
        progress: shows how far it is, where there is more than one batch.
        prefix: the cache of the encoder's frozen prefix, for the rows of the run that trained it.
        compute: turns a batch into logits, float, shape (batch, labels); the encoder itself if ``None``.
        batch_tokens: padded tokens that are scored together at most; as many as the device takes well if ``None``.
        meter: counts what scoring takes, where a trainer wants it counted.
    """

    encoder: Encoder
    task: Task
    tokenization: Tokenization
    progress: Progress = field(default_factory=lambda: Progress(quiet=True))
    prefix: FrozenPrefix | None = None
    compute: Callable[[Mapping[str, Tensor]], Tensor] | None = None
    batch_tokens: int | None = None
    meter: Meter | None = None

    def scores(self, data: Dataset) -> Scores:
        """Return the softmax of the logits for the rows of ``data``, in its order: float32, (rows, labels).

        In a multi-label task, their sigmoid. In a task of tokens, (words, labels) for each row; a word that was cut off
        counts as outside of entities.
        """
        tokenized = self.tokenize(data)
        return kind_of(self.task).scores(self.logits(tokenized), tokenized, data)

    def tokenize(self, data: Dataset) -> Dataset:
        """Return the rows of ``data`` as token ids."""
        return self.encoder.tokenize(data, self.task, self.tokenization)

    def logits(self, tokenized: Dataset) -> NDArray[np.float32]:
        """Return the logits of rows that :meth:`tokenize` made: float32, (rows, labels). Dropout is off.

        In a task of tokens, those of the first sub-token of each word, of all rows in a row: (words, labels).
        """
        model = self.encoder.model
        compute = self.compute or self.encoder.logits
        was_training = model.training
        model.train(False)
        places = kind_of(self.task).places(tokenized)
        logits = np.empty((places.count, self.task.num_labels), dtype=np.float32)
        # One row is computed as a new text would be, whatever the cache holds: its time is reported as the latency.
        known = self.prefix.rows(tokenized) if self.prefix and len(tokenized) > 1 else None
        batch_tokens = self.batch_tokens or tokens_at_once(model.device.type)
        batches = batches_by_length([len(ids) for ids in tokenized["input_ids"]], batch_tokens)
        # One batch is done before a bar could be seen.
        progress = self.progress if len(batches) > 1 else Progress(quiet=True)
        flops_of = self._flops if self.meter else None
        with (
            torch.inference_mode(),
            self.encoder.computing_what_the_head_reads(),
            progress.bar("predict", len(tokenized), "examples") as bar,
        ):
            for indices in batches:
                batch = self.encoder.collate(tokenized.__getitems__(indices))
                if known and self.prefix:
                    computed = self.encoder.run_from(known.hidden(indices), batch, self.prefix.boundary)
                else:
                    computed = compute(batch)
                places.put(computed.float().cpu().numpy(), indices, logits)
                if self.meter and flops_of:
                    self.meter.predicted(flops_of(*batch["input_ids"].shape))
                bar.advance(len(indices))
        model.train(was_training)
        return logits

    @cached_property
    def _flops(self) -> PassFlops:
        with self.encoder.computing_what_the_head_reads():
            return count_flops(self.encoder).forward

    def save(self, directory: Path) -> None:
        """Write model and tokenizer in Hugging Face's own layout, and beside them how texts are read."""
        # As far as the tokenizer has words for it, whoever loads it in `transformers` reads texts alike.
        if self.tokenization.length is not None:
            self.encoder.tokenizer.model_max_length = self.tokenization.length
        self.encoder.tokenizer.truncation_side = "left" if self.tokenization.truncation == "tail" else "right"
        self.encoder.model.save_pretrained(directory)
        self.encoder.tokenizer.save_pretrained(directory)
        self.tokenization.save(directory)

    @classmethod
    def load(cls, directory: Path, task: Task, device: str) -> EncoderClassifier:
        """Load what :meth:`save` wrote, onto ``device``."""
        # Its bar is over before it could be read, and would stand among the notes.
        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model = model_class(task).from_pretrained(directory, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        encoder = Encoder(model.to(device).eval(), tokenizer, str(directory))
        return cls(encoder, task, Tokenization.load(directory))

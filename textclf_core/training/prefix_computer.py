"""Computing a frozen prefix for rows of one length, so that a row's bits don't depend on other rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from textclf_core.cache.keys import Conditions, prefix_key
from textclf_core.encoder.computation import config_facts
from textclf_core.system.environment import device_facts
from textclf_core.training.batching import BATCH_TOKENS
from textclf_core.training.flops import PassFlops, count_embedding_flops, count_prefix_flops, count_row_flops

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.pooling import Pooling

# Increased with every change of the computation that changes bits, so that older rows aren't used.
_SPLIT_VERSION = 1
# On a CPU, matrix products of few rows (below 4 on one thread, 12 on two, 28 on sixteen) round differently. A GPU
# chooses its kernels by the whole shape, so all batches of one length get the same shape there.
_LEAST_PRODUCT_ROWS = 32


class PrefixComputer:
    """Compute the cached output of a frozen prefix, at its boundary or at an earlier one.

    Args:
        encoder: the model, with its strategy's parameters frozen.
        pooling: if given, the output is one vector per row: the pooled output of the whole body, which must be frozen.

    Attributes:
        boundary: the number of blocks in the prefix, after the embeddings.
        only_first_token: whether only the first token is cached: after the last block, if the head reads no other.
        width: the number of elements per token.

    Raises:
        UnknownComputationError: the model's computation can't be fingerprinted.
    """

    def __init__(self, encoder: Encoder, pooling: Pooling | None) -> None:
        self.boundary = encoder.frozen_prefix - 1
        self.only_first_token = pooling is None and self.boundary == encoder.num_blocks and encoder.reads_first_token
        self.width = int(encoder.model.config.hidden_size)
        self._encoder = encoder
        self._pooling = pooling
        self._computation = self._digests_of_computation()
        self._weights = encoder.prefix_digests(self.boundary)
        self._flops: dict[int | None, PassFlops] = {}

    @property
    def is_unchanged(self) -> bool:
        """Whether the model's computation up to the boundary has not changed since this object was made."""
        return self._digests_of_computation() == self._computation

    def _digests_of_computation(self) -> list[str]:
        return self._encoder.computation_digests(self.boundary, whole=self._pooling is not None)

    @cached_property
    def _body_digest(self) -> str:
        return self._encoder.body_digest()

    def key(self, boundary: int) -> str:
        """Return the key of the store of a boundary: a hash of everything that could change its rows."""
        model = self._encoder.model
        pooling = self._pooling if boundary == self.boundary else None
        weights = self._weights[: boundary + 1]
        return prefix_key(
            Conditions(
                versions={name: version(name) for name in ("torch", "transformers")},
                device=device_facts(model.device),
                code=[f"split {_SPLIT_VERSION}", *(one.sha256 for one in self._encoder.origin)],
            ),
            weights=[*weights, self._body_digest] if pooling else weights,
            computation=self._computation if pooling else self._computation[: boundary + 1],
            config=config_facts(model.config),
            boundary=boundary,
            first_token=boundary == self.boundary and self.only_first_token,
            pooling=pooling,
            dtype=str(model.dtype),
            attention=str(model.config._attn_implementation),
        )

    def count_flops(self, rows: int, length: int, start: int | None) -> float:
        """Return the FLOPs of rows of one length, from the input (``None``) or from an earlier boundary on."""
        if start not in self._flops:
            self._flops[start] = (
                count_embedding_flops(self._encoder, self._pooling, start).forward
                if self._pooling
                else count_prefix_flops(self._encoder, self.boundary, start)
            )
        return self._flops[start](rows, length)

    def count_check_flops(self, length: int, boundary: int) -> float:
        """Return the FLOPs of checking a store with one row, computed from the input on."""
        pooling = self._pooling if boundary == self.boundary else None
        return count_row_flops(self._encoder, length, boundary, pooling)

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Keep the model in evaluation mode, without gradients, while the block runs."""
        model = self._encoder.model
        was_training = model.training
        with torch.inference_mode(), self._encoder.computing_what_the_head_reads():
            model.train(False)
            try:
                yield
            finally:
                model.train(was_training)

    def compute(
        self,
        tokenized: Dataset,
        rows: Sequence[int],
        boundary: int,
        start: int = 0,
        earlier: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return the output for rows of one length, float32, shape (rows, tokens or 1, width).

        Args:
            tokenized: what ``Encoder.tokenize`` made.
            rows: which of its rows.
            boundary: where.
            start: the earlier boundary of ``earlier``.
            earlier: the hidden states at that boundary, float32, shape (rows, tokens, width).
        """
        batch = self._encoder.collate(tokenized.__getitems__(list(rows)))
        length = batch["input_ids"].shape[1]
        hidden = None if earlier is None else torch.from_numpy(earlier).to(self._encoder.model.device)
        if boundary < self.boundary or not (self._pooling or self.only_first_token):
            reached = self._run(batch, hidden, start, boundary, self._least_rows(length))
        elif self._pooling:
            batch, hidden = self._at_least(self._least_rows(length), batch, hidden)
            pooled = self._encoder.embed(batch, self._pooling, hidden=hidden, start=start)
            reached = pooled[: len(rows), None]
        else:
            last = boundary - 1
            if hidden is None or start < last:
                hidden = self._run(batch, hidden, start, last, self._least_rows(length))
            # In the last block, matrix products have one row per example.
            reached = self._run(batch, hidden, last, boundary, self._least_rows(1))[:, :1]
        kept: NDArray[np.float32] = reached.float().cpu().numpy()
        return kept

    def _run(self, batch: dict[str, Tensor], hidden: Tensor | None, start: int, upto: int, least: int) -> Tensor:
        """Run the blocks from ``start`` to ``upto`` on at least ``least`` rows."""
        rows = len(batch["input_ids"])
        batch, hidden = self._at_least(least, batch, hidden)
        return self._encoder.run_prefix(batch, upto, hidden=hidden, start=start)[:rows]

    def _at_least(
        self, least: int, batch: dict[str, Tensor], hidden: Tensor | None
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """Return the batch with its rows repeated until there are at least ``least``."""
        rows = len(batch["input_ids"])
        if rows < least:
            again = torch.arange(least, device=self._encoder.model.device) % rows
            batch = {name: values[again] for name, values in batch.items()}
            hidden = None if hidden is None else hidden[again]
        return batch, hidden

    def _least_rows(self, length: int) -> int:
        """Return the fewest rows of a length with which a row's bits don't depend on the number of rows."""
        if self._encoder.model.device.type == "cpu":
            return -(-max(_LEAST_PRODUCT_ROWS, 4 * torch.get_num_threads()) // length)
        return max(1, BATCH_TOKENS // length)

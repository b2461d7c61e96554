"""Gradients of embeddings by the rows of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

# Below, allocating the whole gradient costs less than keeping track of its rows.
_LEAST_NUMBERS = 10**6


class RowGradients:
    """Keeps one dense gradient for each large embedding of a model, and clears of it only the rows that a batch read.

    Autograd allocates and fills the whole gradient anew in each step: 47 MB for MiniLM's 30,522 tokens, of which a
    batch of 16 sentences reads some 250. The optimizer still gets the same dense gradient, since AdamW's averages move
    every row in every step: the same one to the bit, or to rounding where micro-batches add up. For a CPU and one
    process; elsewhere it does nothing.
    """

    def __init__(self, model: nn.Module, *, processes: int = 1) -> None:
        self._embeddings = [
            module
            for module in model.modules()
            if isinstance(module, nn.Embedding)
            and processes == 1
            and module.weight.requires_grad
            and module.weight.device.type == "cpu"
            and module.weight.numel() >= _LEAST_NUMBERS
            and not (module.sparse or module.scale_grad_by_freq or module.max_norm)
        ]
        self._dense = [torch.zeros_like(module.weight) for module in self._embeddings]
        self._read: list[tuple[Tensor, Tensor]] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Let backward passes collect rows while the block runs."""
        for module in self._embeddings:
            module.sparse = True
        try:
            yield
        finally:
            for module in self._embeddings:
                module.sparse = False

    def complete(self) -> None:
        """Make the gradients dense, after the backward passes of a step."""
        for module, dense in zip(self._embeddings, self._dense, strict=True):
            gradient = module.weight.grad
            if gradient is None or not gradient.is_sparse:
                continue
            rows = gradient._indices()[0]
            dense.index_add_(0, rows, gradient._values())
            self._read.append((dense, rows))
            module.weight.grad = dense

    def clear(self) -> None:
        """Set to zero what the step collected, after the optimizer's step."""
        for dense, rows in self._read:
            dense[rows] = 0
        self._read.clear()

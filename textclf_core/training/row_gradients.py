"""Gradients of embeddings, limited to the rows that a batch reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

# For smaller embeddings, allocating the whole gradient costs less.
_LEAST_NUMBERS = 10**6


class RowGradients:
    """Reuse one dense gradient for each large embedding of a model, and reset only the rows that a batch read.

    Autograd allocates and fills the whole gradient in each step: 47 MB for MiniLM's 30,522 tokens, of which a batch of
    16 texts reads some 250. The optimizer gets the same dense gradient, bit for bit (with micro-batches, up to
    rounding), since AdamW updates every row in every step. This has an effect on a CPU with one process only, and if no
    plugin reads the gradients between two backward passes.
    """

    def __init__(self, model: nn.Module, *, processes: int = 1, read_by_plugins: bool = False) -> None:
        self._embeddings = [
            module
            for module in model.modules()
            if isinstance(module, nn.Embedding)
            and processes == 1
            and not read_by_plugins
            and module.weight.requires_grad
            and module.weight.device.type == "cpu"
            and module.weight.numel() >= _LEAST_NUMBERS
            and not (module.sparse or module.scale_grad_by_freq or module.max_norm)
        ]
        self._dense = [torch.zeros_like(module.weight) for module in self._embeddings]
        self._read: list[tuple[Tensor, Tensor]] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Make backward passes return sparse gradients of the embeddings while the block runs."""
        for module in self._embeddings:
            module.sparse = True
        try:
            yield
        finally:
            for module in self._embeddings:
                module.sparse = False

    def complete(self) -> None:
        """Make the gradients dense; call it after the backward passes of a step."""
        for module, dense in zip(self._embeddings, self._dense, strict=True):
            gradient = module.weight.grad
            if gradient is None or not gradient.is_sparse:
                continue
            rows = gradient._indices()[0]
            dense.index_add_(0, rows, gradient._values())
            self._read.append((dense, rows))
            module.weight.grad = dense

    def clear(self) -> None:
        """Reset the rows that the step read; call it after the optimizer's step."""
        for dense, rows in self._read:
            dense[rows] = 0
        self._read.clear()

"""The gradient of a batch whose rows are divided among processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from textclf_core.system.world import World


class SharedGradients:
    """Sum the gradients of all processes once a step.

    Not torch's DistributedDataParallel: that sums within each backward pass, so processes with fewer micro-batches, or
    without a row in a batch, leave the others waiting; it averages, which is wrong for shares of different size; and
    it must be wrapped anew, and search for unused parameters, where a phase or a batch changes what trains. What it
    gains, an exchange during the backward pass, is lost with accumulation, where only the last pass has it.

    Args:
        world: the processes.
        parameters: those that train, in the same order in all processes.
    """

    def __init__(self, world: World, parameters: Sequence[nn.Parameter]) -> None:
        self._world, self._parameters = world, parameters

    @contextmanager
    def summed(self, *values: Tensor) -> Iterator[None]:
        """Sum what backward passes in the block add to the gradients over all processes; in one, do nothing.

        Args:
            values: further tensors, of float32, that are replaced by their sums.
        """
        if self._world.size == 1:
            yield
            return
        before = [one.grad for one in self._parameters]
        self._clear()
        yield
        # A parameter that no process used has no gradient, as in one process: the optimizer leaves it as it is.
        missing = [one for one in self._parameters if one.grad is None]
        used = torch.tensor([float(one.grad is not None) for one in self._parameters]).to(self._parameters[0].device)
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in self._parameters]
        self._world.sum([*gradients, used, *values])
        # Reading the counts waits for a GPU, and where this process has used all parameters, they are known.
        counts = used.tolist() if missing else [1.0] * len(gradients)
        for one, gradient, count, earlier in zip(self._parameters, gradients, counts, before, strict=True):
            one.grad = gradient if count else None
            if earlier is not None:
                one.grad = earlier.add_(gradient) if count else earlier

    def _clear(self) -> None:
        for one in self._parameters:
            one.grad = None

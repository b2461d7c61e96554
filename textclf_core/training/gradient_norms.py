"""How large the gradients of each block are over half an epoch: what adaptive freezing goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


class GradientNorms:
    """Sums the gradients of the blocks that train over the first and over the second half of each epoch's steps.

    It takes as much memory as the blocks do. With an odd number of steps, the first half has one less.

    Args:
        encoder: as a phase freezes it.
        steps: optimizer steps of an epoch.
    """

    def __init__(self, encoder: Encoder, steps: int) -> None:
        self._halfway = steps // 2
        self._parameters = [
            (encoder.depth_of(name), parameter)
            for name, parameter in encoder.model.named_parameters()
            if parameter.requires_grad and 1 <= encoder.depth_of(name) <= encoder.num_blocks
        ]
        self._sums: list[Tensor] = []
        self._norms: list[dict[int, float]] = []
        self._done = 0

    def step(self) -> None:
        """Add the gradients of a step, after its backward passes and before they are clipped."""
        if not self._sums:
            self._sums = [torch.zeros_like(parameter) for _, parameter in self._parameters]
        for total, (_, parameter) in zip(self._sums, self._parameters, strict=True):
            if parameter.grad is not None:
                total.add_(parameter.grad)
        self._done += 1
        if self._done == self._halfway:
            self._norms.append(self._measured())

    def of_epoch(self) -> tuple[dict[int, float], ...]:
        """Return both halves' 1-norms by depth, after an epoch's last step, and begin anew; none of a single step."""
        halves = (*self._norms, self._measured()) if self._halfway else ()
        self._sums, self._norms, self._done = [], [], 0
        return halves

    def _measured(self) -> dict[int, float]:
        norms: dict[int, float] = {}
        for total, (depth, _) in zip(self._sums, self._parameters, strict=True):
            norms[depth] = norms.get(depth, 0.0) + total.abs().sum().item()
            total.zero_()
        return norms

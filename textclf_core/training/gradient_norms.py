"""How large the gradients of each block are over an interval: what adaptive freezing goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


class GradientNorms:
    """Sums the gradients of the blocks that train, over the steps of an interval. It takes as much memory as they do.

    Args:
        encoder: as a phase freezes it.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._parameters = [
            (encoder.depth_of(name), parameter)
            for name, parameter in encoder.model.named_parameters()
            if parameter.requires_grad and 1 <= encoder.depth_of(name) <= encoder.num_blocks
        ]
        self._sums: list[Tensor] = []

    def step(self) -> None:
        """Add the gradients of a step, after its backward passes and before they are clipped."""
        if not self._sums:
            self._sums = [torch.zeros_like(parameter) for _, parameter in self._parameters]
        for total, (_, parameter) in zip(self._sums, self._parameters, strict=True):
            if parameter.grad is not None:
                total.add_(parameter.grad)

    def of_interval(self) -> dict[int, float]:
        """Return the sums' 1-norms by depth, and begin anew."""
        norms: dict[int, float] = {}
        for total, (depth, _) in zip(self._sums, self._parameters, strict=True):
            norms[depth] = norms.get(depth, 0.0) + total.abs().sum().item()
            total.zero_()
        return norms

"""Gradient norms of each block over an interval, for adaptive freezing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


class GradientNorms:
    """Sum the gradients of the trainable blocks over the steps of an interval, in as much memory as the gradients.

    Args:
        encoder: the model, frozen as in the phase.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._parameters = [
            (encoder.depth_of(name), parameter)
            for name, parameter in encoder.model.named_parameters()
            if parameter.requires_grad and 1 <= encoder.depth_of(name) <= encoder.num_blocks
        ]
        self._sums: list[Tensor] = []

    def step(self) -> None:
        """Add the gradients of a step; call it after the backward passes, before clipping."""
        if not self._sums:
            self._sums = [torch.zeros_like(parameter) for _, parameter in self._parameters]
        for total, (_, parameter) in zip(self._sums, self._parameters, strict=True):
            if parameter.grad is not None:
                total.add_(parameter.grad)

    def of_interval(self) -> dict[int, float]:
        """Return the 1-norms of the sums by depth, and reset the sums."""
        norms: dict[int, float] = {}
        for total, (depth, _) in zip(self._sums, self._parameters, strict=True):
            norms[depth] = norms.get(depth, 0.0) + total.abs().sum().item()
            total.zero_()
        return norms

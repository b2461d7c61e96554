"""A loss: generalized cross-entropy, which wrong labels mislead less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, Task, hookimpl

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class GeneralizedCrossEntropy:
    """Train with (1 - p^q) / q, where p is the probability of the label.

    Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels", NeurIPS
    2018, equation 6.
    """

    q: Annotated[float, Option("1 is the mean absolute error, near 0 it is cross-entropy.", gt=0, le=1)] = 0.7

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Support one label per text or word."""
        return "its probabilities are those of a softmax" if task.kind == "multi-label" else None

    @hookimpl
    def textclf_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return one loss per row, float32, shape (rows,)."""
        p = logits.softmax(dim=-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
        return (1 - p.clamp_min(1e-7) ** self.q) / self.q

"""A gradient: R-Drop, which makes two draws of dropout agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, Task, TrainingStep, hookimpl

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class RDrop:
    """Add the divergence between the predictions under two draws of dropout to the loss of each step.

    Liang and others, "R-Drop: Regularized Dropout for Neural Networks", NeurIPS 2021, equation 2. The divergence takes
    two more passes over the batch.
    """

    alpha: Annotated[float, Option("The weight of the divergence.", gt=0)] = 1.0

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Support one label per text or word."""
        return "its probabilities are those of a softmax" if task.kind == "multi-label" else None

    @hookimpl
    def textclf_gradient(self, step: TrainingStep) -> None:
        """Add the gradient of the divergence."""

        def divergence(forward: Callable[[int], Tensor], labels: Tensor) -> Tensor:
            p, q = (forward(draw).log_softmax(dim=-1) for draw in (0, 1))
            return self.alpha * ((p.exp() - q.exp()) * (p - q)).sum(dim=-1) / 2

        step.add_gradients(divergence)

"""Adversarial training with the fast gradient method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from torch import Tensor

    from textclf_core.encoder import Encoder
    from textclf_core.types.training_step import TrainingStep


@dataclass(frozen=True, kw_only=True)
class Adversarial:
    """Train each batch a second time, with token embeddings shifted in the direction that raises the loss most.

    Miyato, Dai and Goodfellow, "Adversarial Training Methods for Semi-Supervised Text Classification", ICLR 2017,
    equation 5 (the fast gradient method). The shift is that of the embedding matrix, whose gradient the step has
    already, so it is shared by the texts of a batch; the paper computes one per text and normalises the embeddings. The
    second pass doubles the cost of a step. The embeddings must train; in phases that freeze them, steps are plain.
    """

    epsilon: Annotated[float, Option("The 2-norm of the shift.", gt=0, search=(1e-2, 1e1))] = 1.0

    @hookimpl(trylast=True)
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze nothing; refuse frozen embeddings."""
        if not _embeddings(encoder).requires_grad:
            raise UsageError(
                "adversarial: the token embeddings are frozen, so they have no gradient to follow; combine it with a "
                "strategy that trains them, such as full, or leave it out."
            )

    @hookimpl
    def textclf_gradient(self, encoder: Encoder, step: TrainingStep) -> None:
        """Add the gradient at the shifted embeddings."""
        import torch

        weight = _embeddings(encoder)
        if weight.grad is None:
            return
        read = weight.grad.abs().sum(dim=1).nonzero().squeeze(1)  # the tokens of the batch
        shift = weight.grad[read]
        length = shift.norm()
        if not length > 0:
            return
        with torch.no_grad():
            before = weight[read].clone()
            weight[read] += self.epsilon * shift / length
        step.add_gradients()
        with torch.no_grad():
            weight[read] = before


def _embeddings(encoder: Encoder) -> Tensor:
    module: Any = encoder.model.get_input_embeddings()
    weight: Tensor = module.weight
    return weight

"""A gradient: adversarial steps in the parameters, by sharpness-aware minimization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from textclf_core import Encoder, Option, TrainingStep, hookimpl


@dataclass(frozen=True, kw_only=True)
class SharpnessAware:
    """Take each step with the gradient at the point nearby where the loss is highest.

    Foret, Kleiner, Mobahi and Neyshabur, "Sharpness-Aware Minimization for Efficiently Improving Generalization", ICLR
    2021, equations 2 and 3. It takes one more pass over the batch.
    """

    rho: Annotated[float, Option("The distance of the point, as a 2-norm.", gt=0, search=(1e-3, 1e0))] = 0.05

    @hookimpl
    def textclf_gradient(self, encoder: Encoder, step: TrainingStep) -> None:
        """Replace the gradient by the one at the shifted parameters."""
        import torch

        shifted = [(weight, weight.grad.clone()) for weight in encoder.model.parameters() if weight.grad is not None]
        length = torch.stack([gradient.norm() for _, gradient in shifted]).norm()
        if not length > 0:
            return
        with torch.no_grad():
            before = [weight.clone() for weight, _ in shifted]
            for weight, gradient in shifted:
                weight += self.rho * gradient / length
        step.clear_gradients()
        step.add_gradients()
        with torch.no_grad():
            for (weight, _), own in zip(shifted, before, strict=True):
                weight.copy_(own)

"""The optimizer and its parameter groups: learning rate factors and weight decay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.types.recipe import Recipe


def build_optimizer(encoder: Encoder, recipe: Recipe, plan: Plan) -> Optimizer:
    """Return the optimizer of a phase: a plugin's, or else fused AdamW; each group has its ``factor``.

    Raises:
        RunError: a plugin's optimizer hasn't all the parameters, or a plugin names unknown parameters.
    """
    groups = decay_groups(encoder.model, recipe.weight_decay, plan.rate_factors(encoder))
    optimizer = plan.optimizer(groups, recipe)
    return AdamW(groups, lr=recipe.learning_rate, fused=True) if optimizer is None else optimizer


def decay_groups(
    model: nn.Module, weight_decay: float, factors: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Return the optimizer's groups of trainable parameters; biases and norms have no weight decay.

    These are the vectors; MPNet's relative attention bias, a matrix, is recognised by its name. The same parameters
    decay in ``transformers.Trainer``.

    Args:
        model: the model.
        weight_decay: the weight decay of all other parameters.
        factors: the factors of the learning rate that aren't 1, by parameter name. A group's is its ``factor``; the
            training loop multiplies the rate by it.
    """
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            key = (factors or {}).get(name, 1.0), decays(name, parameter)
            groups.setdefault(key, []).append(parameter)
    return [
        {"params": parameters, "weight_decay": weight_decay if decaying else 0.0, "factor": factor}
        for (factor, decaying), parameters in sorted(groups.items(), key=lambda item: (-item[0][0], not item[0][1]))
    ]


def decays(name: str, parameter: Tensor) -> bool:
    """Return whether weight decay is applied to a parameter; see :func:`decay_groups`."""
    return parameter.ndim >= 2 and "bias" not in name

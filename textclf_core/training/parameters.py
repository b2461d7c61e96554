"""Which parameters the optimizer gets, and which of them decay."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the optimizer's groups: trainable parameters alone, biases and norms without weight decay.

    A bias or the weight of a norm is a vector; MPNet's relative attention bias, a matrix, is spared by its name. The
    same parameters decay in ``transformers.Trainer``.
    """
    trainable = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    groups = [
        {"params": [one for name, one in trainable if decays(name, one)], "weight_decay": weight_decay},
        {"params": [one for name, one in trainable if not decays(name, one)], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def decays(name: str, parameter: Tensor) -> bool:
    """Return whether weight decay is applied to a parameter; see :func:`decay_groups`."""
    return parameter.ndim >= 2 and "bias" not in name

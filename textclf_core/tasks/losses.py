"""Losses by class, summed over all that has a label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from textclf_core.tasks.subtokens import NO_LABEL


def loss_of_one_label(
    logits: Tensor, labels: Tensor, class_weights: Tensor | None, label_smoothing: float, focal_gamma: float
) -> Tensor:
    """Return the summed loss of rows with one label each, a float32 scalar. Many heads at once can be mapped over it.

    Without a focal loss a label may be ``NO_LABEL``.

    Args:
        logits: float32, (rows, classes).
        labels: int64, (rows,).
        class_weights: float32, (classes,); ``None`` for 1.
        label_smoothing: see :class:`~textclf_core.training.loss.Loss`.
        focal_gamma: see there.
    """
    if not focal_gamma:
        return cross_entropy(
            logits,
            labels,
            weight=class_weights,
            label_smoothing=label_smoothing,
            ignore_index=NO_LABEL,
            reduction="sum",
        )
    return weighted_loss(logits, labels, class_weights, label_smoothing, focal_gamma)


def weighted_loss(
    logits: Tensor, labels: Tensor, class_weights: Tensor | None, label_smoothing: float, focal_gamma: float
) -> Tensor:
    """Return the summed loss term by term, a float32 scalar.

    Args:
        logits: float32, (..., classes).
        labels: int64, (...).
        class_weights: float32, of a shape that fits the logits' last dimensions; ``None`` for 1.
        label_smoothing: see :class:`~textclf_core.training.loss.Loss`.
        focal_gamma: see there.
    """
    classes = logits.shape[-1]
    log_p = log_softmax(logits, dim=-1)
    is_label = labels.unsqueeze(-1) == torch.arange(classes, device=labels.device)
    weight = is_label * (1 - label_smoothing) + label_smoothing / classes
    if class_weights is not None:
        weight = weight * class_weights
    if focal_gamma:
        # 1 - p by expm1, which is exact near p = 1; the least number keeps the power's gradient finite there.
        weight = weight * (-torch.expm1(log_p)).clamp_min(torch.finfo(torch.float32).tiny) ** focal_gamma
    return -(weight * log_p).sum()

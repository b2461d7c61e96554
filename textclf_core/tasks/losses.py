"""Classification losses, summed over everything that has a label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from textclf_core.types.task import NO_LABEL


def loss_of_one_label(
    logits: Tensor, labels: Tensor, class_weights: Tensor | None, label_smoothing: float, focal_gamma: float
) -> Tensor:
    """Return the losses of rows with one label each, float32, shape (rows,).

    It works with ``torch.func.vmap`` over many heads. A label may be ``NO_LABEL``.

    Args:
        logits: float32, shape (rows, classes).
        labels: int64, shape (rows,).
        class_weights: float32, shape (classes,); ``None`` for equal weights of 1.
        label_smoothing: see :class:`~textclf_core.training.options.EncoderTraining`.
        focal_gamma: see :class:`~textclf_core.training.options.EncoderTraining`.
    """
    if not focal_gamma:
        return cross_entropy(
            logits,
            labels,
            weight=class_weights,
            label_smoothing=label_smoothing,
            ignore_index=NO_LABEL,
            reduction="none",
        )
    return weighted_loss(logits, labels, class_weights, label_smoothing, focal_gamma)


def weighted_loss(
    logits: Tensor, labels: Tensor, class_weights: Tensor | None, label_smoothing: float, focal_gamma: float
) -> Tensor:
    """Return the losses, computed term by term, float32, in the shape of the labels; that of ``NO_LABEL`` is 0.

    Args:
        logits: float32, shape (..., classes).
        labels: int64, shape (...).
        class_weights: float32, broadcastable to the logits; ``None`` for equal weights of 1.
        label_smoothing: see :class:`~textclf_core.training.options.EncoderTraining`.
        focal_gamma: see :class:`~textclf_core.training.options.EncoderTraining`.
    """
    classes = logits.shape[-1]
    log_p = log_softmax(logits, dim=-1)
    is_label = labels.unsqueeze(-1) == torch.arange(classes, device=labels.device)
    weight = is_label * (1 - label_smoothing)
    if label_smoothing:
        weight = weight + (labels != NO_LABEL).unsqueeze(-1) * (label_smoothing / classes)
    if class_weights is not None:
        weight = weight * class_weights
    if focal_gamma:
        # expm1 computes 1 - p exactly near p = 1; clamping keeps the gradient of the power finite there.
        weight = weight * (-torch.expm1(log_p)).clamp_min(torch.finfo(torch.float32).tiny) ** focal_gamma
    return -(weight * log_p).sum(dim=-1)

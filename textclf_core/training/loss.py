"""The loss that an encoder is trained on: the one place that computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from textclf_core.encoder.words import NO_LABEL
from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.task import Task
    from textclf_core.training.options import EncoderTraining


@dataclass(frozen=True)
class Loss:
    """Cross-entropy, where asked for with class weights, smoothed labels and a focus on what is hard.

    Of a row with label y, probabilities p and K classes, where q is 1 - s + s/K for y and s/K for the others:
    the sum over the classes c of q_c · w_c · (1 - p_c)^g · -log p_c. With s = 0 and g = 0 it is cross-entropy, with
    g > 0 the focal loss (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5), with s > 0
    label smoothing (Szegedy et al., CVPR 2016, section 7).

    It is summed over rows, and whoever trains divides by the rows of the whole batch, so that it doesn't depend on
    how the batch is cut. The weights have a mean of 1 over the rows of train, so they leave its size alone.

    Attributes:
        class_weights: w, float32, shape (classes,); ``None`` for 1.
        label_smoothing: s.
        focal_gamma: g.
    """

    class_weights: Tensor | None = None
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0

    @classmethod
    def of(cls, options: EncoderTraining, task: Task, labels: Sequence[int], device: torch.device) -> Loss:
        """Return the loss that a trainer's options ask for, given the labels of train.

        Raises:
            UsageError: there are more or fewer class weights than labels.
        """
        weights = _class_weights(options, task, labels)
        return cls(None if weights is None else weights.to(device), options.label_smoothing, options.focal_gamma)

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the losses of all that has a label, a float32 scalar.

        Args:
            logits: shape (rows, classes), or (rows, tokens, classes).
            labels: int64, shape (rows,), or (rows, tokens), where ``NO_LABEL`` stands for none.
        """
        logits = logits.float()
        if labels.ndim > 1:
            logits, labels = logits.flatten(0, 1), labels.flatten()
        if not self.focal_gamma:
            weights, smoothing = self.class_weights, self.label_smoothing
            return cross_entropy(
                logits, labels, weight=weights, label_smoothing=smoothing, ignore_index=NO_LABEL, reduction="sum"
            )
        logits, labels = logits[labels != NO_LABEL], labels[labels != NO_LABEL]
        classes = logits.shape[-1]
        log_p = log_softmax(logits, dim=-1)
        # 1 - p by expm1, which is exact near p = 1; the least number keeps the power's gradient finite there.
        hard = (-torch.expm1(log_p)).clamp_min(torch.finfo(torch.float32).tiny) ** self.focal_gamma
        is_label = labels.unsqueeze(-1) == torch.arange(classes, device=labels.device)
        q = is_label * (1 - self.label_smoothing) + self.label_smoothing / classes
        return -((q if self.class_weights is None else q * self.class_weights) * hard * log_p).sum()


def _class_weights(options: EncoderTraining, task: Task, labels: Sequence[int]) -> Tensor | None:
    """Return the weights of the classes, float32, with a mean of 1 over the rows."""
    if options.class_weights is None:
        return None
    counts = torch.bincount(torch.as_tensor(labels), minlength=task.num_labels).double()
    if options.class_weights == "balanced":
        weights = 1 / counts.clamp_min(1)  # a class that train lacks: no row has its weight
    else:
        given = options.class_weights
        if len(given) != task.num_labels:
            raise UsageError(
                f"class_weights has {len(given)} numbers, but the data have {task.num_labels} labels, in this order: "
                f"{', '.join(task.label_names)}. Give one for each, or class_weights=balanced."
            )
        weights = torch.tensor(given, dtype=torch.float64)
    return (weights * counts.sum() / (weights * counts).sum()).float()

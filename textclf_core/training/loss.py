"""The training loss of an encoder; no other module computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from textclf_core.errors import UsageError
from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from textclf_core.tasks.kind import TrainingKind
    from textclf_core.training.options import EncoderTraining
    from textclf_core.types.task import Task


@dataclass(frozen=True)
class Loss:
    """Cross-entropy, optionally with class weights, label smoothing and focal weighting.

    Of a row with label y, probabilities p and K classes, where q is 1 - s + s/K for y and s/K for the others:
    the sum over the classes c of q_c · w_c · (1 - p_c)^g · -log p_c. With s = 0 and g = 0 it is cross-entropy, with
    g > 0 the focal loss (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5), with s > 0
    label smoothing (Szegedy et al., CVPR 2016, section 7).

    Where a text may have several labels, each label is a row of its own with two classes, not to have it and to have
    it, whose probabilities are those of a sigmoid: with s = 0 and g = 0 it is binary cross-entropy. A label of which it
    is unknown whether the text has it is no row.

    It is summed over rows, and whoever trains divides by the rows of the whole batch, so that it doesn't depend on
    how the batch is cut. The weights have a mean of 1 over the rows of train, so they leave its size alone.

    Attributes:
        kind: what the task's kind decides.
        class_weights: w, float32, shape (classes,); of several labels a text, (labels, 2); ``None`` for 1.
        label_smoothing: s.
        focal_gamma: g.
    """

    kind: TrainingKind
    class_weights: Tensor | None = None
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0

    @classmethod
    def of(cls, options: EncoderTraining, task: Task, labels: ArrayLike, device: torch.device) -> Loss:
        """Return the loss for a trainer's options.

        Args:
            options: of the trainer.
            task: the labels.
            labels: those of train, int64, (rows,), or zeros and ones, (rows, labels).
            device: where the weights are put.

        Raises:
            UsageError: there are more or fewer class weights than labels.
        """
        kind = kind_of(task)
        weights = _class_weights(options, kind, task, torch.as_tensor(np.asarray(labels)))
        weights = None if weights is None else weights.to(device)
        return cls(kind, weights, options.label_smoothing, options.focal_gamma)

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the losses of all labelled rows or words, a float32 scalar.

        Args:
            logits: shape (rows, classes), or (rows, tokens, classes).
            labels: int64, shape (rows,), or (rows, tokens), where ``NO_LABEL`` stands for none. Of several labels a
                text, zeros and ones in the shape of the logits, or ``NO_LABEL`` where it is unknown.
        """
        return self.kind.loss(logits.float(), labels, self.class_weights, self.label_smoothing, self.focal_gamma)


def _class_weights(options: EncoderTraining, kind: TrainingKind, task: Task, labels: Tensor) -> Tensor | None:
    """Return the weights of the classes, float32, with a mean of 1 over the rows."""
    if options.class_weights is None:
        return None
    if options.class_weights == "balanced":
        given = None
    else:
        given = torch.tensor(options.class_weights, dtype=torch.float64)
        if len(given) != task.num_labels:
            raise UsageError(
                f"class_weights has {len(given)} numbers, but the data have {task.num_labels} labels, in this order: "
                f"{', '.join(task.label_names)}. Give one for each, or class_weights=balanced."
            )
    counts = kind.class_counts(labels)
    weights = (
        1 / counts.clamp_min(1) if given is None else kind.class_weights(given)
    )  # a class that train lacks: no row has its weight
    return (weights * counts.sum(-1, keepdim=True) / (weights * counts).sum(-1, keepdim=True)).float()

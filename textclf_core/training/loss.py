"""The training loss of an encoder: the sum of what the hook ``textclf_loss`` returns; no other module computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from textclf_core.errors import UsageError
from textclf_core.tasks import kind_of
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from textclf_core.encoder.plan import Plan
    from textclf_core.training.options import EncoderTraining
    from textclf_core.types.task import Task


@dataclass(frozen=True)
class Loss:
    """The loss of a plugin that implements ``textclf_loss``, or else the trainer's own, summed.

    A training loop divides the sum by the number of labels in the whole batch, so that the gradient doesn't depend on
    how the batch is divided.

    Attributes:
        options: the options of the trainer, which implement the hook.
        task: the labels.
        class_counts: of train, as the hook gets them, on the device of the model.
        plan: the plan, which asks the plugins; ``None`` if there are none.
    """

    options: EncoderTraining
    task: Task
    class_counts: Tensor
    plan: Plan | None = None

    @classmethod
    def of(
        cls, options: EncoderTraining, task: Task, labels: ArrayLike, device: torch.device, plan: Plan | None = None
    ) -> Loss:
        """Return the loss of a training run.

        Args:
            options: of the trainer.
            task: the labels.
            labels: those of train, int64, (rows,), or zeros and ones, (rows, labels).
            device: where the losses are computed.
            plan: the plan, if plugins may replace the loss.

        Raises:
            UsageError: there are more or fewer class weights than labels.
        """
        counts = kind_of(task).class_counts(torch.as_tensor(np.asarray(labels))).float()
        class_weights(options.class_weights, task, counts)
        return cls(options, task, counts.to(device), plan)

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the losses of all labelled rows or words, a float32 scalar.

        Args:
            logits: shape (rows, classes), or (rows, tokens, classes).
            labels: int64, shape (rows,), or (rows, tokens), where ``NO_LABEL`` stands for none. Of several labels a
                text, zeros and ones in the shape of the logits, or ``NO_LABEL`` where it is unknown.

        Raises:
            RunError: a plugin failed, or returned no losses in the shape of the labels.
        """
        logits = logits.float()
        losses = self._of_plugin(logits, labels) if self.plan and self.plan.replaces("textclf_loss") else None
        if losses is None:
            losses = self.options.textclf_loss(logits, labels, self.task, self.class_counts)
        return losses.sum()

    def _of_plugin(self, logits: Tensor, labels: Tensor) -> Tensor | None:
        assert self.plan is not None
        known = self.labelled(labels)
        if known is not None:
            logits, labels = logits[known], labels[known]
        if not len(labels):  # all words of a micro-batch were truncated
            return logits.sum()
        return self.plan.losses(logits, labels, self.task, self.class_counts)

    def labelled(self, labels: Tensor) -> Tensor | None:
        """Return which tokens of a batch have a label, bool, (rows, tokens); ``None`` if all rows or words have one."""
        of_tokens = labels.ndim > 1 and not kind_of(self.task).independent_labels
        return labels != NO_LABEL if of_tokens else None


def class_weights(
    given: Literal["balanced"] | tuple[float, ...] | None, task: Task, class_counts: Tensor
) -> Tensor | None:
    """Return the weights of the classes, float32, in the shape of the counts, with a mean of 1 over the rows.

    Args:
        given: the option of the trainer.
        task: the labels.
        class_counts: of train, float32, (labels,), or (labels, 2); see ``textclf_loss``.

    Raises:
        UsageError: there are more or fewer weights than labels.
    """
    if given is None:
        return None
    if given == "balanced":
        weights = 1 / class_counts.clamp_min(1)  # a class that train lacks: no row has its weight
    elif len(given) == task.num_labels:
        weights = kind_of(task).class_weights(torch.tensor(given, device=class_counts.device))
    else:
        raise UsageError(
            f"class_weights has {len(given)} numbers, but the data have {task.num_labels} labels, in this order: "
            f"{', '.join(task.label_names)}. Give one for each, or class_weights=balanced."
        )
    return weights * class_counts.sum(-1, keepdim=True) / (weights * class_counts).sum(-1, keepdim=True)

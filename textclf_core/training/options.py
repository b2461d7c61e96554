"""The options of trainers that train an encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_core.types.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class EncoderTraining(Recipe):
    """The recipe and further options of training an encoder, and its loss, which a trainer inherits.

    The loss of a row with label y, probabilities p and K classes, where q is 1 - s + s/K for y and s/K for the others:
    the sum over the classes c of q_c · w_c · (1 - p_c)^g · -log p_c. With s = 0 and g = 0 it is cross-entropy, with
    g > 0 the focal loss (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5), with s > 0
    label smoothing (Szegedy et al., CVPR 2016, section 7). The class weights w have a mean of 1 over the rows of train.

    Where a text may have several labels, each label is a row of its own with two classes, not to have it and to have
    it, whose probabilities are those of a sigmoid: with s = 0 and g = 0 it is binary cross-entropy.
    """

    micro_batch_size: Annotated[
        int | None,
        Option(
            "Number of examples computed at once, to save memory; the gradient is still that of the whole batch.", ge=1
        ),
    ] = None
    max_grad_norm: Annotated[float, Option("Gradients are clipped to this 2-norm.", gt=0)] = 1.0
    keep: Annotated[
        Literal["last", "best"], Option("The epoch whose weights are kept; best has the lowest validation loss.")
    ] = "last"
    sampling: Annotated[
        Literal["shuffled", "balanced"],
        Option(
            "How an epoch draws rows: shuffled takes each once; balanced takes as many, with as many of each label, so "
            "rows of rare labels come several times. Where a text may have several labels, its rarest one counts."
        ),
    ] = "shuffled"
    class_weights: Annotated[
        Literal["balanced"] | tuple[float, ...] | None,
        Option(
            "Weight of a row's loss by its label: a number per label, in the labels' order, or balanced, which gives "
            "all labels the same total weight. With several labels per text, the weight of having a label; not having "
            "it has the weight 1, and balanced gives both the same total weight.",
            replaced_by="textclf_loss",
        ),
    ] = None
    label_smoothing: Annotated[
        float,
        Option(
            "Share of the target that is spread evenly over the labels; with several labels per text, over yes and no.",
            ge=0,
            lt=1,
            replaced_by="textclf_loss",
        ),
    ] = 0.0
    focal_gamma: Annotated[
        float,
        Option(
            "Focal loss: how much less correctly predicted rows count; 2 is usual, 0 is off.",
            ge=0,
            replaced_by="textclf_loss",
        ),
    ] = 0.0
    checkpoints: Annotated[int, Option("Number of last epochs whose checkpoints are kept; 0 writes none.", ge=0)] = 2

    def __post_init__(self) -> None:
        if isinstance(self.class_weights, tuple) and min(self.class_weights, default=0) <= 0:
            raise ValueError(f"class_weights={self.class_weights}: each must be more than 0.")
        if self.sampling == "balanced" and self.class_weights is not None:
            raise ValueError("sampling=balanced and class_weights balance the labels twice; choose one of them")

    @hookimpl(trylast=True)
    def textclf_loss(self, logits: Tensor, labels: Tensor, task: Task, class_counts: Tensor) -> Tensor:
        """Return the loss that the options describe; in a token task, words without a label may be among the labels."""
        from textclf_core.tasks import kind_of
        from textclf_core.training.loss import class_weights

        weights = class_weights(self.class_weights, task, class_counts)
        return kind_of(task).losses(logits, labels, weights, self.label_smoothing, self.focal_gamma)

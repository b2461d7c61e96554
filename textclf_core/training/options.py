"""The options that trainers of an encoder share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from textclf_core.types.option import Option
from textclf_core.types.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class EncoderTraining(Recipe):
    """The recipe, and how an encoder is trained by it. A trainer inherits it, so these are its options."""

    micro_batch_size: Annotated[
        int | None,
        Option(
            "Examples computed at once; the gradient is still that of the whole batch. Less takes less memory.", ge=1
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
            "What a row's loss is weighted with, by its label: a number for each label, in the labels' order, or "
            "balanced, which makes the labels count alike however many rows they have. Where a text may have several, "
            "the weight of having a label; not to have it weighs 1, and balanced makes the two count alike."
        ),
    ] = None
    label_smoothing: Annotated[
        float,
        Option(
            "Share of a row's label that is spread evenly over the labels; of several, over yes and no.", ge=0, lt=1
        ),
    ] = 0.0
    focal_gamma: Annotated[
        float, Option("Focal loss: how much less rows count that are right already; 2 is usual, 0 is off.", ge=0)
    ] = 0.0
    checkpoints: Annotated[int, Option("How many epochs' checkpoints to keep, the last ones; 0 writes none.", ge=0)] = 2

    def __post_init__(self) -> None:
        if isinstance(self.class_weights, tuple) and min(self.class_weights, default=0) <= 0:
            raise ValueError(f"class_weights={self.class_weights}: each must be more than 0.")
        if self.sampling == "balanced" and self.class_weights is not None:
            raise ValueError("sampling=balanced and class_weights balance the labels twice; choose one of them")

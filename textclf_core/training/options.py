"""The options that trainers of an encoder share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from textclf_core.options import Option
from textclf_core.recipe import Recipe


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
    checkpoints: Annotated[int, Option("How many epochs' checkpoints to keep, the last ones; 0 writes none.", ge=0)] = 2

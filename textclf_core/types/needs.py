"""What a plugin needs of a run beside its hooks' arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NeededModel = Literal["whole", "headless", "none"]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a plugin needs of a run, said in its class; a plugin that needs nothing of it says nothing.

    >>> class Finetune(EncoderTraining):
    ...     needs: ClassVar[Needs] = Needs(model="whole", phases=True)

    Attributes:
        model: of a trainer, what it gets as ``encoder``: the model with its classification head (``"whole"``), without
            it (``"headless"``), or no model (``"none"``); then a model or strategy chosen beside it is refused.
        phases: of a trainer, whether it takes ``plan`` and carries it out: phases, learning rates by parameter, what
            plugins decide between epochs. Beside a trainer that doesn't, plugins that plan these are refused.
        gradient_norms: of a strategy, whether ``textclf_interval_finished`` takes ``gradient_norms``, which cost memory
            and time to measure.
    """

    model: NeededModel = "none"
    phases: bool = False
    gradient_norms: bool = False

"""A linear probe, then fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_core.types.phases import Phase

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class LinearProbeThenFinetune:
    """Train only the head first, then all parameters that the other strategies leave trainable (LP-FT).

    Kumar, Raghunathan, Jones, Ma and Liang, "Fine-Tuning can Distort Pretrained Features and Underperform
    Out-of-Distribution", ICLR 2022: a head that already fits distorts the features less. The probe's epochs come before
    the recipe's and cost little, since the encoder's output is computed once.
    """

    probe_epochs: Annotated[
        int, Option("Number of epochs that train only the head, before the recipe's epochs.", ge=1)
    ] = 5
    probe_learning_rate: Annotated[float, Option("Peak learning rate of the probe.", gt=0)] = 1e-3

    @hookimpl
    def textclf_plan(self, encoder: Encoder, recipe: Recipe) -> list[Phase]:
        """Plan two phases, each with its own schedule of the learning rate."""
        body = tuple(name for name in encoder.trainable_names() if encoder.part_of(name) != "head")
        if not body:
            raise UsageError(
                "linear-probe-then-finetune: the other strategies freeze everything except the head, so there is "
                "nothing to fine-tune after the probe; leave them or linear-probe-then-finetune out."
            )
        probe = Phase(epochs=self.probe_epochs, freeze=body, learning_rate=self.probe_learning_rate)
        return [probe, Phase(epochs=recipe.epochs)]

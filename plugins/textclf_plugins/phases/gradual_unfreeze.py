"""Gradual unfreezing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_core.types.phases import Phase
from textclf_plugins.phases.depths import trainable_below, training_depths

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class GradualUnfreeze:
    """Train the head and the pooler first, then in each epoch some blocks more, from the output back to the input.

    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT), ACL 2018, section 3.3.
    The embeddings thaw last. All epochs are those of the recipe, under one schedule of the learning rate. Beside
    freeze-first-n and its like, what they freeze stays frozen.
    """

    blocks: Annotated[
        int | None,
        Option(
            "How many blocks more train in each epoch, 1 in the paper; if not set, as many as it takes for everything "
            "to train in the last epoch.",
            ge=1,
        ),
    ] = None

    @hookimpl
    def textclf_plan(self, encoder: Encoder, recipe: Recipe) -> list[Phase]:
        """Give a phase an epoch, until everything trains."""
        depths = training_depths(encoder, plugin="gradual-unfreeze", why="there is nothing to unfreeze")
        if recipe.epochs < 2:
            raise UsageError(
                "gradual-unfreeze: it unfreezes between epochs, so it takes 2 of them at least; there is "
                f"{recipe.epochs}. Set the trainer's option epochs."
            )
        step = self.blocks or -(-len(depths) // (recipe.epochs - 1))
        phases: list[Phase] = []
        for epoch in range(recipe.epochs):
            frozen = depths[: max(0, len(depths) - epoch * step)]
            if not frozen:
                return [*phases, Phase(epochs=recipe.epochs - epoch)]
            phases.append(Phase(epochs=1, freeze=trainable_below(encoder, frozen[-1] + 1)))
        return phases

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
    """Train the head and the pooler first, then in each epoch more blocks, from the output to the input.

    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT), ACL 2018, section 3.3.
    The embeddings are unfrozen last. The number of epochs is the recipe's, with one schedule of the learning rate for
    all of them. With a strategy such as freeze-first-n, the blocks that it freezes stay frozen.
    """

    blocks: Annotated[
        int | None,
        Option(
            "Number of blocks to unfreeze per epoch, 1 in the paper. Default: as many as needed for everything to "
            "train in the last epoch.",
            ge=1,
        ),
    ] = None

    @hookimpl
    def textclf_plan(self, encoder: Encoder, recipe: Recipe) -> list[Phase]:
        """Plan one phase per epoch until everything trains, and one phase for the remaining epochs."""
        depths = training_depths(encoder, plugin="gradual-unfreeze", why="there is nothing to unfreeze")
        if recipe.epochs < 2:
            raise UsageError(
                f"gradual-unfreeze: unfreezes between epochs, so it needs at least 2 epochs, but there is "
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

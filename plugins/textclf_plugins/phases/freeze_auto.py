"""AutoFreeze: blocks that have settled are frozen as training goes on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.options import Option
from textclf_core.training.phases import Change, FinishedEpoch, Phase
from textclf_plugins.phases.depths import trainable_below, training_depths

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.recipe import Recipe

logger = logging.getLogger("textclf")


@dataclass(frozen=True, kw_only=True)
class FreezeAuto:
    """After each epoch, freeze the first blocks whose gradients change the least.

    Liu, Agarwal and Venkataraman, "AutoFreeze: Automatically Freezing Model Blocks to Accelerate Fine-tuning",
    arXiv:2102.01386, 2021. The gradients of each block are summed over the first and over the second half of an epoch;
    the change of a block is that of the sums' 1-norms, as a share of the first. From the input on, blocks are frozen up
    to the first whose change reaches a percentile of those that still train, and the embeddings with them. What is
    frozen is computed once more and read from the cache in the epochs that follow. The paper decides five times an
    epoch, this once: at its end.
    """

    percentile: Annotated[
        float, Option("Of the blocks' changes: the first block that reaches it goes on training.", ge=0, le=100)
    ] = 50.0

    @hookimpl
    def textclf_plan(self, encoder: Encoder, recipe: Recipe) -> list[Phase]:
        """Plan one phase: what trains when is decided by the gradients alone, and by no other plan."""
        depths = training_depths(encoder, plugin="freeze-auto", why="there is nothing to freeze")
        if len([depth for depth in depths if depth > 0]) < 2:
            raise UsageError(
                f"freeze-auto: it compares blocks, but {encoder.checkpoint} has no two that train and share no "
                "parameters; leave freeze-auto out."
            )
        if recipe.epochs < 2:
            raise UsageError(
                "freeze-auto: it freezes between epochs, so it takes 2 of them at least; there is "
                f"{recipe.epochs}. Set the trainer's option epochs."
            )
        return [Phase(epochs=recipe.epochs)]

    @hookimpl
    def textclf_epoch_finished(
        self, encoder: Encoder, epochs: Sequence[FinishedEpoch], gradient_norms: Sequence[Mapping[int, float]]
    ) -> Change | None:
        """Freeze up to the first block whose gradients change much."""
        import numpy as np

        if not gradient_norms:
            return None
        before, after = gradient_norms
        changes = {depth: abs(after[depth] - norm) / norm if norm else 0.0 for depth, norm in sorted(before.items())}
        threshold = np.percentile(list(changes.values()), self.percentile)
        first = next(depth for depth, change in changes.items() if change >= threshold)
        names = trainable_below(encoder, first) if first > min(changes) else ()
        if not names:
            return None
        count = max(encoder.depth_of(name) for name in names)
        logger.info(
            "freeze-auto: after epoch %d, the embeddings and the first %s are frozen.",
            epochs[-1].number,
            "block" if count == 1 else f"{count} blocks",
        )
        return Change(freeze=names)

"""AutoFreeze: blocks with stable gradients are frozen during training."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option
from textclf_core.types.phases import Phase
from textclf_plugins.phases.depths import trainable_below, training_depths

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.recipe import Recipe

logger = logging.getLogger("textclf")


@dataclass(frozen=True, kw_only=True)
class FreezeAuto:
    """Several times per epoch, freeze the first blocks whose gradients change the least.

    Liu, Agarwal and Venkataraman, "AutoFreeze: Automatically Freezing Model Blocks to Accelerate Fine-tuning",
    arXiv:2102.01386, 2021. The gradients of each block are summed over an interval; the change of a block is the
    relative change of the sum's 1-norm since the previous interval. The embeddings and the first blocks are frozen, up
    to the first block whose change reaches a percentile of the trainable blocks' changes. Then the output of the frozen
    blocks is computed once and cached.
    """

    needs: ClassVar[Needs] = Needs(gradient_norms=True)

    percentile: Annotated[
        float,
        Option(
            "Freeze the blocks before the first whose gradient change reaches this percentile of all blocks' changes; "
            "a higher percentile freezes more.",
            ge=0,
            le=100,
        ),
    ] = 50.0
    intervals: Annotated[int, Option("Number of intervals per epoch; after each, more blocks may be frozen.", ge=1)] = 5

    @hookimpl
    def textclf_plan(self, encoder: Encoder, recipe: Recipe) -> list[Phase]:
        """Plan a single phase, with a decision after each interval."""
        depths = training_depths(encoder, plugin="freeze-auto", why="there is nothing to freeze")
        if len([depth for depth in depths if depth > 0]) < 2:
            raise UsageError(
                f"freeze-auto: needs two trainable blocks that share no parameters, which {encoder.checkpoint} doesn't "
                "have; leave freeze-auto out."
            )
        if recipe.epochs * self.intervals < 3:
            raise UsageError(
                f"freeze-auto: needs at least three intervals, two to compare and one to train after freezing, but "
                f"training has {recipe.epochs * self.intervals}. Set the option intervals, or the trainer's option "
                "epochs."
            )
        return [Phase(epochs=recipe.epochs, intervals=self.intervals)]

    @hookimpl
    def textclf_interval_finished(
        self, encoder: Encoder, gradient_norms: Sequence[Mapping[int, float]]
    ) -> tuple[str, ...]:
        """Freeze the blocks before the first one whose change reaches the percentile."""
        import numpy as np

        if len(gradient_norms) < 2:
            return ()
        before, after = gradient_norms[-2:]
        changes = {depth: _change(before[depth], norm) for depth, norm in sorted(after.items())}
        threshold = np.percentile(list(changes.values()), self.percentile)
        first = next(depth for depth, change in changes.items() if change >= threshold)
        if first == min(changes):
            return ()
        count = first - 1
        logger.info(
            "freeze-auto: after %d intervals, the embeddings and the first %s are frozen.",
            len(gradient_norms),
            "block" if count == 1 else f"{count} blocks",
        )
        return trainable_below(encoder, first)


def _change(before: float, after: float) -> float:
    return abs(after - before) / before if before else 0.0

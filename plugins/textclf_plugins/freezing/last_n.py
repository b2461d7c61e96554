"""Freeze the last N encoder blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.freezing.block_count import block_count, check_count

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class FreezeLastN:
    """Freeze the last N encoder blocks, the counterpart of freeze-first-n.

    The embeddings, the blocks before them, the pooler and the head train. Comparing the two strategies separates the
    effect of the position of the frozen blocks from the effect of their number.
    """

    n: Annotated[
        int | float,
        Option(
            "Number of encoder blocks to freeze, from the output; below 1, a fraction of all blocks, rounded down.",
            ge=0,
        ),
    ] = 10

    def __post_init__(self) -> None:
        check_count(self.n)

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze the last n blocks."""
        count = block_count(self.n, encoder, plugin="freeze-last-n")
        encoder.freeze(blocks=range(encoder.num_blocks - count, encoder.num_blocks))

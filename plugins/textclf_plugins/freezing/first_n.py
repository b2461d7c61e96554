"""Freeze the embeddings and the first N encoder blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.freezing.block_count import block_count, check_count

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class FreezeFirstN:
    """Freeze the embeddings and the first N encoder blocks.

    The remaining blocks, the pooler and the head train. n=0 freezes only the embeddings; with embeddings=false the
    blocks are frozen and the embeddings train.
    """

    n: Annotated[
        int | float,
        Option(
            "Number of encoder blocks to freeze, from the input; below 1, a fraction of all blocks, rounded down.",
            ge=0,
        ),
    ] = 10
    embeddings: Annotated[bool, Option("Freeze the embeddings too.")] = True

    def __post_init__(self) -> None:
        check_count(self.n)

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze blocks 0 to n-1, and the embeddings."""
        count = block_count(self.n, encoder, plugin="freeze-first-n")
        encoder.freeze(embeddings=self.embeddings, blocks=range(count))

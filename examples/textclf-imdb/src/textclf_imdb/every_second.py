"""Freeze every second encoder block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, UsageError, hookimpl

if TYPE_CHECKING:
    from textclf_core import Encoder


@dataclass(frozen=True, kw_only=True)
class FreezeEverySecond:
    """Freeze the embeddings and every second encoder block.

    Half of the blocks train, as with freeze-first-n:n=0.5, but distributed from the input to the output. Comparing the
    two strategies shows whether the position of the trained blocks matters.
    """

    first: Annotated[int, Option("The first block to freeze, counted from 0 at the input.", ge=0)] = 0
    embeddings: Annotated[bool, Option("Freeze the embeddings too.")] = True

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze the blocks first, first+2, first+4 and so on, and the embeddings."""
        if self.first >= encoder.num_blocks:
            last = encoder.num_blocks - 1
            raise UsageError(
                f"freeze-every-second: first={self.first}, but the last block of {encoder.checkpoint} is {last}. "
                "Try: --plugin freeze-every-second:first=0"
            )
        encoder.freeze(embeddings=self.embeddings, blocks=range(self.first, encoder.num_blocks, 2))

"""A strategy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from textclf_core import Encoder, Option, hookimpl


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """Freeze the embeddings and every second encoder block."""

    first: Annotated[int, Option("The first block to freeze.", ge=0, le=1)] = 0

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze; what isn't frozen here trains."""
        encoder.freeze(embeddings=True, blocks=range(self.first, encoder.num_blocks, 2))

"""Freeze the embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class FreezeEmbeddings:
    """Freeze the embeddings and train everything else."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze the embeddings."""
        encoder.freeze(embeddings=True)

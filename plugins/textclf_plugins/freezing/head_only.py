"""The head alone: everything that the checkpoint brought is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class HeadOnly:
    """Freeze everything but the classification head, the pooler included."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze the body."""
        encoder.freeze(body=True)

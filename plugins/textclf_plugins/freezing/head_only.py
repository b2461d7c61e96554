"""Training of only the head: everything pretrained is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class HeadOnly:
    """Freeze everything except the classification head; the pooler is frozen too."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze the body."""
        encoder.freeze(body=True)

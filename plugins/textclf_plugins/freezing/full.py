"""Full fine-tuning: nothing is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class Full:
    """Train every parameter."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Leave everything training."""

"""Full fine-tuning: nothing is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class Full:
    """Train every parameter. A model that comes with frozen ones, and strategies that freeze, are refused beside it."""

    @hookimpl(trylast=True)  # so that what others freeze is known
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Leave everything training, and refuse what isn't."""
        _refuse_frozen(encoder, "are frozen")

    @hookimpl(trylast=True)
    def textclf_training_finished(self, encoder: Encoder) -> None:
        """Refuse what never trained: a strategy called later froze it, or training ended in an earlier phase."""
        _refuse_frozen(encoder, "never trained")


def _refuse_frozen(encoder: Encoder, what: str) -> None:
    frozen = encoder.frozen_names()
    if frozen:
        parts = ", ".join(dict.fromkeys(encoder.part_of(name) for name in frozen))
        raise UsageError(
            f"full: it trains every parameter, but {len(frozen)} {what} ({parts}). Leave out what freezes them, or "
            "train by another strategy than full."
        )

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
    """Train every parameter; if a strategy or the model freezes any, that is an error."""

    @hookimpl(trylast=True)  # after the other strategies have frozen their parts
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze nothing, and refuse an encoder with frozen parameters."""
        _refuse_frozen(encoder, "are frozen")

    @hookimpl(trylast=True)
    def textclf_training_finished(self, encoder: Encoder) -> None:
        """Refuse parameters that never trained, frozen by a later strategy or an unfinished plan of phases."""
        _refuse_frozen(encoder, "never trained")


def _refuse_frozen(encoder: Encoder, what: str) -> None:
    frozen = encoder.frozen_names()
    if frozen:
        parts = ", ".join(dict.fromkeys(encoder.part_of(name) for name in frozen))
        raise UsageError(
            f"full: trains every parameter, but {len(frozen)} {what} ({parts}). Leave out what freezes them, or use "
            "another strategy than full."
        )

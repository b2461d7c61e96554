"""The depths of an encoder's trainable parameters, for strategies by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


def training_depths(encoder: Encoder, *, plugin: str, why: str) -> list[int]:
    """Return the depths of the embeddings and blocks with trainable parameters, in ascending order.

    Raises:
        UsageError: there are none, as with ``head-only``; ``why`` is the reason in the message.
    """
    depths = sorted({encoder.depth_of(name) for name in encoder.trainable_names()} - {1 + encoder.num_blocks})
    if not depths:
        raise UsageError(
            f"{plugin}: the other strategies freeze the embeddings and all blocks of {encoder.checkpoint}, so {why}; "
            f"leave them or {plugin} out."
        )
    return depths


def trainable_below(encoder: Encoder, depth: int) -> tuple[str, ...]:
    """Return the names of the trainable parameters at lower depths than ``depth``."""
    return tuple(name for name in encoder.trainable_names() if encoder.depth_of(name) < depth)

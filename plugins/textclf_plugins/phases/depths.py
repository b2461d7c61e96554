"""Which depths of an encoder train, for strategies that go by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


def training_depths(encoder: Encoder, *, plugin: str, why: str) -> list[int]:
    """Return the depths of embeddings and blocks of which something trains, from the input up.

    Raises:
        UsageError: there are none, as beside ``head-only``; ``why`` says why ``plugin`` is of no use then.
    """
    depths = sorted({encoder.depth_of(name) for name in encoder.trainable_names()} - {1 + encoder.num_blocks})
    if not depths:
        raise UsageError(
            f"{plugin}: the other strategies freeze the embeddings and all blocks of {encoder.checkpoint}, so {why}; "
            f"leave them or {plugin} out."
        )
    return depths


def trainable_below(encoder: Encoder, depth: int) -> tuple[str, ...]:
    """Return the names of the parameters nearer to the input than a depth that train now."""
    return tuple(name for name in encoder.trainable_names() if encoder.depth_of(name) < depth)

"""Freezing all of the body but parameters of one kind."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from torch import nn

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


def norm_names(encoder: Encoder) -> frozenset[str]:
    """Return the names of the weights and biases of all normalisation layers."""
    return frozenset(
        f"{path}.{name}"
        for path, module in encoder.model.named_modules()
        if isinstance(module, nn.LayerNorm) or "norm" in type(module).__name__.lower()
        for name, _ in module.named_parameters(recurse=False)
    )


def train_only(encoder: Encoder, names: Collection[str], *, plugin: str, kind: str, needs: Collection[str]) -> None:
    """Freeze the body but for the parameters of these names; of those, what is frozen already stays so.

    Args:
        encoder: the encoder.
        names: what is left training.
        plugin: who asks, for the error.
        kind: what the names are, for the error.
        needs: one of these at least must train in the body, or the strategy would not be what it is called.

    Raises:
        UsageError: the body has none of them, or they are all frozen already.
    """
    body = [name for name, _ in encoder.model.named_parameters() if encoder.part_of(name) != "head"]
    needed = [name for name in body if name in needs]
    if not needed:
        raise UsageError(f"{plugin}: the body of {encoder.checkpoint} has no {kind} to train.")
    if not any(encoder.model.get_parameter(name).requires_grad for name in needed):
        raise UsageError(
            f"{plugin}: another strategy freezes every one of the {kind} of {encoder.checkpoint}, which are what "
            f"{plugin} trains; leave one of the two out."
        )
    encoder.freeze(names=[name for name in body if name not in names])

"""Freezing all of the body except parameters of one kind."""

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
    """Freeze the body except for the parameters of these names; those that are frozen already stay frozen.

    Args:
        encoder: the encoder.
        names: the parameters that stay trainable.
        plugin: the plugin's name, for the error.
        kind: what the parameters are called in the error.
        needs: parameters of which at least one must be trainable.

    Raises:
        UsageError: the body has no parameter of ``needs``, or all of them are frozen already.
    """
    body = [name for name, _ in encoder.model.named_parameters() if encoder.part_of(name) != "head"]
    needed = [name for name in body if name in needs]
    if not needed:
        raise UsageError(f"{plugin}: the body of {encoder.checkpoint} has no {kind} to train.")
    if not any(encoder.model.get_parameter(name).requires_grad for name in needed):
        raise UsageError(
            f"{plugin}: trains the {kind} of {encoder.checkpoint}, but another strategy freezes all of them; leave one "
            "of the two out."
        )
    encoder.freeze(names=[name for name in body if name not in names])

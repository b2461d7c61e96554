"""The norms and the head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class LayerNormOnly:
    """Train the weights and biases of the norms, and the head; freeze everything else.

    ValizadehAslani and Liang, "LayerNorm: A key component in parameter-efficient fine-tuning", arXiv:2403.20284, 2024.
    It needs a higher learning rate than full fine-tuning, about 1e-3. With a strategy such as freeze-first-n, the norms
    of the frozen blocks stay frozen.
    """

    @hookimpl(trylast=True)  # after the other strategies have frozen their parts
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze all parameters of the body except those of norms."""
        from textclf_plugins.freezing.only import norm_names, train_only

        norms = norm_names(encoder)
        weights = {name for name in norms if name.endswith("weight")}
        train_only(encoder, norms, plugin="layernorm-only", kind="norm weights", needs=weights)

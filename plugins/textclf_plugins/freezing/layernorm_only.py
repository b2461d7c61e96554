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
    It wants a higher learning rate than full fine-tuning, about 1e-3. Beside freeze-first-n and its like, the norms of
    the frozen blocks are frozen too.
    """

    @hookimpl(trylast=True)  # so that what others freeze is known
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze all of the body that isn't in a norm."""
        from textclf_plugins.freezing.only import norm_names, train_only

        norms = norm_names(encoder)
        weights = {name for name in norms if name.endswith("weight")}
        train_only(encoder, norms, plugin="layernorm-only", kind="norm weights", needs=weights)

"""BitFit: the biases and the head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class BitFit:
    """Train the biases and the head; freeze every weight of the body.

    Ben Zaken, Goldberg and Ravfogel, "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked
    Language-models", ACL 2022. It needs a higher learning rate than full fine-tuning: the paper uses 1e-4 to 1e-3.
    With a strategy such as freeze-first-n, the biases of the frozen blocks stay frozen.
    """

    @hookimpl(trylast=True)  # after the other strategies have frozen their parts
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze all parameters of the body except biases."""
        from textclf_plugins.freezing.only import norm_names, train_only

        biases = {name for name, _ in encoder.model.named_parameters() if name.endswith("bias")}
        train_only(encoder, biases, plugin="bitfit", kind="biases outside norms", needs=biases - norm_names(encoder))

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
    Language-models", ACL 2022. It wants a higher learning rate than full fine-tuning: the paper's are 1e-4 to 1e-3.
    Beside freeze-first-n and its like, the biases of the frozen blocks are frozen too.
    """

    @hookimpl(trylast=True)  # so that what others freeze is known
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze all of the body that isn't a bias."""
        from textclf_plugins.freezing.only import norm_names, train_only

        biases = {name for name, _ in encoder.model.named_parameters() if name.endswith("bias")}
        train_only(encoder, biases, plugin="bitfit", kind="biases outside norms", needs=biases - norm_names(encoder))

"""BERT base, cased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class BertBaseCased:
    """BERT base, cased: 12 blocks of width 768, 108 M parameters, from the hub or its local cache."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        """Return BERT with a fresh head."""
        from textclf_plugins.models.checkpoints import load_encoder

        return load_encoder("bert-base-cased", task)

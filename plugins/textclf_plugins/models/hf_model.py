"""Encoders of the Hugging Face hub, or from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class HfModel:
    """An encoder from the Hugging Face hub (its local cache is tried first) or from a folder.

    Code of the checkpoint is never run. Weights are loaded as float32. A classification head of the checkpoint is
    replaced by a new one.
    """

    checkpoint: Annotated[
        str, Option("A name on the hub, owner/name or owner/name@revision; or the folder of a model and tokenizer.")
    ]

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        """Return the checkpoint with a fresh head."""
        from textclf_plugins.models.checkpoints import load_encoder, name_and_revision

        name, revision = name_and_revision(self.checkpoint)
        return load_encoder(name, task, revision)

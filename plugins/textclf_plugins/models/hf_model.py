"""Encoders of the Hugging Face hub, or from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.needs import NeededModel
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class HfModel:
    """An encoder from the Hugging Face hub (its local cache is tried first) or from a folder.

    The folder may be that of a run (its model is taken), of a model with its tokenizer, of a sentence-transformers
    model (its transformer is taken), or of a peft adapter (which is merged into the model that it names; this needs the
    extra lora). Code of the checkpoint is never run. Weights are loaded as float32. Any family that transformers has as
    a classifier can be trained as a whole, or its head alone; where its blocks can't be identified, strategies that
    need them say so.
    """

    checkpoint: Annotated[
        str, Option("A name on the hub, owner/name or owner/name@revision; or a folder: a run, a model, an adapter.")
    ]
    head: Annotated[
        Literal["new", "keep"],
        Option(
            "The classification head: a new, untrained one; or keep the checkpoint's own, to train a classifier "
            "further. Its labels must be those of the data, in any order."
        ),
    ] = "new"

    @hookimpl
    def textclf_check_options(self, model_needed: NeededModel) -> None:
        """Refuse a checkpoint whose files, tokenizer or family can't be used, and a head that would be dropped."""
        from textclf_plugins.models.checkpoints import check_checkpoint

        if self.head == "keep" and model_needed == "headless":
            raise UsageError(
                "head=keep would have no effect, since the trainer brings its own head; leave it out, or choose a "
                "trainer that trains the model's."
            )
        check_checkpoint(self.checkpoint)

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        """Return the checkpoint with a new head, or with its own."""
        from textclf_plugins.models.checkpoints import load_encoder, name_and_revision

        name, revision = name_and_revision(self.checkpoint)
        return load_encoder(name, task, revision, keep_head=self.head == "keep")

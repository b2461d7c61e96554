"""Encoders of the Hugging Face hub, or from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
        Literal["new", "keep", "linear", "mlp"],
        Option(
            "The classification head: new, untrained, as the family has it; keep the checkpoint's own, to train a "
            "classifier further, whose labels must be those of the data, in any order; linear or mlp after pooling."
        ),
    ] = "new"
    pooling: Annotated[
        Literal["mean", "first", "max", "attention"] | None,
        Option(
            "How the last hidden states become one vector per text; as the family's own head does it, if not given. "
            "attention is a weighted mean by a learned score. The head is then linear or mlp."
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.pooling is None and self.head in ("linear", "mlp"):
            raise ValueError(f"head={self.head} needs pooling=mean, first, max or attention.")
        if self.pooling is not None and self.head == "keep":
            raise ValueError("head=keep keeps the checkpoint's own head and its pooling; leave pooling out.")

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
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse pooling where each word has a label."""
        if self.pooling is None:
            return None
        from textclf_core.tasks import check_kind

        does = f"pooling={self.pooling} makes one vector of a text"
        return check_kind(task, "single-label", "multi-label", does=does)

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        """Return the checkpoint with a new head, or with its own."""
        from textclf_plugins.models.checkpoints import load_encoder, name_and_revision

        name, revision = name_and_revision(self.checkpoint)
        encoder = load_encoder(name, task, revision, keep_head=self.head == "keep")
        if self.pooling is None:
            return encoder
        from textclf_plugins.models.pooled import with_pooling

        return with_pooling(encoder, task, self.pooling, "mlp" if self.head == "mlp" else "linear")

    @hookimpl
    def textclf_load_model(self, directory: Path, task: Task) -> Encoder | None:
        """Load a saved model with pooling; any other is a plain model of its family."""
        import json

        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        if "textclf_pooling" not in config:
            return None
        from textclf_plugins.models.pooled import load_pooled

        return load_pooled(directory, task)

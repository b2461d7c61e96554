"""A model with a head of its own, which is loaded again by the plugin that built it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from textclf_core import Encoder, Option, Task, hookimpl


@dataclass(frozen=True, kw_only=True)
class MeanAndMax:
    """A checkpoint with a head on the mean and the maximum of its last hidden states."""

    checkpoint: Annotated[str, Option("A folder with a model and its tokenizer, or a name on the hub.")]

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Support labels of whole texts."""
        return "it makes one vector of a text, and here each word has a label" if task.kind == "tokens" else None

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        """Return the model; its head depends on the seed alone, which the core has set."""
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        from textclf_imdb.mean_and_max_model import MeanAndMaxClassifier

        config = AutoConfig.from_pretrained(
            self.checkpoint,
            id2label=dict(enumerate(task.label_names)),
            label2id={name: id for id, name in enumerate(task.label_names)},
        )
        model = MeanAndMaxClassifier(config).train(mode=False)
        body: Any = AutoModel.from_pretrained(self.checkpoint)
        model.body.load_state_dict({name: own for name, own in body.state_dict().items() if "pooler" not in name})
        return Encoder(model, AutoTokenizer.from_pretrained(self.checkpoint), self.checkpoint)

    @hookimpl
    def textclf_load_model(self, directory: Path, task: Task) -> Encoder:
        """Load what ``save_pretrained`` wrote; parameters that don't match are refused."""
        from textclf_core import load_saved
        from textclf_imdb.mean_and_max_model import MeanAndMaxClassifier

        return load_saved(directory, task, "cpu", model=MeanAndMaxClassifier)

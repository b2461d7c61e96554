"""A model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from textclf_core import Encoder, Option, Task, hookimpl


def _with_fresh_head(task: Task, config: Any) -> Any:
    from textclf_core.encoder.heads import model_class, problem_type

    config.id2label = dict(enumerate(task.label_names))
    config.label2id = {name: number for number, name in enumerate(task.label_names)}
    config.problem_type = problem_type(task)
    return model_class(task).from_config(config)


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """The body of a checkpoint in a folder, with a fresh head."""

    checkpoint: Annotated[str, Option("The folder with the model and its tokenizer.")]

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        """Return the encoder; its head depends on the seed alone, which the core has set."""
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        model = _with_fresh_head(task, AutoConfig.from_pretrained(self.checkpoint))
        body: Any = AutoModel.from_pretrained(self.checkpoint)
        model.base_model.load_state_dict(body.state_dict(), strict=False)
        return Encoder(model, AutoTokenizer.from_pretrained(self.checkpoint), self.checkpoint)

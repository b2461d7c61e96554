"""A body with a pooling of its tokens and a classification head of its own."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from textclf_core.encoder import Encoder
from textclf_core.encoder.heads import problem_type
from textclf_core.encoder.pooling import pool
from textclf_core.encoder.saved import load_saved
from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.types.task import Task

Pooling = Literal["mean", "first", "max", "attention"]
Head = Literal["linear", "mlp"]


class PooledClassifier(PreTrainedModel):
    """A body whose last hidden states are pooled to one vector per text, which a head classifies.

    Args:
        config: the body's, with ``textclf_pooling`` and ``textclf_head``.
        body: the body; a new one with random weights if not given.
    """

    base_model_prefix = "body"
    _supports_sdpa = True
    _supports_attention_backend = True

    def __init__(self, config: PreTrainedConfig, body: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        from_config: Any = AutoModel.from_config
        self.body: Any = from_config(config) if body is None else body
        if getattr(self.body, "pooler", None) is not None:
            self.body.pooler = None  # it would train without effect
        width = int(config.hidden_size or 0)
        self.pooling = _PoolBy(config.textclf_pooling, width)
        rate = _dropout_rate(config)
        layers: list[nn.Module] = [nn.Dropout(rate)]
        if config.textclf_head == "mlp":
            layers += [nn.Linear(width, width), nn.GELU(), nn.Dropout(rate)]
        self.head = nn.Sequential(*layers, nn.Linear(width, int(config.num_labels or 0)))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **inputs: Tensor) -> SequenceClassifierOutput:
        """Return the logits, float, shape (batch, labels).

        Args:
            input_ids: int64, shape (batch, tokens).
            attention_mask: 1 for a token, 0 for padding, int64, shape (batch, tokens).
            inputs: other inputs of the body.
        """
        hidden = self.body(input_ids=input_ids, attention_mask=attention_mask, **inputs).last_hidden_state
        return SequenceClassifierOutput(logits=self.head(self.pooling(hidden, attention_mask)))

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=getattr(self.config, "initializer_range", 0.02))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class _PoolBy(nn.Module):
    """Pool hidden states, (rows, tokens, width), to one vector per row, (rows, width); padding doesn't count."""

    def __init__(self, kind: Pooling, width: int) -> None:
        super().__init__()
        self.kind = kind
        if kind == "attention":
            self.score = nn.Linear(width, 1, bias=False)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        if self.kind == "mean":
            return pool(hidden, mask, "mean")
        if self.kind == "first":
            return pool(hidden, mask, "first-token")
        ignored = (mask == 0).unsqueeze(-1)
        lowest = torch.finfo(hidden.dtype).min
        if self.kind == "max":
            return hidden.masked_fill(ignored, lowest).amax(1)
        weights: Tensor = self.score(hidden).masked_fill(ignored, lowest).softmax(1)
        return (weights * hidden).sum(1)


def with_pooling(encoder: Encoder, task: Task, pooling: Pooling, head: Head) -> Encoder:
    """Return an encoder whose body is that of ``encoder``, with a new head, initialised by torch's generator.

    Args:
        encoder: a model of a family without a decoder.
        task: the number and the names of the labels.
        pooling: how the tokens become one vector: their mean, the first one, the largest value in each dimension, or
            a weighted mean by a learned score of each token.
        head: ``linear``, one layer; or ``mlp``, two with a GELU between them.

    Raises:
        UsageError: the model has a decoder.
    """
    body: Any = encoder.model.base_model
    if getattr(body.config, "is_encoder_decoder", False):
        raise UsageError(
            f"pooling={pooling} needs a model without a decoder, but {encoder.checkpoint} is of the family "
            f"{encoder.family!r}. Leave pooling out."
        )
    config = copy.deepcopy(body.config)
    config.textclf_pooling, config.textclf_head = pooling, head
    config.id2label = dict(enumerate(task.label_names))
    config.label2id = {name: id for id, name in enumerate(task.label_names)}
    config.problem_type = problem_type(task)
    model = PooledClassifier(config, body).train(mode=False)
    return Encoder(model, encoder.tokenizer, encoder.checkpoint, encoder.revision)


def load_pooled(directory: Path, task: Task) -> Encoder:
    """Load a saved :class:`PooledClassifier` and its tokenizer.

    Raises:
        UsageError: its parameters don't match.
    """
    return load_saved(directory, task, "cpu", model=PooledClassifier)


def _dropout_rate(config: PreTrainedConfig) -> float:
    """Return the rate before a head, by the name that the family has for it."""
    names = ("classifier_dropout", "seq_classif_dropout", "hidden_dropout_prob", "dropout", "embedding_dropout")
    rates = (getattr(config, name, None) for name in names)
    return next((float(rate) for rate in rates if rate is not None), 0.1)

"""The model of ``mean-and-max``, in a module of its own, since it imports torch: plugins are listed without it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class MeanAndMaxClassifier(PreTrainedModel):
    """A linear head on the mean and the maximum of the last hidden states, without padding.

    It is made from the configuration alone, so that ``from_pretrained`` can make it again.
    """

    base_model_prefix = "body"
    _supports_sdpa = True

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        from_config: Any = AutoModel.from_config
        self.body: Any = from_config(config)
        if getattr(self.body, "pooler", None) is not None:
            self.body.pooler = None  # it would train without effect
        self.head = nn.Linear(2 * int(config.hidden_size or 0), int(config.num_labels or 0))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **inputs: Tensor) -> SequenceClassifierOutput:
        """Return the logits, float, shape (batch, labels)."""
        hidden: Tensor = self.body(input_ids=input_ids, attention_mask=attention_mask, **inputs).last_hidden_state
        padding = (attention_mask == 0).unsqueeze(-1)
        mean = hidden.masked_fill(padding, 0).sum(1) / attention_mask.sum(1, keepdim=True)
        most = hidden.masked_fill(padding, torch.finfo(hidden.dtype).min).amax(1)
        return SequenceClassifierOutput(logits=self.head(torch.cat([mean, most], dim=-1)))

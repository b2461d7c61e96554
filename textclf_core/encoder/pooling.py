"""Pooling of a body's last hidden states to one vector per text."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Pooling = Literal["mean", "first-token"]
"""The mean over all tokens, special tokens included, without padding; or the first token (``[CLS]``)."""


def pool(hidden: Tensor, attention_mask: Tensor, pooling: Pooling) -> Tensor:
    """Return one vector per row, float, shape (rows, width).

    Args:
        hidden: a body's last hidden states, float, shape (rows, tokens, width).
        attention_mask: 1 for a token, 0 for padding, shape (rows, tokens).
        pooling: how the tokens are pooled.
    """
    if pooling == "first-token":
        first = attention_mask.argmax(1)  # not 0 where padding is on the left
        return hidden[torch.arange(len(hidden), device=hidden.device), first]
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1)

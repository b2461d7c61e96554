"""The last block for the first token alone, where the head reads no other.

A head that reads the first token needs, in the last block, keys and values of all tokens, but query, attention output
and feed-forward of one. Per sequence of L tokens and width d that is 4·L·d² FLOPs of 24·L·d².
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class PostNormBlock:
    """Where the parts of a block are that normalises after each of its two sums: dotted paths inside the block."""

    query: str
    key: str
    value: str
    attention_dropout: str
    out: str
    out_dropout: str | None
    out_norm: str
    up: str
    activation: str
    down: str
    down_dropout: str
    down_norm: str

    has_position_bias: bool = False
    """Whether it takes relative positions as its third argument, and returns a tuple, as MPNet's does."""


_BERT = PostNormBlock(
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    attention_dropout="attention.self.dropout",
    out="attention.output.dense",
    out_dropout="attention.output.dropout",
    out_norm="attention.output.LayerNorm",
    up="intermediate.dense",
    activation="intermediate.intermediate_act_fn",
    down="output.dense",
    down_dropout="output.dropout",
    down_norm="output.LayerNorm",
)
FIRST_TOKEN_BLOCKS = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "electra": _BERT,
    "distilbert": PostNormBlock(
        query="attention.q_lin",
        key="attention.k_lin",
        value="attention.v_lin",
        attention_dropout="attention.dropout",
        out="attention.out_lin",
        out_dropout=None,
        out_norm="sa_layer_norm",
        up="ffn.lin1",
        activation="ffn.activation",
        down="ffn.lin2",
        down_dropout="ffn.dropout",
        down_norm="output_layer_norm",
    ),
    "mpnet": PostNormBlock(
        query="attention.attn.q",
        key="attention.attn.k",
        value="attention.attn.v",
        attention_dropout="attention.attn.dropout",
        out="attention.attn.o",
        out_dropout="attention.dropout",
        out_norm="attention.LayerNorm",
        up="intermediate.dense",
        activation="intermediate.intermediate_act_fn",
        down="output.dense",
        down_dropout="output.dropout",
        down_norm="output.LayerNorm",
        has_position_bias=True,
    ),
}
"""The families whose last block can be computed for one row; ALBERT's blocks share parameters, so it isn't one."""


@contextmanager
def last_block_for_first_token(block: nn.Module, paths: PostNormBlock, heads: int) -> Iterator[None]:
    """Make ``block`` return only the first token's hidden state, float, shape (batch, 1, width), while the block runs.

    With :class:`~textclf_core.encoder.dropout.KeyedDropout` on a CPU, the first token's dropout is the same as among
    all tokens, so a seed gives the same training with and without this.
    """
    vars(block)["forward"] = MethodType(_Forward(paths, heads), block)
    try:
        yield
    finally:
        del vars(block)["forward"]


def is_first_token_forward(method: object) -> bool:
    """Return whether a method was set by :func:`last_block_for_first_token`."""
    return isinstance(method, MethodType) and isinstance(method.__func__, _Forward)


@dataclass(frozen=True)
class _Forward:
    paths: PostNormBlock
    heads: int

    def __call__(
        self,
        block: nn.Module,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        third: Tensor | None = None,
        *_: Any,
        **kwargs: Any,
    ) -> Any:
        paths = self.paths

        def at(path: str) -> Any:
            return attrgetter(path)(block)

        bias = (third if third is not None else kwargs.get("position_bias")) if paths.has_position_bias else None
        first = hidden_states[:, :1]
        query = self._split(at(paths.query)(first))
        key, value = self._split(at(paths.key)(hidden_states)), self._split(at(paths.value)(hidden_states))
        dropout = at(paths.attention_dropout)
        context = _attend(query, key, value, _first_row(attention_mask), _first_row(bias), dropout)
        context = context.transpose(1, 2).flatten(2)
        attended = at(paths.out)(context)
        if paths.out_dropout:
            attended = at(paths.out_dropout)(attended)
        attended = at(paths.out_norm)(attended + first)
        forwarded = at(paths.down)(at(paths.activation)(at(paths.up)(attended)))
        forwarded = at(paths.down_dropout)(forwarded)
        result = at(paths.down_norm)(forwarded + attended)
        return (result,) if paths.has_position_bias else result

    def _split(self, projected: Tensor) -> Tensor:
        """Return a projection divided into heads, shape (batch, heads, tokens, width of a head)."""
        return projected.view(*projected.shape[:2], self.heads, -1).transpose(1, 2)


def _attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, bias: Tensor | None, dropout: nn.Dropout
) -> Tensor:
    """Return the attention output of the first token, shape (batch, heads, 1, width of a head).

    It is computed by sums instead of matrix products: a product of one row rounds differently by memory alignment, so
    a row's bits would depend on the thread that computes it.
    """
    scores = (query * key).sum(-1).unsqueeze(2) * key.shape[-1] ** -0.5
    if mask is not None and mask.dtype == torch.bool:  # True where attention is paid
        scores = scores.masked_fill(~mask, float("-inf"))
    elif mask is not None:
        scores = scores + mask
    weights: Tensor = dropout((scores if bias is None else scores + bias).softmax(-1))
    return (weights.transpose(-1, -2) * value).sum(-2, keepdim=True)


def _first_row(mask: Tensor | None) -> Tensor | None:
    """Return the first token's part of a mask or bias, shape (batch or 1, heads or 1, tokens or 1, tokens)."""
    return None if mask is None else mask[..., :1, :]

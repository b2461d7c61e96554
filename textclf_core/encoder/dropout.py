"""Dropout from a counter-based generator: a mask doesn't depend on earlier draws.

On a CPU a mask comes from Philox (Salmon and others, SC 2011), a counter-based generator. Its key is a hash of the
seed, the step, the module's name and how often that module was called in the step. So a repeated step has the
same masks, and checkpoints need no generator state.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from textclf_core.encoder.families import FAMILIES

Drop = Callable[[nn.Module, Tensor, float], Tensor]
"""Applies a module's dropout to a tensor at a rate, and scales the remaining values."""

# A value is kept if 16 random bits, as a number, are below (1 - rate) * 2**16.
_LEVELS = 2**16


class KeyedDropout:
    """The dropout of a model in training, determined by seed, step, process and micro-batch.

    Modules other than ``nn.Dropout`` and the attention of known families draw from torch's generators, which are seeded
    with the same key; on a GPU all modules do.
    """

    def __init__(self, model: PreTrainedModel, seed: int) -> None:
        self._model, self._seed = model, seed
        self._on_cpu = model.device.type == "cpu"
        self._names = {module: name for name, module in model.named_modules()}
        self._dropouts = [module for module in self._names if type(module) is nn.Dropout]

    @contextmanager
    def drawing(self, step: int, process: int = 0, micro_batch: int = 0) -> Iterator[None]:
        """Use the masks of a step, process and micro-batch in forward passes while the block runs."""
        key = _hash(self._seed, step, process, micro_batch) % 2**63
        if not self._on_cpu:
            torch.manual_seed(key)
            yield
            return
        # torch.manual_seed seeds every device's generator, which takes a tenth of a small step.
        torch.default_generator.manual_seed(key)
        masks = DropoutMasks(self._seed, step, process, micro_batch)

        def drop(module: nn.Module, values: Tensor, rate: float) -> Tensor:
            return values * masks.draw(self._names[module], values.shape, rate).to(values.dtype)

        with replaced_dropout(self._model, drop, self._dropouts):
            yield


class DropoutMasks:
    """The dropout masks of one forward pass, determined by seed, step, process and micro-batch."""

    def __init__(self, seed: int, step: int, process: int = 0, micro_batch: int = 0) -> None:
        self._key = (seed, step, process, micro_batch)
        self._calls: Counter[str] = Counter()

    def draw(self, name: str, shape: Sequence[int], rate: float) -> Tensor:
        """Return a dropout mask, float32: 0 with the probability ``rate``, else about 1 / (1 - rate).

        It is drawn token by token, so the first token's part doesn't depend on the number of tokens.

        Args:
            name: the name of the module; each call with a name returns another mask.
            shape: that of hidden states, (rows, tokens, width), of attention, (rows, heads, tokens, tokens), or of one
                vector per row, (rows, width).
            rate: rounded to a multiple of 2**-16.
        """
        generator = np.random.Philox(key=_hash(*self._key, name, self._calls[name]))
        self._calls[name] += 1
        dimension = max(0, len(shape) - 2)
        by_token = (shape[dimension], *shape[:dimension], *shape[dimension + 1 :])
        count, kept = prod(shape), round((1 - rate) * _LEVELS)
        bits = generator.random_raw(-(-count // 4)).view(np.uint16)[:count]
        mask = (bits < kept) * np.float32(_LEVELS / kept if kept else 0)
        return torch.from_numpy(mask.reshape(by_token)).movedim(0, dimension)


@contextmanager
def replaced_dropout(model: PreTrainedModel, drop: Drop, modules: Iterable[nn.Module] | None = None) -> Iterator[None]:
    """Replace all dropout that is active now by ``drop`` while the block runs; ``modules`` are all where not given."""
    candidates = model.modules() if modules is None else modules
    dropouts = [one for one in candidates if type(one) is nn.Dropout and one.training and one.p]
    for dropout in dropouts:
        vars(dropout)["forward"] = _forward(dropout, drop)
    # In attention, dropout is a function call. An unknown family may compute attention differently.
    known = model.config.model_type in FAMILIES and not getattr(model.config, "is_decoder", False)
    replaced = {"sdpa": _attention(drop, sdpa_attention_forward), "eager": _attention(drop)} if known else {}
    ALL_ATTENTION_FUNCTIONS.update(replaced)
    try:
        yield
    finally:
        for name in replaced:
            ALL_ATTENTION_FUNCTIONS.pop(name, None)
        for dropout in dropouts:
            del vars(dropout)["forward"]


def _forward(dropout: nn.Dropout, drop: Drop) -> Callable[[Tensor], Tensor]:
    return lambda values: drop(dropout, values, dropout.p) if dropout.training else values


def _attention(drop: Drop, without: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Return an attention function as of transformers that applies ``drop``; without dropout it calls ``without``."""

    def attend(
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        dropout: float = 0.0,
        scaling: float | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        if without and not dropout:
            result: tuple[Tensor, None] = without(
                module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
            )
            return result
        scores = query @ key.transpose(-1, -2) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
        if attention_mask is not None and attention_mask.dtype == torch.bool:  # True where attention is paid
            attention_mask = torch.where(attention_mask, 0.0, torch.finfo(scores.dtype).min)
        weights = (scores if attention_mask is None else scores + attention_mask).softmax(-1)
        if dropout:
            # By the name of its own dropout, where it has one to hold the rate.
            holders = [child for child in module.children() if isinstance(child, nn.Dropout)]
            weights = drop(holders[0] if holders else module, weights, dropout)
        return (weights @ value).transpose(1, 2).contiguous(), weights

    return attend


def _hash(*key: object) -> int:
    """Return a 128-bit hash of a key."""
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=16).digest(), "little")

"""The forward pass up to, or from, a boundary between two blocks.

The model's own ``forward`` is used, so masks, poolers and heads work as in the whole model. During the call, the list
of blocks is replaced by a part of it, and the embeddings by a module that returns given hidden states.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from textclf_core.encoder.families import Parts


def run_prefix(
    model: PreTrainedModel,
    parts: Parts,
    inputs: Mapping[str, Tensor],
    upto: int,
    hidden: Tensor | None = None,
    start: int = 0,
) -> Tensor:
    """Return the hidden states after ``upto`` blocks; later blocks aren't computed.

    If the hidden states after ``start`` blocks are given, earlier blocks aren't computed either.
    """
    blocks = [modules[0] for modules in parts.blocks]
    with ExitStack() as stack:
        if hidden is not None:
            _begin_at(stack, model, parts, hidden, start)
        stack.enter_context(_blocks(model, parts, [*blocks[start:upto], _Boundary(like=blocks[-1])]))
        try:
            model(**inputs)
        except _BoundaryReachedError as reached:
            return reached.hidden
    raise AssertionError("the model's forward ended without running its blocks")


def run_from(model: PreTrainedModel, parts: Parts, hidden: Tensor, inputs: Mapping[str, Tensor], start: int) -> Tensor:
    """Return the logits for the hidden states after ``start`` blocks; earlier blocks aren't computed."""
    blocks = [modules[0] for modules in parts.blocks[start:]]
    if not blocks and parts.family.needs_a_block:
        blocks = [_PassThrough()]
    with ExitStack() as stack:
        _begin_at(stack, model, parts, hidden, start)
        stack.enter_context(_blocks(model, parts, blocks))
        logits: Tensor = model(**inputs).logits
        return logits


def last_hidden(
    model: PreTrainedModel, parts: Parts, inputs: Mapping[str, Tensor], hidden: Tensor | None = None, start: int = 0
) -> Tensor:
    """Return the body's last hidden states, from the hidden states after ``start`` blocks if they are given.

    Those of the encoder, if the body has an encoder and a decoder.
    """
    body: Any = model.base_model
    if getattr(model.config, "is_encoder_decoder", False):
        body = body.get_encoder()
    with ExitStack() as stack:
        if hidden is not None:
            _begin_at(stack, model, parts, hidden, start)
            stack.enter_context(_blocks(model, parts, [modules[0] for modules in parts.blocks[start:]]))
        states: Tensor = body(**inputs).last_hidden_state
        return states


def _begin_at(stack: ExitStack, model: PreTrainedModel, parts: Parts, hidden: Tensor, start: int) -> None:
    """Use the given hidden states as the input of block ``start``, until the stack is closed."""
    base, family = model.base_model, parts.family
    stack.enter_context(_swapped(base, family.embeddings[0], _Answer(hidden)))
    if family.projection and family.projection in dict(base.named_modules()):
        stack.enter_context(_swapped(base, family.projection, nn.Identity()))
    if start > 0:
        for path in family.first_block:
            stack.enter_context(_swapped(base, path, None))


class _BoundaryReachedError(Exception):
    def __init__(self, hidden: Tensor):
        super().__init__()
        self.hidden = hidden


class _Boundary(nn.Module):
    """A block that ends the forward pass by raising an error with the hidden states."""

    def __init__(self, like: nn.Module):
        super().__init__()
        # The model's loop may read an attribute of a block before calling it (ModernBERT: `attention_type`). A tuple,
        # so that the block isn't registered as a submodule.
        self.like = (like,)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.like[0], name)

    def forward(self, hidden_states: Tensor, *args: object, **kwargs: object) -> Tensor:
        raise _BoundaryReachedError(hidden_states)


class _PassThrough(nn.Module):
    """A block that returns its input, with DeBERTa's result type: hidden states and attention weights."""

    def forward(self, hidden_states: Tensor, *args: object, **kwargs: object) -> tuple[Tensor, None]:
        return hidden_states, None


class _Answer(nn.Module):
    """Embeddings that return given hidden states."""

    def __init__(self, hidden: Tensor):
        super().__init__()
        self.hidden = hidden

    def forward(self, *args: object, **kwargs: object) -> Tensor:
        return self.hidden


@contextmanager
def _blocks(model: PreTrainedModel, parts: Parts, blocks: Sequence[nn.Module]) -> Iterator[None]:
    """Replace the model's blocks while the block runs."""
    path = parts.family.blocks
    with ExitStack() as stack:
        stack.enter_context(_swapped(model.base_model, path, nn.ModuleList(blocks)))
        if parts.family.shares_blocks:
            # ALBERT reads the numbers of blocks and groups from its configuration: make each block its own group.
            config = copy.copy(model.config)
            config.num_hidden_layers = config.num_hidden_groups = len(blocks)
            stack.enter_context(_swapped(model.base_model, path.rpartition(".")[0] + ".config", config))
        yield


@contextmanager
def _swapped(base: nn.Module, path: str, value: object) -> Iterator[None]:
    """Replace the attribute at a dotted path while the block runs."""
    parent_path, _, name = path.rpartition(".")
    parent = base.get_submodule(parent_path)
    before = getattr(parent, name)
    setattr(parent, name, value)
    try:
        yield
    finally:
        setattr(parent, name, before)

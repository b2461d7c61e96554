"""The encoder: its heads, where a model can be split, how texts go in."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from textclf_core.encoder import split_forward, tokenizing
from textclf_core.encoder.computation import UnknownComputationError, computation_digests
from textclf_core.encoder.families import FAMILIES
from textclf_core.encoder.last_block_cls import FIRST_TOKEN_BLOCKS, last_block_for_first_token
from textclf_core.encoder.parts import PartedModel
from textclf_core.encoder.pooling import Pooling, pool
from textclf_core.errors import RunError
from textclf_core.types.tokenization import Tokenization, share_of

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.origin import Origin
    from textclf_core.types.task import Task
    from textclf_core.types.tokenization import Percentile


T = TypeVar("T", bound=Tokenization)

# Train, validation and test.
_TOKENIZED_KEPT = 3


class Encoder(PartedModel):
    """A Hugging Face classification model and its tokenizer, seen as embeddings, numbered blocks, pooler and head.

    The head is all that isn't in the model's body, since it starts untrained. The pooler of a body (BERT, ALBERT) is
    neither a block nor the head. What all blocks share (relative positions in MPNet and DeBERTa) counts as embeddings.

    Args:
        model: a ``...ForSequenceClassification`` or ``...ForTokenClassification`` of one of these families: BERT,
            RoBERTa, XLM-RoBERTa, DistilBERT, ELECTRA, MPNet, ALBERT, DeBERTa-v2 and -v3, ModernBERT; or of another
            whose parts are plain to see. Or the body alone (:meth:`without_head`).
        tokenizer: the model's tokenizer.
        checkpoint: the name or the path that the weights came from.
        revision: the checkpoint's revision, if one was chosen.
        fresh_head: whether the head is untrained; not if it comes from the checkpoint.

    Attributes:
        origin: the plugin that built it, then those that adapted it; empty for one that no run built.

    Raises:
        UsageError: the parts of this model can't be told.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        checkpoint: str,
        revision: str | None = None,
        fresh_head: bool = True,
    ):
        super().__init__(model, checkpoint)
        self.tokenizer = tokenizer
        self.revision = revision
        self.fresh_head = fresh_head
        self.origin: tuple[Origin, ...] = ()
        self.family: str = model.config.model_type
        self._tokenized: dict[object, Dataset] = {}
        self._lengths: dict[object, int] = {}

    # Heads

    def with_head(self, kind: Literal["masked-lm"]) -> Encoder:
        """Return an encoder with another head on this one's body: what trains in one is trained in the other.

        Args:
            kind: ``"masked-lm"``, masked language modelling: float logits of shape (batch, tokens, vocabulary). The
                head is the checkpoint's where it has one, and untrained, by torch's generator, where it has none.

        Raises:
            UsageError: there is no such head for a model of this family.
        """
        from textclf_core.encoder.heads import masked_lm

        model, fresh = masked_lm(self.model, self.revision)
        other = Encoder(model, self.tokenizer, self.checkpoint, self.revision, fresh_head=fresh)
        other.origin = self.origin
        return other

    @property
    def has_head(self) -> bool:
        """Whether there is more than the body."""
        return self.model.base_model is not self.model

    def without_head(self) -> Encoder:
        """Return the body alone, the same modules: it has hidden states and embeddings, but no logits."""
        model: Any = self.model.base_model
        body = Encoder(model, self.tokenizer, self.checkpoint, self.revision)
        body.origin = self.origin
        return body

    def with_parameters(self, parameters: Mapping[str, Tensor]) -> Encoder:
        """Return an encoder with parameters of its own; the others, and the tokenized texts, are shared.

        Args:
            parameters: values by name. They are copied; training or loading them changes nothing here.
        """
        shared: dict[int, object] = {id(values): values for values in (*self.model.parameters(), *self.model.buffers())}
        for name, values in parameters.items():
            own = self.model.get_parameter(name)
            shared[id(own)] = nn.Parameter(
                values.detach().to(own.device, own.dtype, copy=True), requires_grad=own.requires_grad
            )
        other = copy.copy(self)
        PartedModel.__init__(other, copy.deepcopy(self.model, shared), self.checkpoint)
        return other

    def with_origin(self, origin: Origin) -> Encoder:
        """Return the encoder, of the same modules, with one more plugin that built or adapted it."""
        other = copy.copy(self)
        other.origin = (*self.origin, origin)
        return other

    # The split forward

    def logits(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the logits, float, shape (batch, labels), of a batch that :meth:`collate` made.

        Of a token's head, shape (batch, tokens, labels).
        """
        logits: Tensor = self.model(**_inputs(batch)).logits
        return logits

    def run_prefix(
        self, batch: Mapping[str, Tensor], upto: int, *, hidden: Tensor | None = None, start: int = 0
    ) -> Tensor:
        """Return the hidden states at a boundary, float, shape (batch, tokens, width); compute nothing behind it.

        Args:
            batch: what :meth:`collate` made, on the model's device.
            upto: the boundary: 0 is after the embeddings, k after block k-1. ``frozen_prefix - 1`` is the boundary of
                the frozen prefix.
            hidden: the hidden states at an earlier boundary, to go on from; float, shape (batch, tokens, width).
            start: that boundary.

        Raises:
            RunError: the model can't be split there; :meth:`check_split` says so beforehand.
        """
        self._require_split(upto)
        return split_forward.run_prefix(self.model, self._parts, _inputs(batch), upto, hidden, start)

    def run_from(
        self, hidden: Tensor, batch: Mapping[str, Tensor] | None, start: int, *, wrapped: nn.Module | None = None
    ) -> Tensor:
        """Return the logits, float, shape (batch, labels), given the hidden states at a boundary.

        Computes nothing before the boundary, and is differentiable. The batch still gives the masks. Not for several
        threads at once, since it changes the model for the time of the call.

        Args:
            hidden: what :meth:`run_prefix` returned, float, shape (batch, tokens, width); behind the last block, its
                first token alone, shape (batch, 1, width), if :attr:`reads_first_token`.
            batch: the batch that it was called with; ``None`` beside first tokens alone, which no mask concerns.
            start: the boundary that it was called with.
            wrapped: what wraps the model, where it has to be called instead (data parallel).

        Raises:
            RunError: the model can't be split there; :meth:`check_split` says so beforehand.
        """
        self._require_split(start)
        if batch is None:
            ids = torch.full(hidden.shape[:2], self.tokenizer.cls_token_id or 0, device=hidden.device)
            batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        inputs = {name: values[:, : hidden.shape[1]] for name, values in _inputs(batch).items()}
        return split_forward.run_from(self.model, self._parts, hidden, inputs, start, wrapped)

    def embed(
        self, batch: Mapping[str, Tensor], pooling: Pooling, *, hidden: Tensor | None = None, start: int = 0
    ) -> Tensor:
        """Return one vector a row, float, shape (rows, width): the body's last hidden states, pooled.

        Args:
            batch: what :meth:`collate` made, on the model's device.
            pooling: how.
            hidden: the hidden states at a boundary, to go on from, as :meth:`run_prefix` takes them.
            start: that boundary.
        """
        if hidden is not None:
            self._require_split(start)
        inputs = _inputs(batch)
        states = split_forward.last_hidden(self.model, self._parts, inputs, hidden, start)
        return pool(states, inputs["attention_mask"], pooling)

    def body_digest(self) -> str:
        """Return a SHA-256 of all parameters and buffers of the body."""
        return _digest([self.model.base_model])

    def prefix_digests(self, upto: int) -> list[str]:
        """Return a SHA-256 of all parameters and buffers: of the embeddings, then of each block up to the boundary."""
        return [_digest(modules) for modules in (self._parts.embeddings, *self._parts.blocks[:upto])]

    def computation_digests(self, upto: int, *, whole: bool = False) -> list[str]:
        """Return a SHA-256 of what computes beside the weights: of what surrounds the blocks, then of each block.

        Module classes and whose code they are, the modules' settings, buffers that belong to no part.

        Args:
            upto: the boundary.
            whole: whether the rest of the body, which follows the blocks, has one, too.

        Raises:
            UnknownComputationError: it can't be known, since there is a hook, a patched method or the like.
        """
        digests = computation_digests(self.model, self._parts, upto, whole=whole)
        if type(self) is not Encoder:
            raise UnknownComputationError(f"{type(self).__qualname__} is an encoder of its own.")
        return digests

    def prefix_parameters(self, upto: int) -> Iterator[Tensor]:
        """Yield the parameters of the embeddings and of the blocks up to the boundary."""
        for modules in (self._parts.embeddings, *self._parts.blocks[:upto]):
            for module in modules:
                yield from module.parameters()

    @cached_property
    def reads_first_token(self) -> bool:
        """Whether what follows the blocks reads the first token alone: found out, by changing the others.

        No block is run: whoever computes elsewhere (ONNX) leaves the weights in their file.
        """
        if not self.has_head or self.check_split(self.num_blocks):
            return False
        ids = torch.full((2, 3), self.tokenizer.cls_token_id or 0, device=self.model.device)
        batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        # At random, since a norm may undo a plain shift.
        generator = torch.Generator().manual_seed(0)
        shape = (2, *ids.shape, int(self.model.config.hidden_size))
        hidden, changed = torch.randn(shape, generator=generator).to(ids.device, self.model.dtype)
        changed[:, :1] = hidden[:, :1]
        was_training = self.model.training
        self.model.train(False)
        with torch.no_grad():
            logits, other = (self.run_from(states, batch, self.num_blocks) for states in (hidden, changed))
        self.model.train(was_training)
        return torch.equal(logits, other)

    @contextmanager
    def computing_what_the_head_reads(self) -> Iterator[None]:
        """Compute the last block for the first token alone, where that is all that the head reads.

        The logits and the gradients are the same, to rounding, with the same dropout on a CPU. Hidden states after the
        last block have shape (batch, 1, width) then. Where it can't be done (:meth:`why_all_tokens`), nothing changes.
        """
        if self.why_all_tokens():
            yield
            return
        paths = FIRST_TOKEN_BLOCKS[self.family]
        [last] = self._parts.blocks[-1]
        if "forward" in vars(last):  # within another such context
            yield
            return
        with last_block_for_first_token(last, paths, self.model.config.num_attention_heads):
            yield

    def why_all_tokens(self) -> str | None:
        """Return why the last block has to be computed for all tokens, as a sentence, or ``None`` if it hasn't."""
        if self.family not in FIRST_TOKEN_BLOCKS or getattr(self.model.config, "is_decoder", False):
            known = ", ".join(FIRST_TOKEN_BLOCKS)
            return (
                f"How a last block of the family {self.family!r} is computed for one token isn't known to textclf. "
                f"These are: {known}."
            )
        if len(self._parts.blocks[-1]) != 1 or self.model.config._attn_implementation not in ("sdpa", "eager"):
            return f"The attention {self.model.config._attn_implementation!r} can't be computed for one token here."
        if not self.reads_first_token:
            return f"The head of {self.checkpoint} reads more than the first token."
        return None

    def check_split(self, boundary: int) -> str | None:
        """Return why the model can't be split at a boundary, as a sentence, or ``None`` if it can."""
        if not 0 <= boundary <= self.num_blocks:
            return (
                f"There is no boundary {boundary}: {self.checkpoint} has {self.num_blocks} blocks, "
                f"so boundaries go from 0 to {self.num_blocks}."
            )
        if not self._parts.family.can_split:
            return (
                f"How a model of the family {self.family!r} runs its blocks isn't known to textclf, so it can't be "
                f"split between them. These families can: {', '.join(FAMILIES)}."
            )
        return None

    def _require_split(self, boundary: int) -> None:
        if why := self.check_split(boundary):
            raise RunError(why)

    # Texts

    @property
    def longest_input(self) -> int:
        """How many tokens, special ones included, tokenizer and model take."""
        return tokenizing.longest_input(self.model, self.tokenizer)

    def covering_length(self, data: Dataset, task: Task, percentile: Percentile) -> int:
        """Return the least number of tokens, special ones included, that so many percent of the rows don't exceed.

        It is never more than :attr:`longest_input`.

        Args:
            data: has the task's text columns.
            task: names the text columns.
            percentile: ``"p95"`` for 95 percent.
        """
        key = (data._fingerprint, task.text_columns, percentile)
        if key not in self._lengths:
            share = share_of(percentile)
            self._lengths[key] = tokenizing.covering_length(self.model, self.tokenizer, data, task, share)
        return self._lengths[key]

    def with_length(self, tokenization: T, train: Dataset, task: Task) -> T:
        """Return a tokenization with a number as its longest input, where it was a percentile.

        Args:
            tokenization: the options of a plugin, or a part of them.
            train: the rows whose lengths count.
            task: names the text columns.
        """
        if not isinstance(tokenization.max_length, str):
            return tokenization
        return replace(tokenization, max_length=self.covering_length(train, task, tokenization.max_length))

    def tokenize(self, data: Dataset, task: Task, recipe: Tokenization) -> Dataset:
        """Return the rows of ``data`` as token ids, truncated to the longest input; nothing else truncates.

        Two text columns go in as the tokenizer's pair; more than two are joined by the separator token. Special tokens
        stay where they are; of several texts the longest is truncated first. Nothing is cached on disk.

        Args:
            data: has the task's text columns (string) and, but for prediction, ``label``.
            task: names the text columns.
            recipe: its ``max_length`` is the longest input; if not set, :attr:`longest_input` is. Its ``truncation``
                says what of a longer text is kept.

        Returns:
            As many rows, in their order: ``input_ids``, and those of ``attention_mask`` and ``token_type_ids`` that
            both tokenizer and model know; ``truncated`` (bool: was the row truncated?); ``label`` if ``data`` has it.
            ``sum(result["truncated"])`` rows were truncated. In a task of tokens, ``label`` is a list: a word's label
            on its first sub-token, -100 on the others; and ``word_starts`` holds, for each sub-token, the index of the
            word that begins with it, or -1.

        Raises:
            UsageError: ``max_length`` is more than the model takes or leaves no room for text, or words can't be told
                from sub-tokens.
        """
        # A run asks for the same split several times: to train or validate, to predict, to count what was truncated.
        key = (data._fingerprint, task.text_columns, recipe.max_length, recipe.truncation)
        if key not in self._tokenized:
            if len(self._tokenized) == _TOKENIZED_KEPT:
                del self._tokenized[next(iter(self._tokenized))]
            self._tokenized[key] = tokenizing.tokenize(self.model, self.tokenizer, data, task, recipe)
        return self._tokenized[key]

    def collate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return rows of :meth:`tokenize` as a batch, padded to its longest row; nothing else pads.

        Returns:
            What the model takes, int64, each of shape (rows, tokens); and ``labels``, int64, shape (rows,), in a task
            of tokens (rows, tokens), if the rows have ``label``. On the model's device.
        """
        batch = tokenizing.collate(self.tokenizer, rows)
        return {name: values.to(self.model.device) for name, values in batch.items()}


def _digest(modules: Iterable[nn.Module]) -> str:
    digest = hashlib.sha256()
    for module in modules:
        for name, values in (*module.named_parameters(), *module.named_buffers()):
            digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
            # As bytes, because NumPy has no bfloat16.
            digest.update(values.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _inputs(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the labels: with them the model computes a loss, and settles its problem type by them."""
    return {name: value for name, value in batch.items() if name != "labels"}

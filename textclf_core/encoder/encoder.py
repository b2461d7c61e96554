"""The encoder: a model's heads, its forward pass from or up to a block, and its tokenizer.

Torch and transformers are imported when a method is called: plugins import the class for their annotations, and listing
plugins imports theirs.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from textclf_core.encoder.parts import PartedModel
from textclf_core.errors import RunError
from textclf_core.system.world import ALONE, World
from textclf_core.types.tokenization import Tokenization, share_of

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor, nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from textclf_core.encoder.pooling import Pooling
    from textclf_core.types.origin import Origin
    from textclf_core.types.task import Task
    from textclf_core.types.tokenization import Percentile


T = TypeVar("T", bound=Tokenization)

# As many as there are splits: train, validation and test.
_TOKENIZED_CACHED = 3


class Encoder(PartedModel):
    """A Hugging Face classification model with its tokenizer, divided into embeddings, blocks, pooler and head.

    The head is everything outside the model's body; it starts untrained. The pooler of a body (BERT, ALBERT) is neither
    a block nor part of the head. Parameters that all blocks share (relative positions in MPNet and DeBERTa) count as
    embeddings.

    Args:
        model: a ``...ForSequenceClassification`` or ``...ForTokenClassification`` of one of these families: BERT,
            RoBERTa, XLM-RoBERTa, DistilBERT, ELECTRA, MPNet, ALBERT, DeBERTa-v2 and -v3, ModernBERT; or of another
            family, whose blocks may be unknown (:attr:`knows_blocks`). Or the body without a head
            (:meth:`without_head`).
        tokenizer: the model's tokenizer.
        checkpoint: the name or path of the weights.
        revision: the checkpoint's revision, if one was chosen.
        fresh_head: whether the head is untrained, that is, doesn't come from the checkpoint.

    Attributes:
        origin: the plugin that built the encoder, then those that adapted it; empty if no run built it.
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
        """Return an encoder with another head on the same body, whose parameters both encoders share.

        Args:
            kind: ``"masked-lm"`` for masked language modelling, with float logits of shape (batch, tokens,
                vocabulary). The head is the checkpoint's if it has one, else one initialised by torch's generator.

        Raises:
            UsageError: transformers has no such head for a model of this family.
        """
        from textclf_core.encoder.heads import masked_lm

        model, fresh = masked_lm(self.model, self.revision)
        other = Encoder(model, self.tokenizer, self.checkpoint, self.revision, fresh_head=fresh)
        other.origin = self.origin
        return other

    @property
    def has_head(self) -> bool:
        """Whether the model has a head."""
        return self.model.base_model is not self.model

    def without_head(self) -> Encoder:
        """Return an encoder of the same modules without the head: it gives hidden states and embeddings, no logits."""
        model: Any = self.model.base_model
        body = Encoder(model, self.tokenizer, self.checkpoint, self.revision)
        body.origin = self.origin
        return body

    def with_parameters(self, parameters: Mapping[str, Tensor]) -> Encoder:
        """Return an encoder with its own copy of some parameters; all others, and the tokenized texts, are shared.

        Args:
            parameters: the values by name, which are copied.
        """
        from torch import nn

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
        """Return an encoder of the same modules whose origin has one more plugin."""
        other = copy.copy(self)
        other.origin = (*self.origin, origin)
        return other

    # The split forward

    def logits(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the logits of a batch from :meth:`collate`, float, shape (batch, labels).

        With a token classification head, the shape is (batch, tokens, labels).
        """
        logits: Tensor = self.model(**_inputs(batch)).logits
        return logits

    def run_prefix(
        self, batch: Mapping[str, Tensor], upto: int, *, hidden: Tensor | None = None, start: int = 0
    ) -> Tensor:
        """Return the hidden states at a boundary, float, shape (batch, tokens, width); nothing after it is computed.

        Args:
            batch: a batch from :meth:`collate`, on the model's device.
            upto: the boundary: 0 is after the embeddings, k after block k-1. The frozen prefix ends at the boundary
                ``frozen_prefix - 1``.
            hidden: the hidden states at an earlier boundary to start from, float, shape (batch, tokens, width).
            start: that earlier boundary.

        Raises:
            RunError: the model can't be split there; :meth:`check_split` returns the reason.
        """
        from textclf_core.encoder import split_forward

        self._require_split(upto)
        return split_forward.run_prefix(self.model, self._parts, _inputs(batch), upto, hidden, start)

    def run_from(self, hidden: Tensor, batch: Mapping[str, Tensor] | None, start: int) -> Tensor:
        """Return the logits for the hidden states at a boundary, float, shape (batch, labels).

        Nothing before the boundary is computed, and the result is differentiable. Not thread-safe, since the model is
        changed during the call.

        Args:
            hidden: the result of :meth:`run_prefix`, float, shape (batch, tokens, width); after the last block, only
                the first token is needed, shape (batch, 1, width), if :attr:`reads_first_token`.
            batch: the batch that :meth:`run_prefix` was called with, whose masks are used; ``None`` if ``hidden`` has
                first tokens only, which need no mask.
            start: the boundary that :meth:`run_prefix` was called with.

        Raises:
            RunError: the model can't be split there; :meth:`check_split` returns the reason.
        """
        import torch

        from textclf_core.encoder import split_forward

        self._require_split(start)
        if batch is None:
            ids = torch.full(hidden.shape[:2], self.tokenizer.cls_token_id or 0, device=hidden.device)
            batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        inputs = {name: values[:, : hidden.shape[1]] for name, values in _inputs(batch).items()}
        return split_forward.run_from(self.model, self._parts, hidden, inputs, start)

    def embed(
        self, batch: Mapping[str, Tensor], pooling: Pooling, *, hidden: Tensor | None = None, start: int = 0
    ) -> Tensor:
        """Return one vector per row, the pooled last hidden states of the body, float, shape (rows, width).

        Args:
            batch: a batch from :meth:`collate`, on the model's device.
            pooling: how the tokens are pooled.
            hidden: the hidden states at a boundary to start from, as for :meth:`run_prefix`.
            start: that boundary.
        """
        from textclf_core.encoder import split_forward
        from textclf_core.encoder.pooling import pool

        if hidden is not None:
            self._require_split(start)
        inputs = _inputs(batch)
        states = split_forward.last_hidden(self.model, self._parts, inputs, hidden, start)
        return pool(states, inputs["attention_mask"], pooling)

    def body_digest(self) -> str:
        """Return the SHA-256 of all parameters and buffers of the body."""
        return _digest([self.model.base_model])

    def prefix_digests(self, upto: int) -> list[str]:
        """Return SHA-256 digests of the parameters and buffers of the embeddings and of each block up to a boundary."""
        return [_digest(modules) for modules in (self._parts.embeddings, *self._parts.blocks[:upto])]

    def computation_digests(self, upto: int | None, *, whole: bool = False) -> list[str]:
        """Return SHA-256 digests of the computation apart from the weights: around the blocks, then of each block.

        They cover the modules' classes with their code, the modules' settings, and buffers outside all parts.

        Args:
            upto: the boundary; ``None`` for all blocks.
            whole: whether to add a digest of the rest of the body, after the blocks.

        Raises:
            UnknownComputationError: the computation is unknown, for example because of a hook or a patched method.
        """
        from textclf_core.encoder.computation import UnknownComputationError, computation_digests

        digests = computation_digests(self.model, self._parts, upto, whole=whole)
        if type(self) is not Encoder:
            raise UnknownComputationError(f"{type(self).__qualname__} is a subclass of Encoder.")
        return digests

    def prefix_parameters(self, upto: int) -> Iterator[Tensor]:
        """Yield the parameters of the embeddings and of the blocks up to the boundary."""
        for modules in (self._parts.embeddings, *self._parts.blocks[:upto]):
            for module in modules:
                yield from module.parameters()

    @cached_property
    def reads_first_token(self) -> bool:
        """Whether the part after the blocks reads the first token only; tested by changing the other tokens.

        No block is run, so that the weights of the blocks needn't be loaded into memory (with ONNX, for example).
        """
        import torch

        if not self.has_head or not self._parts.family.can_split:
            return False
        ids = torch.full((2, 3), self.tokenizer.cls_token_id or 0, device=self.model.device)
        batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        # Random changes, since a norm may undo a constant shift.
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
        """Compute the last block for the first token only, if the head reads no other.

        Logits and gradients are equal up to rounding, with the same dropout on a CPU. Hidden states after the last
        block then have shape (batch, 1, width). If this isn't possible (:meth:`why_all_tokens`), nothing changes.
        """
        from textclf_core.encoder.last_block_cls import FIRST_TOKEN_BLOCKS, last_block_for_first_token

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
        """Return why the last block must be computed for all tokens, as a sentence; ``None`` if it needn't be."""
        from textclf_core.encoder.last_block_cls import FIRST_TOKEN_BLOCKS

        if self.family not in FIRST_TOKEN_BLOCKS or getattr(self.model.config, "is_decoder", False):
            known = ", ".join(FIRST_TOKEN_BLOCKS)
            return (
                f"textclf can't compute the last block for the first token only in a model of the family "
                f"{self.family!r}; it can for {known}."
            )
        if len(self._parts.blocks[-1]) != 1 or self.model.config._attn_implementation not in ("sdpa", "eager"):
            return f"The attention {self.model.config._attn_implementation!r} can't be computed for one token only."
        if not self.reads_first_token:
            return f"The head of {self.checkpoint} reads more than the first token."
        return None

    def check_split(self, boundary: int) -> str | None:
        """Return why the model can't be split at a boundary, as a sentence; ``None`` if it can."""
        from textclf_core.encoder.families import FAMILIES

        if self._parts.unknown:
            return self._parts.unknown
        if not 0 <= boundary <= self.num_blocks:
            return (
                f"There is no boundary {boundary}: {self.checkpoint} has {self.num_blocks} blocks, "
                f"so boundaries are 0 to {self.num_blocks}."
            )
        if not self._parts.family.can_split:
            return (
                f"textclf can't split a model of the family {self.family!r} between its blocks. It can split these "
                f"families: {', '.join(FAMILIES)}."
            )
        return None

    def _require_split(self, boundary: int) -> None:
        if why := self.check_split(boundary):
            raise RunError(why)

    # Texts

    @property
    def longest_input(self) -> int:
        """The maximum input length of tokenizer and model in tokens, special tokens included."""
        from textclf_core.encoder import tokenizing

        return tokenizing.longest_input(self.model, self.tokenizer)

    def token_lengths(self, data: Dataset, task: Task) -> NDArray[np.int64]:
        """Return the length of each row in tokens, special tokens included and nothing truncated, int64, (rows,)."""
        from textclf_core.encoder import tokenizing

        return tokenizing.token_lengths(self.tokenizer, data, task)

    def covering_length(self, data: Dataset, task: Task, percentile: Percentile) -> int:
        """Return a percentile of the rows' lengths in tokens, special tokens included; at most :attr:`longest_input`.

        Args:
            data: rows with the task's text columns.
            task: names the text columns.
            percentile: such as ``"p95"``, the length that 95% of the rows don't exceed.
        """
        from textclf_core.encoder import tokenizing

        key = (data._fingerprint, task.text_columns, percentile)
        if key not in self._lengths:
            share = share_of(percentile)
            self._lengths[key] = tokenizing.covering_length(self.model, self.tokenizer, data, task, share)
        return self._lengths[key]

    def with_length(self, tokenization: T, train: Dataset, task: Task) -> T:
        """Return the tokenization with a percentile as ``max_length`` replaced by its number of tokens.

        Args:
            tokenization: the options of a plugin, or a part of them.
            train: the rows whose lengths are counted.
            task: names the text columns.
        """
        if not isinstance(tokenization.max_length, str):
            return tokenization
        return replace(tokenization, max_length=self.covering_length(train, task, tokenization.max_length))

    def tokenize(self, data: Dataset, task: Task, recipe: Tokenization, world: World = ALONE) -> Dataset:
        """Return the rows of ``data`` as token ids, truncated to the maximum length; only this method truncates.

        Two text columns become a pair of the tokenizer; more than two are joined by the separator token. Special tokens
        are kept; of several texts the longest is truncated first. Nothing is cached on disk.

        Args:
            data: rows with the task's text columns (string) and, except for prediction, ``label``.
            task: names the text columns.
            recipe: its ``max_length`` is the maximum length (:attr:`longest_input` if not set), and its ``truncation``
                the part of a longer text that is used.
            world: the processes that share the work, each a part of the rows; all must call this with the same rows.

        Returns:
            The rows, in order, with ``input_ids``; ``attention_mask`` and ``token_type_ids`` if both tokenizer and
            model use them; ``truncated`` (bool, whether the row was truncated); and ``label`` if ``data`` has it. In a
            token task, ``label`` is a list with each word's label at its first sub-token and -100 elsewhere, and
            ``word_starts`` holds, for each sub-token, the index of the word that it begins, or -1.

        Raises:
            UsageError: ``max_length`` is more than the model's limit or leaves no tokens for text, or the tokenizer
                can't map sub-tokens to words.
        """
        from textclf_core.encoder import tokenizing

        # A run tokenizes the same split several times: to train or validate, to predict, to count truncated rows.
        key = (data._fingerprint, task.text_columns, recipe.max_length, recipe.truncation)
        if key not in self._tokenized:
            if len(self._tokenized) == _TOKENIZED_CACHED:
                del self._tokenized[next(iter(self._tokenized))]
            tokenized = partial(tokenizing.tokenize, self.model, self.tokenizer, task=task, tokenization=recipe)
            self._tokenized[key] = tokenizing.shared(tokenized, data, world)
        return self._tokenized[key]

    def collate(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return rows from :meth:`tokenize` as a batch, padded to the longest row; only this method pads.

        Padding is on the right, but on the left for XLNet, whose head reads the last position.

        Returns:
            The model's inputs, int64, shape (rows, tokens), on the model's device; and, if the rows have ``label``,
            ``labels``, int64, shape (rows,), or (rows, tokens) in a token task.
        """
        from textclf_core.encoder import tokenizing

        batch = tokenizing.collate(self.model, self.tokenizer, rows)
        return {name: values.to(self.model.device) for name, values in batch.items()}


def _digest(modules: Iterable[nn.Module]) -> str:
    import torch

    digest = hashlib.sha256()
    for module in modules:
        for name, values in (*module.named_parameters(), *module.named_buffers()):
            digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
            # As bytes, since NumPy has no bfloat16.
            digest.update(values.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _inputs(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the batch without labels: with them the model computes a loss, and infers its problem type from them."""
    return {name: value for name, value in batch.items() if name != "labels"}

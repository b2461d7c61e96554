"""Masking of tokens for masked language modelling."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MASKED, _REPLACED = 0.8, 0.1
# WordPiece marks tokens that continue a word; byte-level BPE and SentencePiece mark tokens that begin one.
_GOES_ON, _BEGINS = "##", ("Ġ", "▁")
IGNORED = -100
"""The label of a token that wasn't chosen."""


@dataclass(frozen=True)
class Masking:
    """Masks tokens at random: 80% of the chosen become the mask, 10% any token, 10% stay (Devlin et al., 2019).

    Args:
        tokenizer: the model's tokenizer; its special tokens are never chosen.
        unit: ``token``, each chosen independently, or ``whole-word``, all tokens of a word together.
        probability: the probability of each token, or word, to be chosen.

    Raises:
        UsageError: the tokenizer has no mask token, or doesn't mark where words begin.
    """

    tokenizer: PreTrainedTokenizerBase
    unit: Literal["token", "whole-word"]
    probability: float

    def __post_init__(self) -> None:
        if self.tokenizer.mask_token_id is None:
            raise UsageError("continued-pretraining: the tokenizer has no mask token, so nothing can be masked.")
        if self.unit == "whole-word" and self._goes_on is None:
            raise UsageError(
                "continued-pretraining: masking=whole-word, but the tokenizer doesn't mark where words begin (with "
                f"{_GOES_ON}, {' or '.join(_BEGINS)}). Use masking=token."
            )

    def __call__(self, batch: Mapping[str, Tensor], generator: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
        """Return a batch with masks, and the labels: the original ids of the chosen tokens, elsewhere ``IGNORED``.

        Args:
            batch: ``input_ids``, int64, shape (rows, tokens), and the model's other inputs, on any device.
            generator: the source of randomness, on the CPU.
        """
        ids = batch["input_ids"].cpu()
        special = self._special[ids]
        words = self._words(ids, special)
        chosen = torch.rand(ids.shape, generator=generator).gather(1, words) < self.probability
        chosen &= ~special
        labels = ids.masked_fill(~chosen, IGNORED)
        fate = torch.rand(ids.shape, generator=generator)
        others = self._ordinary[torch.randint(len(self._ordinary), ids.shape, generator=generator)]
        seen = ids.masked_fill(chosen & (fate < _MASKED), self.tokenizer.mask_token_id)
        seen = torch.where(chosen & (fate >= _MASKED) & (fate < _MASKED + _REPLACED), others, seen)
        device = batch["input_ids"].device
        return {**batch, "input_ids": seen.to(device)}, labels.to(device)

    @property
    def digest(self) -> str:
        """Return a hash of the vocabulary and the special tokens, which together determine the masking."""
        vocabulary = sorted(self.tokenizer.get_vocab().items(), key=lambda item: item[1])
        facts = [vocabulary, sorted(self.tokenizer.all_special_ids)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _words(self, ids: Tensor, special: Tensor) -> Tensor:
        """Return the position of the first token of each token's word, int64, shape (rows, tokens)."""
        places = torch.arange(ids.shape[1]).expand(ids.shape)
        if self.unit == "token" or self._goes_on is None:
            return places
        after_special = torch.cat([torch.ones_like(special[:, :1]), special[:, :-1]], 1)
        begins = ~self._goes_on[ids] | special | after_special
        return places.masked_fill(~begins, 0).cummax(1).values

    @cached_property
    def _special(self) -> Tensor:
        special = torch.zeros(len(self.tokenizer), dtype=torch.bool)
        special[self.tokenizer.all_special_ids] = True
        return special

    @cached_property
    def _ordinary(self) -> Tensor:
        return torch.flatten(torch.nonzero(~self._special))

    @cached_property
    def _goes_on(self) -> Tensor | None:
        """Return for each token of the vocabulary whether it continues a word; ``None`` if that isn't marked."""
        tokens = [str(token) for token in self.tokenizer.convert_ids_to_tokens(list(range(len(self.tokenizer))))]
        if any(token.startswith(_GOES_ON) for token in tokens):
            return torch.tensor([token.startswith(_GOES_ON) for token in tokens])
        if any(token.startswith(_BEGINS) for token in tokens):
            return torch.tensor([not token.startswith(_BEGINS) for token in tokens])
        return None

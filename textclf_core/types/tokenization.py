"""How texts become token ids: the maximum length, and which part of a longer text is used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from textclf_core.types.option import Option

Percentile = Literal["p50", "p75", "p90", "p95", "p98", "p99", "p100"]
"""The length in tokens that covers that percentage of the training texts."""

Truncation = Literal["head", "tail", "head+tail"]
"""Which part of a text that is too long is used."""

_FILE = "tokenization.json"


@dataclass(frozen=True, kw_only=True)
class Tokenization:
    """The tokenization options, which apply to training, prediction and export alike.

    Trainers and strategies inherit them. The core replaces a percentile by its number of tokens, found on the training
    split, before it calls any hook of the plugin.
    """

    max_length: Annotated[
        int | Percentile | None,
        Option(
            "Maximum input length in tokens, special tokens included; p95 is the length that 95% of the training texts "
            "don't exceed. The model's limit if not set.",
            ge=3,
        ),
    ] = None
    truncation: Annotated[
        Truncation,
        Option(
            "Which part of a longer text is used: its first tokens, its last tokens, or first tokens for a quarter of "
            "the length and last tokens for the rest (Sun et al., 2019)."
        ),
    ] = "head"

    @property
    def length(self) -> int | None:
        """The maximum input length in tokens; ``None`` for the model's limit.

        Raises:
            ValueError: ``max_length`` is still a percentile.
        """
        if isinstance(self.max_length, str):
            raise ValueError(f"max_length={self.max_length}: replace it by a number first; see Encoder.covering_length")
        return self.max_length

    def save(self, directory: Path) -> None:
        """Write the options as JSON into a model's directory."""
        note = {"max_length": self.length, "truncation": self.truncation}
        (directory / _FILE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Tokenization:
        """Return what :meth:`save` wrote."""
        note = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        return Tokenization(max_length=note["max_length"], truncation=note["truncation"])


def share_of(percentile: Percentile) -> float:
    """Return the share of texts that a percentile stands for: 0.95 for ``"p95"``."""
    assert percentile in get_args(Percentile)
    return int(percentile[1:]) / 100

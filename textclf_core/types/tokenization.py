"""How texts become token ids: the longest input, and what of a longer text is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from textclf_core.types.option import Option

Percentile = Literal["p50", "p75", "p90", "p95", "p98", "p99", "p100"]
"""The length in tokens that covers so many percent of the texts to train on."""

Truncation = Literal["head", "tail", "head+tail"]
"""What of a text that is too long is kept."""

_FILE = "tokenization.json"


@dataclass(frozen=True, kw_only=True)
class Tokenization:
    """The options of whatever reads texts through a tokenizer, for training, prediction and export alike.

    A trainer or strategy that inherits it gets the number in the place of a percentile: the core finds it on the
    training split before any hook sees the plugin.
    """

    max_length: Annotated[
        int | Percentile | None,
        Option(
            "Longest input in tokens, special ones included; p95 is the length that 95% of train's texts don't exceed. "
            "The model's own limit if not set.",
            ge=3,
        ),
    ] = None
    truncation: Annotated[
        Truncation,
        Option(
            "What is kept of a longer text: its first tokens, its last ones, or a quarter of the room for the first "
            "and the rest for the last (Sun et al., 2019)."
        ),
    ] = "head"

    @property
    def length(self) -> int | None:
        """The longest input as a number; ``None`` for the model's own limit.

        Raises:
            ValueError: it is a percentile that nobody has looked up.
        """
        if isinstance(self.max_length, str):
            raise ValueError(f"max_length={self.max_length} is to be looked up first, by Encoder.covering_length")
        return self.max_length

    def save(self, directory: Path) -> None:
        """Write it as JSON beside a model."""
        note = {"max_length": self.length, "truncation": self.truncation}
        (directory / _FILE).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Tokenization:
        """Return what :meth:`save` wrote."""
        note = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        return Tokenization(max_length=note["max_length"], truncation=note["truncation"])


def share_of(percentile: Percentile) -> float:
    """Return the share of texts that a percentile stands for: 0.95 of ``"p95"``."""
    assert percentile in get_args(Percentile)
    return int(percentile[1:]) / 100

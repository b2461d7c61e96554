"""What a classifier has that reads texts through a tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.encoder.encoder import Encoder
    from textclf_core.types.tokenization import Tokenization


@runtime_checkable
class Tokenizing(Protocol):
    """A classifier that reads texts through a tokenizer: its run counts the texts that are truncated."""

    @property
    def encoder(self) -> Encoder:
        """What computes on the tokens."""
        ...

    @property
    def tokenization(self) -> Tokenization:
        """The longest input, and what of a longer text is kept."""
        ...

    def tokenize(self, data: Dataset) -> Dataset:
        """Return the rows of ``data`` as ``Encoder.tokenize`` makes them, in their order.

        A text that is read several times has that many rows, one after the other.
        """
        ...

"""The protocol of classifiers that tokenize their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.encoder.encoder import Encoder
    from textclf_core.types.tokenization import Tokenization


@runtime_checkable
class Tokenizing(Protocol):
    """A classifier that tokenizes its texts; its run counts the truncated ones."""

    @property
    def encoder(self) -> Encoder:
        """The encoder of the tokens."""
        ...

    @property
    def tokenization(self) -> Tokenization:
        """The maximum length, and which part of a longer text is used."""
        ...

    def tokenize(self, data: Dataset) -> Dataset:
        """Return the rows of ``data`` as from ``Encoder.tokenize``, in order.

        A text that is scored several times has several adjacent rows.
        """
        ...

"""What training returns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.encoder import Encoder
    from textclf_core.types.tokenization import Tokenization

    Scores = NDArray[np.float32] | list[NDArray[np.float32]]
    Labels = NDArray[np.int64] | list[NDArray[np.int64]]


@runtime_checkable
class Classifier(Protocol):
    """Turns texts into scores, and can be saved."""

    def scores(self, data: Dataset) -> Scores:
        """Return probabilities for the rows of ``data`` (its text columns are read), in its order.

        float32, shape (rows, labels); each row sums to 1, but in a multi-label task, where each number is the
        probability that the text has that label. In a task of tokens, a list of one such array for each row,
        shape (words, labels).
        """
        ...

    def save(self, directory: Path) -> None:
        """Write everything that ``textclf_load_classifier`` needs into ``directory``, which exists.

        Arrays as safetensors, the rest as JSON; never pickle.
        """
        ...


@runtime_checkable
class Tokenizing(Protocol):
    """A classifier that reads texts through a tokenizer: its run counts the texts that are cut."""

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

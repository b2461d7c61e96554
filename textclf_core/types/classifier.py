"""The protocol of the classifier that training returns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    Scores = NDArray[np.float32] | list[NDArray[np.float32]]
    Labels = NDArray[np.int64] | list[NDArray[np.int64]]


@runtime_checkable
class Classifier(Protocol):
    """Turn texts into scores; can be saved."""

    def scores(self, data: Dataset) -> Scores:
        """Return probabilities for the rows of ``data`` (its text columns are read), in its order.

        float32, shape (rows, labels). Each row sums to 1, except in a multi-label task, where each number is the
        probability that the text has that label. In a token task: a list with one such array per row, shape
        (words, labels).
        """
        ...

    def save(self, directory: Path) -> None:
        """Write everything that ``textclf_load_classifier`` needs into ``directory``, which exists.

        Arrays as safetensors, the rest as JSON; never pickle.
        """
        ...

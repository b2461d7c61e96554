"""What of the training rows has a label: each example once, or in a task of tokens each first sub-token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclf_core.encoder.words import NO_LABEL, WORD_STARTS

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray


def labels_of_rows(tokenized: Dataset) -> NDArray[np.int64]:
    """Return the labels of rows that ``Encoder.tokenize`` made, int64: (rows,), or of all their words (words,)."""
    if WORD_STARTS not in tokenized.column_names:
        return np.array(tokenized["label"], dtype=np.int64)
    flat = np.array([label for row in tokenized["label"][:] for label in row], dtype=np.int64)
    return np.asarray(flat[flat != NO_LABEL])


def labels_in_rows(tokenized: Dataset) -> NDArray[np.int64]:
    """Return how many labels each row has, int64, (rows,): one, or one a word."""
    if WORD_STARTS not in tokenized.column_names:
        return np.ones(len(tokenized), dtype=np.int64)
    return np.array([sum(label != NO_LABEL for label in row) for row in tokenized["label"][:]], dtype=np.int64)

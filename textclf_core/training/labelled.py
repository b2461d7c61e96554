"""What of the training rows has a label: each example once, or once for each label, or each first sub-token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from textclf_core.encoder.subtokens import NO_LABEL, WORD_STARTS

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor


def labels_of_rows(tokenized: Dataset) -> NDArray[np.int64]:
    """Return the labels of rows that ``Encoder.tokenize`` made, int64: (rows,), or of all their words (words,).

    In a multi-label task zeros and ones, (rows, labels).
    """
    if WORD_STARTS not in tokenized.column_names:
        return np.array(tokenized["label"], dtype=np.int64)
    flat = np.array([label for row in tokenized["label"][:] for label in row], dtype=np.int64)
    return np.asarray(flat[flat != NO_LABEL])


def labels_in_rows(tokenized: Dataset) -> NDArray[np.int64]:
    """Return how many terms of the loss each row has, int64, (rows,): one, or one a label, or one a word."""
    if WORD_STARTS not in tokenized.column_names:
        labels = labels_of_rows(tokenized)
        return np.full(len(labels), labels[0].size if len(labels) else 1, dtype=np.int64)
    return np.array([sum(label != NO_LABEL for label in row) for row in tokenized["label"][:]], dtype=np.int64)


def right_rows(logits: Tensor, labels: Tensor) -> Tensor:
    """Return for each row, or word, whether it gets the right label, or all of the right ones: bool, (rows,).

    Args:
        logits: shape (rows, labels).
        labels: as :func:`labels_of_rows` gives them.
    """
    if labels.ndim > 1:
        return ((logits >= 0) == labels.bool()).all(dim=-1)
    return logits.argmax(-1) == labels

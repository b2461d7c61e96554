"""Words and their sub-tokens: a word's label is that of its first sub-token, and its scores are read there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.errors import UsageError
from textclf_core.tasks.entities import OUTSIDE
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from textclf_core.types.task import Task

WORD_STARTS = "word_starts"
"""The column of tokenized words that holds, for each sub-token, the index of the word that it begins, or -1."""


def encode_words(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Sequence[str]]) -> dict[str, list[Any]]:
    """Return the token ids of rows of words, untruncated, with ``special_tokens_mask`` and ``WORD_STARTS``.

    Raises:
        UsageError: the tokenizer can't map sub-tokens to words.
    """
    if not tokenizer.is_fast:
        raise UsageError(
            f"the tokenizer {type(tokenizer).__name__} can't map sub-tokens to words, so words can't be labelled; "
            "choose a model with a fast tokenizer."
        )
    # Byte-level tokenizers (RoBERTa, ModernBERT) treat the space before a word as part of it, and split a word without
    # one differently. Their option for this, add_prefix_space, doesn't work in all of them.
    blank = " " if "add_prefix_space=False" in repr(tokenizer.backend_tokenizer.pre_tokenizer) else ""
    # Tokenizers refuse a row without words; an empty word has no sub-token.
    words = [[blank + word if word else "" for word in row] or [""] for row in rows]
    encoded = tokenizer(
        words, is_split_into_words=True, return_attention_mask=True, return_special_tokens_mask=True, verbose=False
    )
    return {**encoded, WORD_STARTS: [_starts(encoded.word_ids(row)) for row in range(len(rows))]}


def batch_of_labels(rows: Sequence[Mapping[str, Any]], longest: int) -> NDArray[np.int64]:
    """Return the labels of tokenized rows, int64, shape (rows,), (rows, labels), or (rows, tokens) for words.

    Args:
        rows: tokenized rows with their ``label``.
        longest: the number of tokens to which the labels of words are padded with ``NO_LABEL``.
    """
    if WORD_STARTS not in rows[0]:
        return np.array([row["label"] for row in rows])
    batch = np.full((len(rows), longest), NO_LABEL, dtype=np.int64)
    for place, row in zip(batch, rows, strict=True):
        place[: len(row["label"])] = row["label"]
    return batch


def labels_of_sub_tokens(starts: Sequence[int], labels: Sequence[int]) -> list[int]:
    """Return a label for each sub-token of a row: its word's label for the first one, ``NO_LABEL`` for the others."""
    return [NO_LABEL if word < 0 else labels[word] for word in starts]


def unseen_words(starts: Sequence[Sequence[int]], words: Sequence[int]) -> int:
    """Return the number of words without a sub-token, because they were truncated or are empty.

    Args:
        starts: the column ``WORD_STARTS``.
        words: the number of words in each row.
    """
    return sum(words) - sum(sum(word >= 0 for word in row) for row in starts)


@dataclass(frozen=True)
class WordPlaces:
    """The positions of the words' first sub-tokens in each row, and the offset of each row among all words."""

    positions: tuple[NDArray[np.int64], ...]
    offsets: NDArray[np.int64]

    @property
    def count(self) -> int:
        """The number of words with a sub-token."""
        return int(self.offsets[-1])

    def put(self, values: NDArray[np.float32], rows: Sequence[int], into: NDArray[np.float32]) -> None:
        """Copy a batch's scores, shape (rows, tokens, labels), into the array of all words, shape (words, labels)."""
        for of_row, row in zip(values, rows, strict=True):
            into[self.offsets[row] : self.offsets[row + 1]] = of_row[self.positions[row]]


def word_places(starts: Sequence[Sequence[int]]) -> WordPlaces:
    """Return the places of the words of tokenized rows."""
    positions = tuple(np.flatnonzero(np.asarray(row) >= 0) for row in starts)
    return WordPlaces(positions, np.cumsum([0, *map(len, positions)]))


def by_word(
    scores: NDArray[np.float32], starts: Sequence[Sequence[int]], words: Sequence[int], task: Task
) -> list[NDArray[np.float32]]:
    """Return the scores of each row's words, float32, shape (words, labels).

    A word without a sub-token gets the label ``O`` with a score of 1, or equal scores if the task has no ``O``.

    Args:
        scores: the scores of all words with a sub-token, row after row, float32, shape (words, labels).
        starts: the column ``WORD_STARTS``.
        words: the number of words in each row.
        task: the labels.
    """
    unseen = np.full(task.num_labels, 1 / task.num_labels, dtype=np.float32)
    if OUTSIDE in task.label_names:
        unseen = np.eye(task.num_labels, dtype=np.float32)[task.label_names.index(OUTSIDE)]
    found = []
    at = 0
    for row, count in zip(starts, words, strict=True):
        seen = [word for word in row if word >= 0]
        of_row = np.tile(unseen, (count, 1))
        of_row[seen] = scores[at : at + len(seen)]
        at += len(seen)
        found.append(of_row)
    return found


def _starts(word_ids: Sequence[int | None]) -> list[int]:
    """Return the index of the word that each sub-token begins, and -1 for other sub-tokens."""
    before = [None, *word_ids]
    return [-1 if word is None or word == last else word for word, last in zip(word_ids, before, strict=False)]

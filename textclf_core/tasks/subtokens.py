"""Words and their sub-tokens: a word's label stands on its first sub-token, and its scores are read there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.errors import UsageError
from textclf_core.tasks.entities import OUTSIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from textclf_core.types.task import Task

WORD_STARTS = "word_starts"
"""The column of tokenized words: for each sub-token the index of the word that begins with it, or -1."""

NO_LABEL = -100
"""The label of sub-tokens that have none; torch's cross-entropy leaves it out."""


def encode_words(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Sequence[str]]) -> dict[str, list[Any]]:
    """Return the token ids of rows of words, whole, with ``special_tokens_mask`` and ``WORD_STARTS``.

    Raises:
        UsageError: the tokenizer can't tell which sub-tokens a word became.
    """
    if not tokenizer.is_fast:
        raise UsageError(
            f"the tokenizer {type(tokenizer).__name__} can't tell which sub-tokens a word became, so words can't be "
            "labelled; choose a model with a fast tokenizer."
        )
    # Byte-level tokenizers (RoBERTa, ModernBERT) take the blank before a word for part of it, and know other sub-tokens
    # for a word without; their own option for it, add_prefix_space, isn't heeded by all of them.
    blank = " " if "add_prefix_space=False" in repr(tokenizer.backend_tokenizer.pre_tokenizer) else ""
    # A row without a word is refused by tokenizers; an empty word gives no sub-token.
    words = [[blank + word if word else "" for word in row] or [""] for row in rows]
    encoded = tokenizer(
        words, is_split_into_words=True, return_attention_mask=True, return_special_tokens_mask=True, verbose=False
    )
    return {**encoded, WORD_STARTS: [_starts(encoded.word_ids(row)) for row in range(len(rows))]}


def batch_of_labels(rows: Sequence[Mapping[str, Any]], longest: int) -> NDArray[np.int64]:
    """Return the labels of tokenized rows as one array: int64, (rows,) or (rows, labels); of words (rows, tokens).

    Args:
        rows: tokenized, with their ``label``.
        longest: to how many tokens those of words are filled up, with ``NO_LABEL``.
    """
    if WORD_STARTS not in rows[0]:
        return np.array([row["label"] for row in rows])
    batch = np.full((len(rows), longest), NO_LABEL, dtype=np.int64)
    for place, row in zip(batch, rows, strict=True):
        place[: len(row["label"])] = row["label"]
    return batch


def labels_of_sub_tokens(starts: Sequence[int], labels: Sequence[int]) -> list[int]:
    """Return a label for each sub-token of a row: its word's on the first, ``NO_LABEL`` on the others."""
    return [NO_LABEL if word < 0 else labels[word] for word in starts]


def unseen_words(starts: Sequence[Sequence[int]], words: Sequence[int]) -> int:
    """Return how many words have no sub-token, being cut off or empty.

    Args:
        starts: the column ``WORD_STARTS``.
        words: how many words each row has.
    """
    return sum(words) - sum(sum(word >= 0 for word in row) for row in starts)


@dataclass(frozen=True)
class WordPlaces:
    """Where the first sub-tokens are: for each row their positions, and the place of its first word among all words."""

    positions: tuple[NDArray[np.int64], ...]
    offsets: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many words have a sub-token."""
        return int(self.offsets[-1])

    def put(self, values: NDArray[np.float32], rows: Sequence[int], into: NDArray[np.float32]) -> None:
        """Put what a batch gave for its rows, (rows, tokens, labels), into an array of all words, (words, labels)."""
        for of_row, row in zip(values, rows, strict=True):
            into[self.offsets[row] : self.offsets[row + 1]] = of_row[self.positions[row]]


def word_places(starts: Sequence[Sequence[int]]) -> WordPlaces:
    """Return the places of the words of tokenized rows."""
    positions = tuple(np.flatnonzero(np.asarray(row) >= 0) for row in starts)
    return WordPlaces(positions, np.cumsum([0, *map(len, positions)]))


def by_word(
    scores: NDArray[np.float32], starts: Sequence[Sequence[int]], words: Sequence[int], task: Task
) -> list[NDArray[np.float32]]:
    """Return the scores of each row's words, float32, (words, labels).

    A word without a sub-token has the label ``O`` for certain, or, where the task has none, all labels alike.

    Args:
        scores: of the words that have a sub-token, of all rows in a row, float32, (words, labels).
        starts: the column ``WORD_STARTS``.
        words: how many words each row has.
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
    """Return the word of each sub-token that begins one, and -1 for the others."""
    before = [None, *word_ids]
    return [-1 if word is None or word == last else word for word, last in zip(word_ids, before, strict=False)]

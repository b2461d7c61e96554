"""Counting and hashing the rows of a split, a batch at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import Value

from textclf_core.data.plain_texts import json_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.tasks.kind import DataKind

_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class RowCounts:
    """What the record needs of the rows of one split.

    Attributes:
        sha256: hash of the texts and label names, in order.
        label_counts: the number of rows, or words, with each label, in the order of the labels.
        unknown_counts: the number of rows of which it is unknown whether they have each label.
        empty_texts: the number of rows without text.
        keys: a number for each row that is the same for equal texts, int64, shape (rows,).
        label_keys: a number for each row that is the same for equal labels, int64, shape (rows,).
        known: whether each row's labels are known in full, bool, shape (rows,).
    """

    sha256: str
    label_counts: tuple[int, ...]
    unknown_counts: tuple[int, ...]
    empty_texts: int
    keys: NDArray[np.int64]
    label_keys: NDArray[np.int64]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, kind: DataKind, split: Dataset) -> RowCounts:
        """Return the counts of a split."""
        digest, empty = hashlib.sha256(), 0
        keys: list[int] = []
        label_keys: list[int] = []
        known: list[NDArray[np.bool_]] = []
        counts, unknown = np.zeros((2, kind.task.num_labels), dtype=np.int64)
        for texts, labels, array in _batches(kind, split):
            names = kind.names(labels)
            rows = None if array is None else json_rows(array, _json_labels(names))
            if rows is not None:
                digest.update(rows)
            else:
                _add_rows(digest, texts if array is None else zip(texts, strict=True), names)
            counts += kind.label_counts(labels)
            entries = kind.unknown_entries(labels)
            unknown += entries.sum(axis=0)
            known.append(np.asarray(~entries.any(axis=1)))
            empty += len(texts) - sum(map(bool, map(str.strip, texts if array is not None else map("".join, texts))))
            keys += map(hash, texts)
            label_keys += map(hash, names if isinstance(names[0], str) else map(tuple, names))
        return cls(
            digest.hexdigest(),
            tuple(counts.tolist()),
            tuple(unknown.tolist()),
            empty,
            np.array(keys, dtype=np.int64),
            np.array(label_keys, dtype=np.int64),
            np.concatenate(known) if known else np.ones(0, dtype=bool),
        )

    @property
    def duplicates(self) -> int:
        """The number of rows whose text occurs earlier in the split."""
        ordered = np.sort(self.keys)  # np.unique is several times slower
        return int((ordered[1:] == ordered[:-1]).sum())

    def shared_with(self, other: RowCounts) -> int:
        """Return the number of rows whose text also occurs in another split."""
        ordered = np.sort(other.keys)
        places = np.searchsorted(ordered, self.keys).clip(max=len(ordered) - 1)
        return int((ordered[places] == self.keys).sum())


def conflicting_texts(splits: Sequence[RowCounts]) -> int:
    """Return the number of different texts that occur with different labels, in one split or in several.

    A row with an unknown entry doesn't count: what is unknown contradicts nothing.
    """
    keys = np.concatenate([one.keys[one.known] for one in splits])
    labels = np.concatenate([one.label_keys[one.known] for one in splits])
    order = np.lexsort((labels, keys))
    keys, labels = keys[order], labels[order]
    same = keys[1:] == keys[:-1]
    return len(np.unique(keys[1:][same & (labels[1:] != labels[:-1])]))


def text_keys(kind: DataKind, split: Dataset) -> NDArray[np.int64]:
    """Return a number for each row that is the same for equal texts, int64, shape (rows,)."""
    hashes = chain.from_iterable(map(hash, texts) for texts, _, _ in _batches(kind, split))
    return np.fromiter(hashes, np.int64, len(split))


def rows_sha256(texts: Iterable[Sequence[str]], labels: Iterable[str | Sequence[str | None]]) -> str:
    """Return the sha256 of rows, in order: each row's texts and its label name (or names, or its words' names)."""
    digest = hashlib.sha256()
    _add_rows(digest, texts, labels)
    return digest.hexdigest()


def _add_rows(digest: Any, texts: Iterable[Sequence[str]], labels: Iterable[str | Sequence[str | None]]) -> None:
    """Add rows as JSON lists, which is what ``json.dumps([*row, label])`` gives, several times faster."""
    text = encode_basestring_ascii
    lasts = _json_labels(labels)
    rows = [f"[{', '.join([*map(text, row), last])}]" for row, last in zip(texts, lasts, strict=True)]
    digest.update("".join(rows).encode())


def _json_labels(labels: Iterable[str | Sequence[str | None]]) -> list[str]:
    known: dict[str, str] = {}
    return [
        (known.get(label) or known.setdefault(label, encode_basestring_ascii(label)))
        if isinstance(label, str)
        else json.dumps(list(label))
        for label in labels
    ]


def _batches(kind: DataKind, split: Dataset) -> Iterator[tuple[list[Any], list[Any], pa.StringArray | None]]:
    """Yield the texts and the labels of the rows, a batch at a time.

    The texts of a row are a tuple; a single text is a string, and the third value has all of them as Arrow does.
    """
    names = [*kind.task.text_columns, "label"]
    columns = split.select_columns(names)
    is_one = len(names) == 2 and split.features[names[0]] == Value("string")
    for start in range(0, len(split), _BATCH_ROWS):
        batch = columns.select(range(start, min(start + _BATCH_ROWS, len(split))))
        if is_one:
            table = batch.with_format("arrow")[:]
            array = table[names[0]].combine_chunks()
            yield array.to_pylist(), table["label"].to_pylist(), array
        else:
            batch = batch.with_format(None)
            yield kind.texts(batch), batch["label"][:], None

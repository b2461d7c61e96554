"""Rows of numbers on disk, found by key: written by any number of processes, whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

KEY_BYTES = 16
INDEX_ENTRY = np.dtype([("key", f"V{KEY_BYTES}"), ("start", np.int64), ("count", np.int32)])
INDEX_SUFFIX = ".index"
_SEGMENT_BYTES = 128 * 2**20


class RowStore:
    """Arrays of shape (tokens, width), float32, one a row, by the row's key.

    The rows lie in segments, files that appear whole by being renamed and never change. So readers need no lock, a
    writer that is killed leaves a part file that nobody reads, and a row that two processes wrote is there twice, with
    the same bits. Rows are read with ``preadv`` straight to where they are wanted: what a memory map touches would
    count as the process's own memory, and page by page is slower.

    Args:
        directory: the store's own; made when the first row is written.
        width: numbers a token.
    """

    def __init__(self, directory: Path, width: int) -> None:
        self.directory = directory
        self.width = width
        self._place: dict[bytes, tuple[int, int, int]] = {}
        self._files: list[int] = []
        self._known: set[str] = set()
        self.refresh()

    def refresh(self) -> None:
        """Take in what other processes have written since."""
        for index in sorted(self.directory.glob(f"*{INDEX_SUFFIX}")):
            if index.name in self._known:
                continue
            try:
                file = os.open(index.with_suffix(".rows"), os.O_RDONLY)
                entries = np.fromfile(index, dtype=INDEX_ENTRY)
            except FileNotFoundError:  # removed in the meantime, to make room
                continue
            self._known.add(index.name)
            self._files.append(file)
            number = len(self._files) - 1
            for key, start, count in zip(entries["key"], entries["start"], entries["count"], strict=True):
                self._place.setdefault(key.tobytes(), (number, int(start), int(count)))

    def __contains__(self, key: bytes) -> bool:
        return key in self._place

    def __len__(self) -> int:
        return len(self._place)

    def tokens(self, key: bytes) -> int:
        """Return how many tokens a row has."""
        return self._place[key][2]

    def read(self, keys: Sequence[bytes]) -> NDArray[np.float32]:
        """Return rows, float32, shape (rows, most tokens, width); what a row doesn't fill is 0."""
        places = [self._place[key] for key in keys]
        longest = max(count for _, _, count in places)
        rows = np.empty((len(keys), longest, self.width), dtype=np.float32)
        for row, place in zip(rows, places, strict=True):
            self._read(place, row[: place[2]])
            row[place[2] :] = 0
        return rows

    def read_into(self, keys: Sequence[bytes], tokens: NDArray[np.float32]) -> None:
        """Read rows one after another into an array, float32, shape (their tokens together at least, width)."""
        end = 0
        for place in (self._place[key] for key in keys):
            begin, end = end, end + place[2]
            self._read(place, tokens[begin:end])

    def _read(self, place: tuple[int, int, int], into: NDArray[np.float32]) -> None:
        file, start, _ = place
        if os.preadv(self._files[file], [into.data.cast("B")], start) != into.nbytes:
            raise OSError(f"{self.directory}: a segment of the cache is shorter than its index says")

    def writer(self) -> RowWriter:
        """Return a writer of new rows; they can be read once it has published them."""
        return RowWriter(self)

    def close(self) -> None:
        """Give the files back."""
        for file in self._files:
            os.close(file)
        self._files.clear()
        self._place.clear()
        self._known.clear()

    def __del__(self) -> None:
        self.close()


def remove_unpublished(directory: Path) -> None:
    """Remove what killed writers left in a store that nobody is writing to."""
    published = {index.stem for index in directory.glob(f"*{INDEX_SUFFIX}")}
    for file in (*directory.glob("*.partial"), *directory.glob("*.rows")):
        if file.stem not in published:
            file.unlink(missing_ok=True)


class RowWriter:
    """Appends rows to segments; on leaving its ``with`` block without an error, publishes the last."""

    def __init__(self, store: RowStore) -> None:
        self._store = store
        self._entries: list[tuple[bytes, int, int]] = []
        self._bytes = 0
        self.written_bytes = 0

    def __enter__(self) -> RowWriter:
        self._store.directory.mkdir(parents=True, exist_ok=True)
        self._begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._publish()
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def write(self, keys: Iterable[bytes], rows: NDArray[np.float32]) -> None:
        """Append rows, float32, shape (rows, tokens, width)."""
        keys = list(keys)
        self._file.write(np.ascontiguousarray(rows, dtype=np.float32).tobytes())
        size = rows[0].nbytes
        for key in keys:
            self._entries.append((key, self._bytes, rows.shape[1]))
            self._bytes += size
        if self._bytes >= _SEGMENT_BYTES:
            self._publish()
            self._begin()

    def _begin(self) -> None:
        name = uuid.uuid4().hex
        self._partial = self._store.directory / f"{name}.partial"
        self._file = self._partial.open("wb")
        self._entries, self._bytes = [], 0

    def _publish(self) -> None:
        """Let everyone see the segment: the rows first, then the index that makes them known."""
        self._file.close()
        if not self._entries:
            return
        rows = self._partial.with_suffix(".rows")
        index = self._partial.with_suffix(INDEX_SUFFIX)
        self._partial.rename(rows)
        entries = np.array([(np.void(key), start, count) for key, start, count in self._entries], dtype=INDEX_ENTRY)
        unseen = index.with_suffix(".partial")
        entries.tofile(unseen)
        unseen.rename(index)
        self.written_bytes += self._bytes
        self._store.refresh()

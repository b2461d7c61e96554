"""Arrays on disk, found by key; any number of processes may write them, and a row is stored whole or not at all."""

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
ROWS_SUFFIX = ".rows"
FACTS_FILE = "facts.json"
"""The file of a store or a product that describes it; that of a product is written last."""
_SEGMENT_BYTES = 128 * 2**20


class RowStore:
    """Rows by key; a row is an array of float32, shape (tokens, width).

    The rows lie in segments: files that are renamed into place when complete and never change. So readers need no lock,
    a writer that is killed leaves a partial file that nobody reads, and a row that two processes wrote is stored twice,
    with the same bits. Rows are read with ``preadv`` into the caller's array: the pages of a memory map would count as
    the process's memory, and reading page by page is slower.

    Args:
        directory: the store's directory, which is made when the first row is written.
        width: how many numbers each token has.
    """

    def __init__(self, directory: Path, width: int) -> None:
        self.directory = directory
        self.width = width
        self._place: dict[bytes, tuple[int, int, int]] = {}
        self._files: list[int] = []
        self._known: set[str] = set()
        self.refresh()

    def refresh(self) -> None:
        """Find the rows that other processes have written since the last call."""
        for index in sorted(self.directory.glob(f"*{INDEX_SUFFIX}")):
            if index.name in self._known:
                continue
            try:
                file = os.open(index.with_suffix(ROWS_SUFFIX), os.O_RDONLY)
                entries = np.fromfile(index, dtype=INDEX_ENTRY)
            except FileNotFoundError:  # removed in the meantime to free space
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
        """Return rows, float32, shape (rows, tokens of the longest, width), padded with 0."""
        places = [self._place[key] for key in keys]
        longest = max(count for _, _, count in places)
        rows = np.empty((len(keys), longest, self.width), dtype=np.float32)
        for row, place in zip(rows, places, strict=True):
            self._read(place, row[: place[2]])
            row[place[2] :] = 0
        return rows

    def read_into(self, keys: Sequence[bytes], tokens: NDArray[np.float32]) -> None:
        """Read rows one after another into ``tokens``, float32, shape (at least their total tokens, width)."""
        end = 0
        for place in (self._place[key] for key in keys):
            begin, end = end, end + place[2]
            self._read(place, tokens[begin:end])

    def _read(self, place: tuple[int, int, int], into: NDArray[np.float32]) -> None:
        file, start, _ = place
        if os.preadv(self._files[file], [into.data.cast("B")], start) != into.nbytes:
            raise OSError(f"{self.directory}: a segment of the cache is shorter than its index says")

    def writer(self) -> RowWriter:
        """Return a writer of new rows, which can be read once it has published them."""
        return RowWriter(self)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            os.close(file)
        self._files.clear()
        self._place.clear()
        self._known.clear()

    def __del__(self) -> None:
        self.close()


def remove_unpublished(directory: Path) -> None:
    """Remove the files that killed writers left in a store; no process may be writing to it."""
    published = {index.stem for index in directory.glob(f"*{INDEX_SUFFIX}")}
    for file in (*directory.glob("*.partial"), *directory.glob(f"*{ROWS_SUFFIX}")):
        if file.stem not in published:
            file.unlink(missing_ok=True)


class RowWriter:
    """Append rows to segments; the last segment is published when the ``with`` block ends without an error."""

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
        """Make the segment visible to readers: the rows first, then the index by which they are found."""
        self._file.close()
        if not self._entries:
            return
        rows = self._partial.with_suffix(ROWS_SUFFIX)
        index = self._partial.with_suffix(INDEX_SUFFIX)
        self._partial.rename(rows)
        entries = np.array([(np.void(key), start, count) for key, start, count in self._entries], dtype=INDEX_ENTRY)
        unseen = index.with_suffix(".partial")
        entries.tofile(unseen)
        unseen.rename(index)
        self.written_bytes += self._bytes
        self._store.refresh()

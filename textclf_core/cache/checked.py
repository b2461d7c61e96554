"""A store of rows that is read only after one of its rows has been recomputed and compared."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray

from textclf_core.cache.folder import CacheFolder
from textclf_core.cache.rows import RowStore, RowWriter

logger = logging.getLogger("textclf")


# With several threads, a row computed alone may round differently than one computed in a batch. A row from a different
# computation differs by far more.
_TOLERANCE = 1e-4


class CheckedStore:
    """A store of rows that recomputes one stored row, and compares it up to rounding, before any row is read.

    Args:
        folder: the cache.
        key: the store's key.
        width: how many numbers each token has.

    Attributes:
        key: the store's key.
        rows: the store; a new, empty one after the old one was set aside.
    """

    def __init__(self, folder: CacheFolder, key: str, width: int) -> None:
        self.key = key
        self.rows: RowStore = folder.open(key, width)
        self._folder = folder
        self._width = width
        self._written_here: set[bytes] = set()
        self._is_checked = False

    def __contains__(self, key: bytes) -> bool:
        return key in self.rows

    def writer(self, keys: Iterable[bytes]) -> RowWriter:
        """Return a writer for the rows of these keys; rows written by this process aren't checked."""
        self._written_here |= set(keys)
        return self.rows.writer()

    def reopen(self) -> None:
        """Open the store again, as another process that shares the run may have set it aside."""
        self.rows = self._folder.open(self.key, self._width)

    def check(
        self, keys: Sequence[bytes], compute: Callable[[bytes], NDArray[np.float32]], *, locked: bool = False
    ) -> None:
        """Recompute one stored row of those requested, unless the store was checked since it was opened.

        If the stored row differs, the store is set aside with a warning, and an empty one takes its place.

        Args:
            keys: the keys of the requested rows.
            compute: returns the row of a key, float32, shape (tokens, width).
            locked: whether this process holds the store's lock (:meth:`CacheFolder.filling`).
        """
        if self._is_checked:
            return
        key = min((key for key in keys if key in self.rows and key not in self._written_here), default=None)
        if key is None:
            return
        self._is_checked = True
        row = compute(key)
        if self._agrees(key, row):
            return
        with nullcontext() if locked else self._folder.filling(self.key):
            self.rows = self._folder.open(self.key, self._width)
            if self._agrees(key, row):  # another process has set the store aside already
                return
            aside = self._folder.set_aside(self.key)
            self.rows = self._folder.open(self.key, self._width)
        logger.warning(
            "a row in the cache differs from what this run computes: a run with other plugins or libraries wrote it, "
            "or the file is damaged. The store was set aside as %s: no run reads it, and its rows are computed "
            "again. `textclf cache` lists it, `textclf cache clear` removes it",
            aside,
        )

    def _agrees(self, key: bytes, row: NDArray[np.float32]) -> bool:
        if key not in self.rows:
            return True
        try:
            stored = self.rows.read([key])[0]
            return stored.shape == row.shape and bool(np.allclose(stored, row, rtol=_TOLERANCE, atol=_TOLERANCE))
        except OSError:  # the file is shorter than its index says
            return False

"""A store of rows that is believed only after one of its rows was computed anew."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray

from textclf_core.cache.folder import CacheFolder
from textclf_core.cache.rows import RowStore, RowWriter

logger = logging.getLogger("textclf")


# On several threads a row that is computed by itself may round otherwise than beside others; another computation is far
# off.
_TOLERANCE = 1e-4


class CheckedStore:
    """A store of rows, opened once; before the first is read, one is computed anew and compared, to rounding.

    Args:
        folder: the cache.
        key: the store's.
        width: numbers a token.

    Attributes:
        key: the store's.
        rows: the store; another one once it was set aside.
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
        """Return a writer of the rows of these keys, which need no check here."""
        self._written_here |= set(keys)
        return self.rows.writer()

    def check(
        self, keys: Sequence[bytes], compute: Callable[[bytes], NDArray[np.float32]], *, locked: bool = False
    ) -> None:
        """Compute one of the wanted rows anew, if one is there and none was since the store was opened.

        A store that has another row is set aside, with a warning, and an empty one takes its place.

        Args:
            keys: the wanted rows'.
            compute: computes one of them, float32, shape (tokens, width).
            locked: whether this process fills the store at the moment (:meth:`CacheFolder.filling`).
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
            if self._agrees(key, row):  # another process saw it first
                return
            aside = self._folder.set_aside(self.key)
            self.rows = self._folder.open(self.key, self._width)
        logger.warning(
            "a row in the cache isn't what this run computes: another run, whose plugins or libraries compute "
            "otherwise, wrote it, or the file was damaged. The store was set aside as %s: nobody reads it, and its "
            "rows are computed anew. `textclf cache` lists it, `textclf cache clear` removes it",
            aside,
        )

    def _agrees(self, key: bytes, row: NDArray[np.float32]) -> bool:
        if key not in self.rows:
            return True
        try:
            stored = self.rows.read([key])[0]
            return stored.shape == row.shape and bool(np.allclose(stored, row, rtol=_TOLERANCE, atol=_TOLERANCE))
        except OSError:  # shorter than its index says
            return False

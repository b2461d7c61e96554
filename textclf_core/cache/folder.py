"""The cache's folder: stores of rows, and other products, within a limit on their size."""

from __future__ import annotations

import itertools
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from textclf_core.cache.remote_stores import remote_stores
from textclf_core.cache.rows import FACTS_FILE, INDEX_ENTRY, INDEX_SUFFIX, RowStore, remove_unpublished
from textclf_core.errors import UsageError
from textclf_core.system.cache_directory import default_cache_directory

logger = logging.getLogger("textclf")

LIMIT_VARIABLE = "TEXTCLF_CACHE_LIMIT"
_MOST_BYTES = 10 * 10**9
_SHARE_OF_FREE = 0.1
_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True)
class StoreInfo:
    """One store of the cache, or one product.

    Attributes:
        key: the name of its folder.
        about: a description of the rows or of the product, for the user.
        bytes: its size on disk.
        rows: how many rows it has; 0 for a product.
        used: when it was last used, in seconds since the Unix epoch.
    """

    key: str
    about: str
    bytes: int
    rows: int
    used: float


class CacheFolder:
    """Stores of rows and products, each in a folder named by its key, with a limit on their total size.

    If the directory is the copy of one behind a URL, what is there is copied when it is asked for, and what runs add is
    uploaded. The limit is that of the copy.

    Args:
        directory: the cache's directory; the user's cache if not given.
        limit_bytes: the limit. If not given: ``TEXTCLF_CACHE_LIMIT``, or else 10 GB or a tenth of the disk's free space
            and the cache together, whichever is less.
    """

    def __init__(self, directory: Path | None = None, limit_bytes: int | None = None) -> None:
        self.directory = directory or default_cache_directory()
        self._stores = self.directory / "prefix"
        self._remote = remote_stores(self._stores)
        self._limit_bytes = limit_bytes
        self._released: set[str] = set()

    @cached_property
    def limit_bytes(self) -> int:
        """How many bytes all stores together may take.

        Raises:
            UsageError: ``TEXTCLF_CACHE_LIMIT`` isn't a size.
        """
        if self._limit_bytes is not None:
            return self._limit_bytes
        if text := os.environ.get(LIMIT_VARIABLE):
            return parse_size(text)
        existing = next(place for place in (self.directory, *self.directory.absolute().parents) if place.exists())
        available = shutil.disk_usage(existing).free + self.bytes()
        return min(_MOST_BYTES, int(_SHARE_OF_FREE * available))

    def open(self, key: str, width: int) -> RowStore:
        """Return the store of a key; it is empty if nothing has been written to it."""
        if self._remote:
            self._remote.fetch_rows(key, lambda wanted: self.make_room(wanted, keep=key))
        store = RowStore(self._stores / key, width)
        if store.directory.is_dir():
            os.utime(store.directory)
        return store

    def release(self, key: str) -> None:
        """Mark a store as no longer needed: :meth:`remove_released` removes it."""
        self._released.add(key)

    def remove_released(self, keep: str) -> None:
        """Remove the released stores, except the store ``keep``."""
        for key in self._released - {keep}:
            self.remove(key)
        self._released &= {keep}

    def describe(self, key: str, about: str) -> None:
        """Write the description of a store's rows, which :meth:`list` returns."""
        directory = self._stores / key
        directory.mkdir(parents=True, exist_ok=True)
        unseen = directory / f"{FACTS_FILE}.{os.getpid()}"  # other processes may read it at any moment
        unseen.write_text(json.dumps({"about": about}), encoding="utf-8")
        unseen.replace(directory / FACTS_FILE)

    @contextmanager
    def filling(self, key: str) -> Iterator[None]:
        """Keep other processes from filling or removing the store while the block runs."""
        from filelock import FileLock

        self._stores.mkdir(parents=True, exist_ok=True)
        with FileLock(self._stores / f"{key}.lock"):
            remove_unpublished(self._stores / key)
            yield
            if self._remote:
                self._remote.send_rows(key)

    @contextmanager
    def product(self, key: str, make: Callable[[Path], None], about: str) -> Iterator[Path]:
        """Yield the folder of a product, which ``make`` fills if it doesn't exist yet.

        The description ``about`` is written last, so a folder without it is incomplete (its process was killed) and is
        made again. A product that is larger than the limit is removed when the block ends.
        """
        from filelock import FileLock

        place = self._stores / key
        self._stores.mkdir(parents=True, exist_ok=True)
        cached = True
        with FileLock(self._stores / f"{key}.lock"):
            if not (place / FACTS_FILE).is_file():
                shutil.rmtree(place, ignore_errors=True)
                if self._remote is None or not self._remote.fetch_product(key, place):
                    place.mkdir()
                    make(place)
                    self.describe(key, about)
                    if self._remote:
                        self._remote.send_product(key)
                cached = self.make_room(0, keep=key)
            os.utime(place)
            try:
                yield place
            finally:
                if not cached:
                    logger.info("not cached for other runs: the cache is too small (TEXTCLF_CACHE_LIMIT): %s", about)
                    shutil.rmtree(place)

    def make_room(self, wanted: int, keep: str) -> bool:
        """Remove the least recently used stores until ``wanted`` more bytes fit within the limit.

        Args:
            wanted: how many bytes are about to be written.
            keep: the key of the store that they are for, which isn't removed.

        Returns:
            Whether they fit now.
        """
        stores = self.list()
        total = sum(store.bytes for store in stores)
        own = sum(store.bytes for store in stores if store.key == keep)
        if own + wanted > self.limit_bytes:
            return False
        for store in sorted(stores, key=lambda one: one.used):
            if total + wanted <= self.limit_bytes:
                break
            if store.key != keep and self.remove(store.key):
                total -= store.bytes
        return total + wanted <= self.limit_bytes

    def remove(self, key: str) -> bool:
        """Remove a store, unless a process is filling it; return whether it was removed.

        Processes that have the store open can go on reading it.
        """
        from filelock import FileLock, Timeout

        try:
            with FileLock(self._stores / f"{key}.lock", timeout=0):
                shutil.rmtree(self._stores / key, ignore_errors=True)
        except Timeout:
            return False
        return True

    def set_aside(self, key: str) -> str:
        """Rename a store whose lock this process holds, so that no run finds it; return its new key.

        What is behind a URL is removed there.
        """
        place = self._stores / key
        about = _about(place / FACTS_FILE)
        aside = next(
            name
            for name in (f"{key}.set-aside-{number}" for number in itertools.count(1))
            if not (self._stores / name).exists()
        )
        place.rename(self._stores / aside)
        if self._remote:
            self._remote.remove(key)
        self.describe(aside, f"set aside because a row differed: {about}")
        return aside

    def clear(self) -> int:
        """Remove all stores that no process is filling, and return how many bytes that freed."""
        return sum(store.bytes for store in self.list() if self.remove(store.key))

    def bytes(self) -> int:
        """Return the total size of the stores in bytes."""
        return sum(store.bytes for store in self.list())

    def list(self) -> list[StoreInfo]:
        """Return the stores, most recently used first."""
        if not self._stores.is_dir():
            return []
        found = [_info(directory) for directory in self._stores.iterdir() if directory.is_dir()]
        return sorted((store for store in found if store), key=lambda store: -store.used)


def _info(directory: Path) -> StoreInfo | None:
    """Return the facts of a store; ``None`` if it was removed in the meantime."""
    try:
        sizes = {path: path.stat().st_size for path in directory.iterdir()}
        used = directory.stat().st_mtime
    except FileNotFoundError:
        return None
    facts = directory / FACTS_FILE
    about = _about(facts)
    rows = sum(size for path, size in sizes.items() if path.suffix == INDEX_SUFFIX) // INDEX_ENTRY.itemsize
    return StoreInfo(directory.name, about, sum(sizes.values()), rows, used)


def _about(facts: Path) -> str:
    """Return the description of a store; ``"unknown"`` if none has been written yet."""
    try:
        about: str = json.loads(facts.read_text(encoding="utf-8"))["about"]
    except FileNotFoundError:
        return "unknown"
    return about


def parse_size(text: str) -> int:
    """Return the number of bytes for a size such as ``20G``, ``500M`` or ``1000000``.

    Raises:
        UsageError: the text isn't a size.
    """
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in _UNITS else (text, "")
    try:
        size = float(number)
    except ValueError:
        size = -1
    if size < 0:
        raise UsageError(f"{LIMIT_VARIABLE}={text} isn't a size; write one such as 20G or 500M, or a number of bytes.")
    return int(size * _UNITS.get(unit, 1))

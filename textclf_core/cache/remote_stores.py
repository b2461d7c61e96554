"""The stores of a cache behind a URL, and their copies on this machine, from which runs read."""

from __future__ import annotations

import json
import logging
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from textclf_core.cache.rows import FACTS_FILE, INDEX_SUFFIX, ROWS_SUFFIX
from textclf_core.errors import UsageError
from textclf_core.storage.places import url_of
from textclf_core.storage.remote import RemoteFolder, remote_folder
from textclf_core.storage.whole import FILES, ChangedError, FileList, download, file_facts, upload

logger = logging.getLogger("textclf")

_SEALED = ".sealed"
_FETCHED = "fetched"
_DAMAGED = "removed from the cache, and computed again: %s"


def remote_stores(folder: Path) -> RemoteStores | None:
    """Return the stores behind the URL whose copy is at a path; ``None`` if it isn't a copy."""
    url = url_of(folder)
    return RemoteStores(folder, url) if url else None


class RemoteStores:
    """The stores behind a URL.

    The segments of a store never change. A segment is uploaded before the file ``SEGMENT.sealed``, which has the sizes
    and hashes of its files: without it, it isn't there. A product is a folder that is written whole or not at all. A
    cache that can't be reached, or has something damaged, costs time alone: it is logged, and the run goes on without.

    Args:
        folder: the folder of the copies.
        url: its URL.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self._is_lost = False

    def fetch_rows(self, key: str, fits: Callable[[int], bool]) -> None:
        """Download the segments of a store that aren't on this machine.

        Args:
            key: the store's key.
            fits: takes a number of bytes; returns whether there is room for them.
        """
        with self._tolerated() as remote:
            if remote is None:
                return
            store = self.folder / key
            sealed = [name for name in remote.list(key) if name.endswith(_SEALED)]
            missing = [name for name in sealed if not _has_segment(store, name.removesuffix(_SEALED))]
            found = remote.read_all(f"{key}/{name}" for name in missing)
            seals = {name: seal for name, content in found.items() if (seal := _sealed(content)) is not None}
            wanted = sum(size for seal in seals.values() for size, _ in seal.values())
            if not seals:
                return
            if not fits(wanted):
                logger.info("%.1f GB of %s aren't copied: the cache's limit is too small", wanted / 1e9, self.url)
                return
            store.mkdir(parents=True, exist_ok=True)
            for name, seal in seals.items():
                try:
                    self._fetch_segment(remote, key, seal)
                except ChangedError as error:
                    logger.warning(_DAMAGED, error)
                    remote.remove(name)
            about = store / FACTS_FILE
            if not about.exists() and (text := remote.read(f"{key}/{FACTS_FILE}")) is not None:
                about.write_bytes(text)

    def send_rows(self, key: str) -> None:
        """Upload the segments of a store that aren't behind the URL."""
        store = self.folder / key
        segments = {path.stem for path in store.glob(f"*{INDEX_SUFFIX}") if _has_segment(store, path.stem)}
        if not segments:
            return
        with self._tolerated() as remote:
            if remote is None:
                return
            there = set(remote.list(key))
            if FACTS_FILE not in there and (store / FACTS_FILE).exists():
                remote.put(store / FACTS_FILE, f"{key}/{FACTS_FILE}")
            for segment in sorted(segments):
                if f"{segment}{_SEALED}" in there:
                    continue
                files = [f"{segment}{ROWS_SUFFIX}", f"{segment}{INDEX_SUFFIX}"]
                for file in files:
                    remote.put(store / file, f"{key}/{file}")
                seal = {file: file_facts(store / file) for file in files}
                remote.write(f"{key}/{segment}{_SEALED}", json.dumps(seal).encode())

    def fetch_product(self, key: str, place: Path) -> bool:
        """Download a product into a folder that doesn't exist; return whether there is one."""
        partial = place.with_name(f"{place.name}.{uuid.uuid4().hex}.{_FETCHED}")
        try:
            with self._tolerated() as remote:
                files = FileList.parsed(remote.read(f"{key}/{FILES}")) if remote else None
                if remote is None or files is None:
                    return False
                partial.mkdir(parents=True)
                try:
                    download(remote, key, files, partial, lambda _: True)
                except ChangedError as error:
                    logger.warning(_DAMAGED, error)
                    remote.remove(f"{key}/{FILES}")
                    return False
                partial.rename(place)
                return True
            return False
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def send_product(self, key: str) -> None:
        """Upload a product, unless there is one."""
        with self._tolerated() as remote:
            if remote is not None:
                upload(remote, self.folder / key, key, last=FACTS_FILE)

    def remove(self, key: str) -> None:
        """Remove a store behind the URL."""
        with self._tolerated() as remote:
            if remote is not None:
                remote.remove_folder(key)

    def _fetch_segment(self, remote: RemoteFolder, key: str, seal: dict[str, tuple[int, str]]) -> None:
        store, number = self.folder / key, uuid.uuid4().hex
        for file, facts in sorted(seal.items(), key=lambda one: one[0].endswith(INDEX_SUFFIX)):  # the rows first
            if Path(file).name != file or not file.endswith((ROWS_SUFFIX, INDEX_SUFFIX)):
                raise ChangedError(f"{self.url}/{key} lists {file!r}, which is no file of a segment")
            partial = store / f"{file}.{number}.{_FETCHED}"
            try:
                if not remote.get(f"{key}/{file}", partial) or file_facts(partial) != facts:
                    raise ChangedError(f"{self.url}/{key}/{file} isn't what was uploaded")
                partial.rename(store / file)
            finally:
                partial.unlink(missing_ok=True)

    @contextmanager
    def _tolerated(self) -> Iterator[RemoteFolder | None]:
        """Yield the folder behind the URL; ``None`` after it has failed. An error ends the block with a warning."""
        if self._is_lost:
            yield None
            return
        try:
            yield remote_folder(self.folder)
        except UsageError as error:
            self._is_lost = True
            logger.warning("the run goes on without the shared cache: %s", error)


def _sealed(content: bytes) -> dict[str, tuple[int, str]] | None:
    """Return the sizes and hashes of a segment's files; ``None`` if they are being written."""
    try:
        return {file: (int(size), str(digest)) for file, (size, digest) in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError):
        return None


def _has_segment(store: Path, segment: str) -> bool:
    return (store / f"{segment}{INDEX_SUFFIX}").exists() and (store / f"{segment}{ROWS_SUFFIX}").exists()

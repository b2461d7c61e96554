"""A folder behind a URL, by fsspec."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from textclf_core.errors import UsageError
from textclf_core.storage.places import url_of

_REQUESTS = 16
_STORES_OF_OBJECTS = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "tos", "r2"))
"""The protocols of stores that have no folders to be made; s3fs would make a bucket instead."""


def remote_folder(folder: Path) -> RemoteFolder | None:
    """Return the folder behind the URL whose copy is at a path; ``None`` if it isn't a copy.

    Raises:
        UsageError: the package of its protocol isn't installed, or the URL can't be used.
    """
    url = url_of(folder)
    return None if url is None else _open(url, os.getpid())


@lru_cache(maxsize=64)
def _open(url: str, process: int) -> RemoteFolder:
    """Return a folder; a process must not use what it inherited from the one that forked it."""
    return RemoteFolder(url)


def why_failed(error: Exception) -> str:
    """Return in one line why a call of fsspec failed; each protocol has errors of its own."""
    if isinstance(error, ImportError):  # fsspec names the package that a protocol needs
        extra = ': pip install "textclf-core[s3]"' if "s3fs" in str(error) else ""
        return f"{error}{extra}"
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"


class RemoteFolder:
    """Files in a folder behind a URL, each named by its path below it.

    All methods raise ``UsageError``, which names the URL, if the file system can't do what they ask for.

    Args:
        url: the URL of the folder, which needn't exist.

    Attributes:
        url: the URL of the folder.
        seen: for leases of others: their content, and when it was first seen, by the clock ``time.monotonic``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: dict[str, tuple[bytes, float]] = {}
        self._made: set[str] = set()
        with self._explained("be opened"):
            from fsspec.core import url_to_fs

            # What other machines write must be seen at once.
            system, root = url_to_fs(url, use_listings_cache=False)
        self._system: Any = system
        self._root = str(root).rstrip("/")
        protocols = system.protocol if isinstance(system.protocol, tuple) else (system.protocol,)
        self._has_folders = _STORES_OF_OBJECTS.isdisjoint(protocols)

    def list(self, name: str = "") -> list[str]:
        """Return the names of the files and folders directly in it, or in a subfolder; none if that doesn't exist."""
        folder = self._at(name).rstrip("/")
        with self._explained("be listed", name):
            try:
                found = self._system.ls(folder, detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
            paths = {str(path).rstrip("/") for path in found} - {folder}
            return sorted(path.rpartition("/")[2] for path in paths)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; ``None`` if it doesn't exist."""
        with self._explained("be read", name):
            try:
                content: bytes = self._system.cat_file(self._at(name))
            except (FileNotFoundError, NotADirectoryError):
                return None
            return content

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of those files that exist, by their names."""
        names = [*names]
        with self._threads() as map_:
            return {name: found for name, found in zip(names, map_(self.read, names), strict=True) if found is not None}

    def write(self, name: str, content: bytes) -> None:
        """Write a file, in place of an earlier one."""
        with self._explained("be written", name):
            self._make_parent(name)
            self._system.pipe_file(self._at(name), content)

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless it exists; return whether it was written.

        Of several processes that ask at once, one writes it, where the store has conditional writes (those of Amazon,
        Google and Azure have). Elsewhere it may be more than one.
        """
        with self._explained("be written", name):
            self._make_parent(name)
            try:
                if self._system.async_impl:
                    self._system.pipe_file(self._at(name), content, mode="create")
                else:
                    with self._system.open(self._at(name), "xb") as file:
                        file.write(content)
            except FileExistsError:
                return False
            except OSError as error:
                if _is_conflict(error):
                    return False
                raise
            return True

    def put(self, source: Path, name: str) -> None:
        """Upload a file of this machine."""
        with self._explained("be written", name):
            self._make_parent(name)
            self._system.put_file(str(source), self._at(name))

    def get(self, name: str, target: Path) -> bool:
        """Download a file; return whether it exists."""
        with self._explained("be read", name):
            try:
                self._system.get_file(self._at(name), str(target))
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        with self._explained("be removed", name), suppress(FileNotFoundError):
            self._system.rm_file(self._at(name))

    def remove_folder(self, name: str) -> None:
        """Remove a folder with all that is in it, if it exists."""
        with self._explained("be removed", name):
            # Not by rm(recursive=True), which takes [ and * in a path for a pattern.
            for path in self._system.find(self._at(name)):
                with suppress(FileNotFoundError):
                    self._system.rm_file(path)
            if self._has_folders:
                for path in sorted(self._system.find(self._at(name), withdirs=True), reverse=True):
                    with suppress(OSError):  # another process writes there
                        self._system.rmdir(path)
                self._made.clear()

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _make_parent(self, name: str) -> None:
        parent = self._at(name).rpartition("/")[0]
        if self._has_folders and parent not in self._made:
            self._system.makedirs(parent, exist_ok=True)
            self._made.add(parent)

    @contextmanager
    def _threads(self) -> Iterator[Any]:
        """Yield a function like ``map``, which asks a store of objects for several at once."""
        if not self._system.async_impl:
            yield map
            return
        with ThreadPoolExecutor(_REQUESTS) as pool:
            yield pool.map

    @contextmanager
    def _explained(self, what: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except UsageError:
            raise
        except Exception as error:
            where = f"{self.url}/{name}" if name else self.url
            raise UsageError(f"{where} can't {what}: {why_failed(error)}") from error


def _is_conflict(error: OSError) -> bool:
    """Return whether a store refused a conditional write, since another one came first."""
    response = getattr(error.__cause__, "response", None) or {}
    return response.get("Error", {}).get("Code") in ("PreconditionFailed", "ConditionalRequestConflict", "412")

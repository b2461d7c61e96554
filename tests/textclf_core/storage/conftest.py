"""Stores for the tests of remote folders, and machines that share nothing but them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem


class Unanswered:
    """A file that is written, but whose writer then hears, as after a second try, that it exists."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> Any:
        return self._file.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._file.__exit__(*error)
        raise FileExistsError


class WeakStore(MemoryFileSystem):
    """A store in memory whose connection breaks after so many uploads of files, and which loses so many answers."""

    protocol = "weak"
    store: dict[str, Any] = {}
    pseudo_dirs = [""]
    uploads_left = 10**6
    answers_lost = 0
    has_conditions = True

    def _open(self, path: Any, mode: str = "rb", *arguments: Any, **options: Any) -> Any:
        if mode == "xb":
            if not WeakStore.has_conditions:
                mode = "wb"
            elif WeakStore.answers_lost:
                WeakStore.answers_lost -= 1
                return Unanswered(super()._open(path, mode, *arguments, **options))
        return super()._open(path, mode, *arguments, **options)

    def put_file(self, lpath: Any, rpath: Any, **options: Any) -> None:
        if WeakStore.uploads_left == 0:
            raise OSError("the connection was reset")
        WeakStore.uploads_left -= 1
        super().put_file(lpath, rpath, **options)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(str(path).removeprefix("weak://")))


@pytest.fixture
def weak() -> Iterator[type[WeakStore]]:
    """The store behind ``weak://``, which is empty at first."""
    fsspec.register_implementation("weak", WeakStore, clobber=True)
    WeakStore.store, WeakStore.pseudo_dirs = {}, [""]
    WeakStore.uploads_left, WeakStore.answers_lost, WeakStore.has_conditions = 10**6, 0, True
    yield WeakStore
    WeakStore.clear_instance_cache()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Goes on as on another machine, with a cache and copies of its own: ``machine("first")``."""

    def change(name: str) -> None:
        monkeypatch.setenv("TEXTCLF_CACHE_DIR", str(tmp_path / "machines" / name))

    return change

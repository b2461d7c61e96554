"""The cache's folder: its location, its size limit, and the order of removal."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from textclf_core.cache import CacheFolder
from textclf_core.errors import UsageError
from textclf_core.system.cache_directory import default_cache_directory

KILOBYTE = np.zeros((1, 5, 50), dtype=np.float32)


def filled(folder: CacheFolder, key: str, used: float, rows: int = 1) -> None:
    with folder.filling(key):
        folder.describe(key, f"rows of {key}")
        with folder.open(key, width=50).writer() as writer:
            for row in range(rows):
                writer.write([row.to_bytes(16, "big")], KILOBYTE)
    os.utime(folder.directory / "prefix" / key, (used, used))


def test_stores_are_listed_the_last_used_first(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path)
    filled(folder, "old", used=1000)
    filled(folder, "new", used=2000, rows=3)
    new, old = folder.list()
    assert (new.key, new.about, new.rows) == ("new", "rows of new", 3)
    assert old.key == "old"
    assert folder.bytes() == new.bytes + old.bytes > 4 * KILOBYTE.nbytes


def test_using_a_store_makes_it_young(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path)
    filled(folder, "one", used=1000)
    filled(folder, "two", used=2000)
    folder.open("one", width=50)
    assert [store.key for store in folder.list()] == ["one", "two"]


def test_the_least_recently_used_makes_room(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, limit_bytes=4000)
    for used, key in enumerate(("first", "second", "third")):
        filled(folder, key, used=1000 + used)
    assert folder.make_room(1500, keep="first")
    assert {store.key for store in folder.list()} == {"first", "third"}


def test_what_is_larger_than_the_bound_removes_nothing(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path, limit_bytes=4000)
    filled(folder, "one", used=1000)
    assert not folder.make_room(4001, keep="other")
    assert [store.key for store in folder.list()] == ["one"]


def test_a_store_that_is_being_filled_stays(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path)
    filled(folder, "one", used=1000)
    with CacheFolder(tmp_path).filling("one"):
        assert folder.clear() == 0
    assert folder.clear() > 0
    assert folder.list() == []


def test_what_a_killed_writer_left_goes_before_the_next_writes(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path)
    filled(folder, "one", used=1000)
    left = [folder.directory / "prefix" / "one" / name for name in ("killed.partial", "before-its-index.rows")]
    for file in left:
        file.write_bytes(b"half")
    filled(folder, "one", used=2000)
    assert not any(file.exists() for file in left)
    assert len(folder.open("one", width=50)) == 1


def test_what_was_released_goes_when_the_next_is_written(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path)
    filled(folder, "shallow", used=1000)
    folder.release("shallow")
    assert [store.key for store in folder.list()] == ["shallow"]
    folder.remove_released(keep="deep")
    assert folder.list() == []


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTCLF_CACHE_DIR", "/here")
    assert default_cache_directory() == Path("/here")
    monkeypatch.delenv("TEXTCLF_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/desktop")
    assert default_cache_directory() == Path("/desktop/textclf")


@pytest.mark.parametrize(("text", "size"), [("20G", 20 * 10**9), ("1.5m", 1_500_000), ("1000", 1000)])
def test_a_bound_of_ones_own(text: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTCLF_CACHE_LIMIT", text)
    assert CacheFolder(tmp_path).limit_bytes == size


def test_the_default_bound_is_at_most_ten_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEXTCLF_CACHE_LIMIT", raising=False)
    assert 0 < CacheFolder(tmp_path / "not" / "yet").limit_bytes <= 10**10


def test_a_bound_that_is_no_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTCLF_CACHE_LIMIT", "much")
    with pytest.raises(UsageError, match="TEXTCLF_CACHE_LIMIT=much isn't a size; write one such as 20G"):
        _ = CacheFolder(tmp_path).limit_bytes

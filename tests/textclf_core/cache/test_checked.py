"""A store is believed once one of its rows was computed anew; one that differs is set aside."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from textclf_core.cache import CacheFolder
from textclf_core.cache.checked import CheckedStore

KEYS = [number.to_bytes(16, "big") for number in range(4)]


def row(key: bytes) -> NDArray[np.float32]:
    return np.full((2, 3), key[-1], dtype=np.float32)


def filled(folder: CacheFolder, keys: list[bytes] = KEYS) -> None:
    store = CheckedStore(folder, "one", width=3)
    with folder.filling("one"):
        folder.describe("one", "rows of one")
        with store.writer(keys) as writer:
            for key in keys:
                writer.write([key], row(key)[None])


def test_one_wanted_row_is_computed_once_an_opening(tmp_path: Path) -> None:
    folder, computed = CacheFolder(tmp_path), []
    filled(folder)

    def compute(key: bytes) -> NDArray[np.float32]:
        computed.append(key)
        return row(key)

    store = CheckedStore(folder, "one", width=3)
    store.check([b"not there yet".ljust(16)], compute)
    assert computed == []
    store.check(KEYS[1:], compute)
    store.check(KEYS, compute)
    assert computed == [KEYS[1]]
    CheckedStore(folder, "one", width=3).check(KEYS[1:], compute)
    assert computed == [KEYS[1], KEYS[1]]
    assert [one.key for one in folder.list()] == ["one"]


def test_what_was_written_here_needs_no_check(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path)
    store = CheckedStore(folder, "one", width=3)
    with folder.filling("one"), store.writer(KEYS) as writer:
        writer.write(KEYS, np.stack([row(key) for key in KEYS]))
    store.check(KEYS, lambda key: pytest.fail("computed again"))


@pytest.mark.parametrize("locked", [False, True])
def test_a_store_that_differs_is_renamed_listed_and_cleared(
    locked: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = CacheFolder(tmp_path)
    filled(folder)
    store = CheckedStore(folder, "one", width=3)
    with caplog.at_level(logging.WARNING, "textclf"):
        if locked:
            with folder.filling("one"):
                store.check(KEYS, lambda key: row(key) + 1, locked=True)
        else:
            store.check(KEYS, lambda key: row(key) + 1)
    assert "set aside as one.set-aside-1" in caplog.text
    assert not any(key in store for key in KEYS)
    [aside] = folder.list()
    assert (aside.key, aside.rows) == ("one.set-aside-1", 4)
    assert aside.about == "set aside because a row differed: rows of one"
    filled(folder)
    CheckedStore(folder, "one", width=3).check(KEYS, lambda key: row(key) + 1)
    assert {one.key for one in folder.list()} == {"one.set-aside-1", "one.set-aside-2"}
    assert folder.clear() > 0
    assert folder.list() == []


def test_a_store_that_another_process_made_anew_meanwhile_is_kept(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path)
    filled(folder)
    store = CheckedStore(folder, "one", width=3)

    def compute(key: bytes) -> NDArray[np.float32]:
        """Compute another row than the store has; the other process sets that store aside and writes it."""
        with folder.filling("one"):
            folder.set_aside("one")
            with folder.open("one", width=3).writer() as writer:
                writer.write([key], row(key)[None] + 1)
        return row(key) + 1

    store.check(KEYS, compute)
    assert KEYS[0] in store
    assert {one.key for one in folder.list()} == {"one", "one.set-aside-1"}


def test_a_file_that_is_too_short_differs(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path)
    filled(folder)
    [file] = (tmp_path / "prefix" / "one").glob("*.rows")
    file.write_bytes(b"")
    CheckedStore(folder, "one", width=3).check(KEYS, row)
    assert [one.key for one in folder.list()] == ["one.set-aside-1"]


@pytest.mark.parametrize(("off", "stays"), [(0.0, True), (1e-6, True), (1e-2, False), (np.nan, False)])
def test_a_store_stays_if_its_row_is_another_in_its_last_bits_alone(tmp_path: Path, off: float, stays: bool) -> None:
    """With several threads a row alone is rounded differently than in a batch."""
    folder, key, row = CacheFolder(tmp_path), b"0123456789abcdef", np.ones((3, 4), dtype=np.float32)
    with CheckedStore(folder, "store", 4).writer([key]) as writer:
        writer.write([key], row[None])
    store = CheckedStore(folder, "store", 4)
    store.check([key], lambda _: row + np.float32(off))
    assert (key in store) == stays

"""Rows on disk: whole or not there, whoever writes them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np

from textclf_core.cache import RowStore

ROWS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
KEYS = [b"a" * 16, b"b" * 16]


def test_what_is_written_is_read_padded_with_zeros(tmp_path: Path) -> None:
    store = RowStore(tmp_path / "store", width=4)
    with store.writer() as writer:
        writer.write(KEYS, ROWS)
        writer.write([b"c" * 16], ROWS[:1, :2])
    read = store.read([b"c" * 16, KEYS[1]])
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read[1], ROWS[1])
    np.testing.assert_array_equal(read[0, :2], ROWS[0, :2])
    assert not read[0, 2].any()
    assert writer.written_bytes == ROWS.nbytes + ROWS[0, :2].nbytes


def test_another_store_of_the_folder_sees_them_when_it_looks(tmp_path: Path) -> None:
    reader = RowStore(tmp_path, width=4)
    with RowStore(tmp_path, width=4).writer() as writer:
        writer.write(KEYS, ROWS)
        assert KEYS[0] not in RowStore(tmp_path, width=4), "before they are all there, nobody sees any"
    assert KEYS[0] not in reader
    reader.refresh()
    np.testing.assert_array_equal(reader.read(KEYS), ROWS)


def test_rows_that_were_removed_can_be_read_on(tmp_path: Path) -> None:
    store = RowStore(tmp_path, width=4)
    with store.writer() as writer:
        writer.write(KEYS, ROWS)
    for file in tmp_path.iterdir():
        file.unlink()
    np.testing.assert_array_equal(store.read(KEYS), ROWS)


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    store = RowStore(tmp_path, width=4)
    try:
        with store.writer() as writer:
            writer.write(KEYS, ROWS)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    script = """
        import sys, numpy as np
        from pathlib import Path
        from textclf_core.cache import RowStore
        with RowStore(Path(sys.argv[1]), width=4).writer() as writer:
            writer.write([b"a" * 16], np.ones((1, 3, 4), dtype=np.float32))
            print("written", flush=True)
            sys.stdin.read()
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"written\n"
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert len(RowStore(tmp_path, width=4)) == 0

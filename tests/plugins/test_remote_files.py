"""Files behind URLs are read as those on this machine, and messages name the URLs."""

from __future__ import annotations

import gzip
import logging
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

import textclf_core
from textclf_core.errors import DataError
from textclf_plugins.datasets.conll import Conll
from textclf_plugins.datasets.files import Files

LINES = ["text,label", *(f"text {n},{'good' if n % 2 else 'bad'}" for n in range(40))]
TABLE = "\n".join(LINES) + "\n"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> MemoryFileSystem:
    """A file system that is empty at first: ``memory://``."""
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    return MemoryFileSystem(skip_instance_cache=True)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that a web server serves, and its URL."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def read(**options: Any) -> dict[str, int]:
    return {name: len(split) for name, split in Files(**options).textclf_load_data().items()}


def test_a_run_reads_a_url_and_its_record_names_it(
    bucket: MemoryFileSystem, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="textclf")
    bucket.pipe("/b/reviews.csv", TABLE.encode())
    (tmp_path / "reviews.csv").write_text(TABLE)
    here, there = (
        textclf_core.run([f"files:path={path}", "majority"], output=tmp_path / "runs", quiet=True).record
        for path in (tmp_path / "reviews.csv", "memory://b/reviews.csv")
    )
    assert here.data.fingerprint == there.data.fingerprint
    assert here.metrics == there.metrics
    assert there.data.source == "memory://b/reviews.csv"
    assert "files: path=memory://b/reviews.csv: copied 1 file (0.0 MB)" in caplog.text
    assert tempfile.gettempdir() + "/textclf-files" not in caplog.text + repr(there)


@pytest.mark.parametrize(
    ("files", "options", "rows"),
    [
        ({"a/t.csv.gz": gzip.compress(TABLE.encode())}, {"path": "memory://a/t.csv.gz"}, {"train": 40}),
        (
            {"a/train.csv": TABLE, "a/test.csv": TABLE, "a/readme.md": ""},
            {"path": "memory://a/"},
            {"train": 40, "test": 40},
        ),
        (
            {"a/b/part-1.csv": TABLE, "a/b/part-2.csv": TABLE, "a/c/part-3.csv": TABLE},
            {"path": "memory://a/b/part-*.csv"},
            {"train": 80},
        ),
        ({"a/b/1.csv": TABLE, "a/c/2.csv": TABLE}, {"train": "memory://a/*/*.csv"}, {"train": 80}),
        ({"a/up/1.txt": "x", "a/up/2.txt": "y", "a/down/1.txt": "z"}, {"path": "memory://a"}, {"train": 3}),
        ({"a/1.csv": TABLE, "b/1.csv": TABLE}, {"train": "memory://a/1.csv", "test": "memory://b/1.csv"}, None),
    ],
    ids=["compressed", "folder", "pattern", "pattern over folders", "folder a class", "split by split"],
)
def test_a_url_names_what_a_path_does(
    files: dict[str, str | bytes], options: dict[str, str], rows: dict[str, int] | None, bucket: MemoryFileSystem
) -> None:
    for name, content in files.items():
        bucket.pipe(f"/{name}", content if isinstance(content, bytes) else content.encode())
    assert read(**options) == (rows or {"train": 40, "test": 40})


def test_the_web_is_read_whatever_the_text_links_to(site: tuple[Path, str]) -> None:
    folder, url = site
    (folder / "train.csv").write_text(TABLE + '"see <a href=""http://a.example/b.csv"">this</a>",good\n')
    assert read(path=f"{url}/train.csv?raw=1") == {"train": 41}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://b/no.csv", r"files: path=memory://b/no\.csv can't be read: there is no such file or folder"),
        ("memory://b/*.tsv", r"files: path=memory://b/\*\.tsv: no file matches"),
        ("nowhere://b/a.csv", r"files: path=nowhere://b/a\.csv can't be read: ValueError: Protocol not known: nowhere"),
        ("memory://b/odd.csv", r"^memory://b/odd\.csv, line 3: .*"),
        ("memory://b/unlabelled.csv", r"^memory://b/unlabelled\.csv: .*label"),
    ],
)
def test_an_error_names_the_url(url: str, message: str, bucket: MemoryFileSystem) -> None:
    bucket.pipe("/b/odd.txt", b"x")
    bucket.pipe("/b/odd.csv", b"text,label\na,b\nc,d,e\n")
    bucket.pipe("/b/unlabelled.csv", b"one,two,three\na,b,c\n")
    with pytest.raises(DataError, match=message):
        Files(path=url).textclf_load_data()


def test_nothing_stays_on_this_machine(
    bucket: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bucket.pipe("/b/reviews.csv", TABLE.encode())
    assert read(path="memory://b/reviews.csv") == {"train": 40}
    assert not list(tmp_path.glob("textclf-files-*"))


def test_words_are_read_too(bucket: MemoryFileSystem) -> None:
    bucket.pipe("/b/train.conll", b"Ada B-person\nwrote O\n\nParis B-place\n")
    data = Conll(path="memory://b/").textclf_load_data()
    assert data["train"]["tokens"][:] == [["Ada", "wrote"], ["Paris"]]
    assert data["train"].info.description == "memory://b/train.conll"

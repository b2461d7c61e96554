"""Folders behind URLs: their copies' paths, what is written whole or not at all, leases."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from textclf_core.errors import UsageError
from textclf_core.storage.leases import leased
from textclf_core.storage.places import local_folder, shown, url_of
from textclf_core.storage.remote import RemoteFolder
from textclf_core.storage.whole import FILES, ChangedError, FileList, download, upload


@pytest.mark.parametrize(
    "url", ["s3://bucket", "s3://bucket/runs", "gs://b/a/b", "memory://runs", "file:///shared/runs", "s3://b/[a] b"]
)
def test_the_copy_of_a_url_leads_back_to_it(url: str) -> None:
    assert url_of(local_folder(url)) == url
    assert url_of(local_folder(f"{url}/") / "one") == f"{url}/one"
    assert shown(local_folder(url)) == url


def test_a_path_stays_one(tmp_path: Path) -> None:
    assert local_folder(str(tmp_path)) == tmp_path
    assert url_of(tmp_path) is None
    assert shown(tmp_path) == str(tmp_path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://a.example/runs", "a web server can't be written to"),
        ("file://runs", "three slashes"),
        ("s3://bucket/../other", "isn't the URL of a folder"),
        ("s3://bucket//runs", "isn't the URL of a folder"),
        ("s3://", "isn't the URL of a folder"),
        ("s3:/bucket/runs", "two slashes"),
        (Path("s3://bucket/runs"), "give a URL as text"),
        ("filecache::s3://bucket/runs", "one protocol"),
    ],
)
def test_what_can_be_no_folder_is_refused(url: str | Path, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        local_folder(url)


def test_the_cache_of_a_machine_lies_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTCLF_CACHE_DIR", "s3://bucket/cache")
    with pytest.raises(UsageError, match="--cache-dir takes a URL"):
        local_folder("s3://bucket/runs")


def test_an_unknown_protocol_is_one_clear_line() -> None:
    with pytest.raises(UsageError, match="nowhere://b can't be opened: ValueError: Protocol not known: nowhere"):
        RemoteFolder("nowhere://b")


def folder(path: Path, **files: str) -> Path:
    for name, content in files.items():
        (path / name).mkdir(parents=True, exist_ok=True)
        (path / name / "a.txt").write_text(content)
    return path


def texts(path: Path) -> dict[str, str]:
    return {file.relative_to(path).as_posix(): file.read_text() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("place", ["weak://b/runs", "file://{tmp}/far/runs"])
def test_a_folder_comes_back_as_it_was(place: str, weak: object, tmp_path: Path) -> None:
    remote = RemoteFolder(place.format(tmp=tmp_path))
    source = folder(tmp_path / "source", one="1", two="2")
    files = upload(remote, source, "x", last="one/a.txt", without=["two"])
    assert files is not None
    assert FileList.parsed(remote.read(f"x/{FILES}")) == files
    assert remote.list() == ["x"]
    download(remote, "x", files, tmp_path / "back", lambda _: True)
    assert texts(tmp_path / "back") == {"one/a.txt": "1"}
    assert upload(remote, source, "x", last="one/a.txt", without=["two"]) == files  # the same once more


def test_the_first_of_two_writers_wins_and_a_replacement_is_whole(weak: object, tmp_path: Path) -> None:
    remote = RemoteFolder("weak://b/runs")
    first, second = folder(tmp_path / "first", one="1"), folder(tmp_path / "second", one="2", two="2")
    files = upload(remote, first, "x", last="one/a.txt")
    assert upload(remote, second, "x", last="one/a.txt") is None
    assert FileList.parsed(remote.read(f"x/{FILES}")) == files
    assert remote.list("x") == sorted([FILES, files.version])  # type: ignore[union-attr]
    newer = upload(remote, second, "x", last="one/a.txt", replaced=files)
    assert newer is not None
    assert remote.list("x") == sorted([FILES, newer.version])
    with pytest.raises(ChangedError):  # a reader of the earlier one sees that it is gone
        download(remote, "x", files, tmp_path / "back", lambda _: True)  # type: ignore[arg-type]


def test_an_upload_whose_last_answer_is_lost_has_happened(weak: type, tmp_path: Path) -> None:
    weak.answers_lost = 1  # type: ignore[attr-defined]
    remote = RemoteFolder("weak://b/runs")
    files = upload(remote, folder(tmp_path / "source", one="1"), "x", last="one/a.txt")
    assert files is not None
    download(remote, "x", files, tmp_path / "back", lambda _: True)


def test_two_writers_to_a_store_without_conditional_writes_leave_one_whole_folder(weak: type, tmp_path: Path) -> None:
    weak.has_conditions = False  # type: ignore[attr-defined]
    remote = RemoteFolder("weak://b/runs")
    slow = folder(tmp_path / "slow", one="1")
    own = FileList.of(slow)
    remote.put(slow / "one/a.txt", f"x/{own.version}/one/a.txt")
    files = upload(remote, folder(tmp_path / "fast", one="2"), "x", last="one/a.txt")
    assert files is not None
    assert remote.create(f"x/{FILES}", own.content)  # as the slow one does at its end
    download(remote, "x", own, tmp_path / "back", lambda _: True)


def test_an_upload_that_breaks_off_leaves_nothing_to_be_read(weak: type, tmp_path: Path) -> None:
    remote = RemoteFolder("weak://b/runs")
    source = folder(tmp_path / "source", one="1", two="2")
    weak.uploads_left = 1  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"^weak://b/runs/x/.* can't be written: OSError: the connection was reset"):
        upload(remote, source, "x", last="one/a.txt")
    assert remote.read(f"x/{FILES}") is None
    weak.uploads_left = 10  # type: ignore[attr-defined]
    other = folder(tmp_path / "other", one="3")
    files = upload(remote, other, "x", last="one/a.txt")
    assert files is not None
    assert remote.list("x") == sorted([FILES, files.version])  # what the first one left is removed


@pytest.mark.parametrize("name", ["../out", "/out", "", ".", "a/../../out"])
def test_nothing_is_written_outside_the_folder(name: str, weak: object, tmp_path: Path) -> None:
    remote = RemoteFolder("weak://b/runs")
    remote.write("x/files.json", json.dumps({"format": 1, "files": {name: [1, "0" * 64]}}).encode())
    found = FileList.parsed(remote.read("x/files.json"))
    assert found is not None
    with pytest.raises(UsageError, match="which is no file in its folder"):
        download(remote, "x", found, tmp_path / "in", lambda _: True)
    assert list(tmp_path.iterdir()) == []
    assert FileList.parsed(b'{"format": 1, "files": []}') is None


def test_a_damaged_file_is_noticed(weak: object, tmp_path: Path) -> None:
    remote = RemoteFolder("weak://b/runs")
    files = upload(remote, folder(tmp_path / "source", one="1"), "x", last="one/a.txt")
    assert files is not None
    remote.write(f"x/{files.version}/one/a.txt", b"2")
    with pytest.raises(ChangedError, match="isn't what was uploaded"):
        download(remote, "x", files, tmp_path / "back", lambda _: True)


@pytest.fixture
def two(weak: object) -> Callable[[], tuple[RemoteFolder, RemoteFolder]]:
    return lambda: (RemoteFolder("weak://b/leases"), RemoteFolder("weak://b/leases"))


@pytest.mark.parametrize("has_conditions", [True, False])
def test_one_of_two_has_a_lease(
    has_conditions: bool, weak: type, two: Callable[[], tuple[RemoteFolder, RemoteFolder]]
) -> None:
    weak.has_conditions = has_conditions  # type: ignore[attr-defined]
    one, other = two()
    with leased(one, "x") as first:
        assert first
        with leased(other, "x") as second, leased(other, "y") as elsewhere:
            assert not second
            assert elsewhere
    assert one.list() == []
    with leased(other, "x") as second:
        assert second


def test_a_lease_whose_answer_is_lost_is_taken(
    weak: type, two: Callable[[], tuple[RemoteFolder, RemoteFolder]]
) -> None:
    one, other = two()
    weak.answers_lost = 1  # type: ignore[attr-defined]
    with leased(one, "x") as first, leased(other, "x") as second:
        assert first
        assert not second


def test_a_lease_that_is_renewed_holds_and_another_lapses(
    two: Callable[[], tuple[RemoteFolder, RemoteFolder]],
) -> None:
    one, other = two()
    with leased(one, "x", seconds=0.2):
        for _ in range(10):
            with leased(other, "x", seconds=0.2) as second:
                assert not second
            time.sleep(0.05)
    one.write("x", b'{"owner": "gone", "host": "elsewhere", "process": 1}')
    with leased(other, "x", seconds=0.2) as second:
        assert not second
    time.sleep(0.25)
    with leased(other, "x", seconds=0.2) as second:
        assert second


def test_a_lease_of_a_dead_process_of_this_host_lapses_at_once(
    two: Callable[[], tuple[RemoteFolder, RemoteFolder]],
) -> None:
    from textclf_core.system.host import boot_id, host_name

    one, other = two()
    gone = {"owner": "gone", "host": host_name(), "boot": boot_id(), "process": 999999999}
    one.write("x", json.dumps(gone).encode())
    with leased(other, "x") as second:
        assert second
    one.write("x", json.dumps({**gone, "boot": "that of another machine with this name"}).encode())
    with leased(other, "x") as second:
        assert not second

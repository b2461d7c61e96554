"""Machines that share a bucket of an S3 server in a process of its own; some are killed during an upload."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
import s3fs

from textclf_core.storage.remote import RemoteFolder

pytestmark = pytest.mark.slow

URL = "s3://bucket/runs"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}

# A trainer that waits, and whose model has four files. Its process is killed at the upload whose number is DIE_AT.
DYING = """
import os, signal, time
import numpy, s3fs

class Even:
    def scores(self, data):
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        for number in range(4):
            (directory / f"part-{number}").write_bytes(os.urandom(200_000))

@dataclass(frozen=True)
class Waits:
    '''Wait.'''

    number: int = 0

    @hookimpl
    def textclf_train(self):
        time.sleep(1)
        return Even()

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Even()

uploads = iter(range(1, 10**6))
whole = s3fs.S3FileSystem._put_file

async def _put_file(self, lpath, rpath, *arguments, **options):
    if next(uploads) == int(os.environ["DIE_AT"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return await whole(self, lpath, rpath, *arguments, **options)

if "DIE_AT" in os.environ:
    s3fs.S3FileSystem._put_file = _put_file
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server with an empty bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urlopen(f"{address}/moto-api/").close()
                break
            except URLError:
                time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def bucket(server: str) -> str:
    """The address of the server, whose bucket is empty."""
    urlopen(Request(f"{server}/moto-api/reset", method="POST")).close()
    urlopen(Request(f"{server}/bucket", method="PUT")).close()
    return server


@pytest.fixture
def machine(bucket: str, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command on a machine, which has a cache of its own: ``machine("first", "report", URL)``."""

    def start(name: str, *words: str, **environment: str) -> subprocess.Popen[str]:
        own = {
            "TEXTCLF_CACHE_DIR": str(tmp_path / "machines" / name),
            "AWS_ENDPOINT_URL": bucket,
            **CREDENTIALS,
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "textclf_core", *words],
            env={**os.environ, **own, **environment},
            cwd=tmp_path,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    """Return the standard output of a process that ends with an exit code."""
    out, errors = process.communicate(timeout=240)
    assert process.returncode == code, errors
    return out


def failed(process: subprocess.Popen[str], code: int = 2) -> str:
    """Return the standard error of a process that ends with an exit code."""
    _, errors = process.communicate(timeout=240)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    return errors


def store(bucket: str) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(key="key", secret="secret", endpoint_url=bucket, use_listings_cache=False)


def keys(bucket: str) -> set[str]:
    """Return what is below the output folder."""
    return {path.removeprefix("bucket/runs/") for path in store(bucket).find("bucket/runs")}


def runs(bucket: str) -> dict[str, str]:
    """Return the list of the files of each run, all of which are checked to be there."""
    found, there = {}, keys(bucket)
    for key in there:
        name, _, file = key.partition("/")
        if file == "files.json":
            found[name] = store(bucket).cat_file(f"bucket/runs/{key}").decode()
            of_run = {one.removeprefix(f"{name}/") for one in there if one.startswith(f"{name}/")} - {file}
            version = {one.partition("/")[0] for one in of_run}.pop()
            assert of_run == {f"{version}/{one}" for one in json.loads(found[name])["files"]}
    return found


@pytest.fixture
def dying(plugin_file: Callable[..., Path], reviews: Path) -> list[str]:
    return ["--plugin-file", str(plugin_file(DYING)), "--plugin", f"files:path={reviews}", "--output", URL]


def test_one_of_several_that_ask_at_once_creates_a_file(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": bucket}.items():
        monkeypatch.setenv(name, value)
    folder = RemoteFolder(URL)
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda number: folder.create("x", bytes([number])), range(8)))
    assert sum(created) == 1
    assert folder.read("x") == bytes([created.index(True)])
    folder.remove("x")
    folder.remove("x")
    assert folder.list() == []


def test_a_run_is_reported_and_predicts_on_another_machine(
    machine: Callable[..., subprocess.Popen[str]], bucket: str, dying: list[str], tmp_path: Path
) -> None:
    ended(machine("first", "run", *dying, "--plugin", "tfidf-logreg"))
    [name] = runs(bucket)
    assert "tfidf-logreg" in ended(machine("second", "report", URL))
    (tmp_path / "in.txt").write_text("a fine day\n")
    assert "a fine day" in ended(machine("second", "predict", f"{URL}/{name}", "--input", "in.txt"))
    missing = failed(machine("second", "report", "s3://nobucket/runs"))
    assert "s3://nobucket/runs" in missing


def test_a_killed_upload_is_absent_until_the_next_command_finishes_it(
    machine: Callable[..., subprocess.Popen[str]], bucket: str, dying: list[str]
) -> None:
    words = ["run", *dying, "--plugin", "waits"]
    ended(machine("first", *words, "--seed", "1", DIE_AT="4"), -signal.SIGKILL)
    assert len(keys(bucket)) > 3
    assert not runs(bucket)
    assert "no run" in failed(machine("second", "report", URL))
    ended(machine("first", *words, "--seed", "2"))
    assert sorted(name[-3:] for name in runs(bucket)) == ["-s1", "-s2"]
    assert "waits" in ended(machine("second", "report", URL))


def test_two_machines_share_cells_and_one_is_killed_during_an_upload(
    machine: Callable[..., subprocess.Popen[str]], bucket: str, dying: list[str]
) -> None:
    words = ["compare", *dying, "--try", "waits:number=1,2", "--seeds", "2", "--no-baselines"]
    first = machine("first", *words, DIE_AT="4")
    while not any(key.startswith(".running/") for key in keys(bucket)):
        assert first.poll() is None
        time.sleep(0.05)
    second = machine("second", *words)
    ended(first, -signal.SIGKILL)
    reports = 0
    while second.poll() is None:  # whatever is there at a moment, each run is read as a whole
        reader = machine(f"reader-{reports}", "report", URL)
        _, errors = reader.communicate(timeout=240)
        assert (reader.returncode, "Traceback" in errors) == (0, False) or "no run" in errors, errors
        reports += 1
    ended(second)
    found = runs(bucket)
    assert len(found) == 4
    ended(machine("first", *words))
    assert runs(bucket) == found
    assert not any(key.startswith(".running/") for key in keys(bucket))

"""The page of a comparison while it runs: what it shows, to whom, and what it doesn't show."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from live_trainers import TRAINERS

from textclf_core import UsageError
from textclf_core.comparison.page_server import Address, PageServer
from textclf_core.testing import tiny_data

VERDICTS = r"recommended|undecided|as good|>worse<|>best<|expected loss|risk of"


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def comparing(
    plugin_file: Callable[..., Path],
    reviews: Path,
    tmp_path: Path,
    port: int,
    textclf: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., int]:
    """Runs a comparison with ``fetches`` and a page."""
    monkeypatch.setenv("URL_OF_PAGE", f"http://127.0.0.1:{port}/")
    monkeypatch.setenv("FOLDER_OF_PAGES", str(tmp_path))
    file = plugin_file(TRAINERS)

    def compare(*words: str) -> int:
        base = ["compare", "--plugin-file", str(file), "--no-baselines"]
        base += [] if {"--plugin", "--data"} & set(words) else ["--plugin", f"files:path={reviews}"]
        return textclf(*base, "--output", str(tmp_path / "runs"), "--live-at", str(port), *words)

    return compare


def contenders(page: str) -> list[str]:
    """Return the contenders in the tables of a page, in order."""
    return re.findall(r'<span class="contender">([^<]+)', page)


def test_while_it_runs_the_page_has_scores_and_intervals_but_no_verdict(
    comparing: Callable[..., int], tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert comparing("--try", "share:share=1,0.9", "--try", "fetches", "--seeds", "2") == 0
    assert f"The page of this comparison is http://127.0.0.1:{port}/" in capsys.readouterr().err
    first, second = ((tmp_path / f"{seed}.html").read_text().partition("<body>")[2] for seed in (0, 1))
    assert contenders(first) == ["share:share=1", "share:share=0.9"]
    assert "4 of 6 cells" in first
    assert "95% interval" in first
    assert "no verdict and no recommendation" in first
    assert contenders(second) == ["share:share=1", "share:share=0.9", "fetches"]
    for page in (first, second):
        assert not re.search(VERDICTS, page.partition("<script>")[0])
    event = json.loads((tmp_path / "1.event").read_text().removeprefix("data: "))
    assert event["status"].startswith("5 of 6 cells")
    assert event["cells"][0].startswith("fetches seed 1: running")
    assert f'data-number="{event["number"]}"' in second
    final = (tmp_path / "runs" / "report.html").read_text()
    assert re.search(VERDICTS, final.partition("<body>")[2])
    assert "EventSource" not in final
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/")


@pytest.mark.slow
def test_verdicts_are_shown_at_a_planned_look(comparing: Callable[..., int], tmp_path: Path) -> None:
    """Two seeds don't decide, so that a third is run, while the page has the verdicts of the first look."""
    many = tmp_path / "many"
    many.mkdir()
    for name, split in tiny_data(1600).items():
        split.to_csv(many / f"{name}.csv", index=False)
    words = ["--plugin", f"files:path={many}", "--try", "share:share=0.7,spread=0.09", "--try", "fetches"]
    assert comparing(*words, "--seeds", "2", "--max-seeds", "3", "--metric", "accuracy", "--cost", "artifact") == 0
    before, after = ((tmp_path / f"{seed}.html").read_text().partition("<body>")[2] for seed in (1, 2))
    assert "Both come at the planned looks with 2 and 3 seeds" in before
    assert "At the last planned look" not in before
    assert not re.search(VERDICTS, before.partition("<script>")[0])
    assert "At the last planned look" in after
    assert re.search(VERDICTS, after)


def test_a_failed_cell_is_shown(comparing: Callable[..., int], tmp_path: Path) -> None:
    assert comparing("--try", "share:share=9", "--try", "fetches", "--seeds", "1") == 1
    assert "Without share:share=9 at seed 0, which failed: a share is at most 1" in (tmp_path / "0.html").read_text()


def test_each_data_set_has_its_part(comparing: Callable[..., int], reviews: Path, tmp_path: Path) -> None:
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    for name, split in tiny_data(48, seed=1).items():
        split.to_csv(tiny / f"{name}.csv", index=False)
    words = ["--data", f"files:path={reviews}", "--data", f"files:path={tiny}", "--seeds", "1"]
    assert comparing(*words, "--try", "share:share=9", "--try", "share", "--try", "fetches") == 1
    page = (tmp_path / "0.html").read_text()  # that of the second data set
    headings = re.findall(r"<h3>([^<]+)", page)
    assert [heading.count("tiny/train.csv") for heading in headings] == [0, 1]
    assert page.count("Without share:share=9 at seed 0") == 2
    assert contenders(page) == ["share", "fetches", "share"]


@pytest.mark.slow
def test_finished_cells_are_shown_before_the_others_run(comparing: Callable[..., int], tmp_path: Path) -> None:
    assert comparing("--try", "share:share=1,0.9", "--seeds", "1") == 0
    assert comparing("--try", "share:share=1,0.9", "--try", "fetches", "--seeds", "1") == 0
    page = (tmp_path / "0.html").read_text()
    assert contenders(page) == ["share:share=1", "share:share=0.9"]
    assert "2 of 3 cells" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--live-at", "eighty"], "give a port, such as 8000"),
        (["--live-at", "70000"], "give a port, such as 8000"),
        (["--live-at", "192.0.2.1:0"], "Leave it out, and a free port is chosen"),
        (["--live", "--dry-run"], "--dry-run and --emit run none"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(
    words: list[str], message: str, textclf: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf("compare", "--try", "majority", "--output", str(tmp_path / "runs"), *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_taken_port_is_refused(
    textclf: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["compare", "--try", "majority", "--output", str(tmp_path), "--live-at", str(port)]
        assert textclf(*words) == 2
    assert f"--live-at 127.0.0.1:{port}: " in capsys.readouterr().err


@pytest.fixture
def server() -> Iterator[PageServer]:
    """A server on a port that the system chose."""
    server = PageServer(Address(), lambda: {"status": "running"})
    yield server
    server.close()


def answer(server: PageServer, path: str = "/", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(server.url.split("/")[2], timeout=10)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def test_only_this_machine_gets_the_page_and_only_by_its_own_names(server: PageServer) -> None:
    """A page of another site can let its own name lead to the loopback address."""
    server.show("<p>page", 1)
    assert server.url.startswith("http://127.0.0.1:")
    assert answer(server).read() == b"<p>page"
    assert answer(server, Host="localhost:99").status == 200
    assert answer(server, Host="evil.example").status == 403
    assert answer(server, Host="[").status == 403
    assert answer(server, "/etc/passwd").status == 404
    assert Address.parse("8000") == Address("127.0.0.1", 8000)
    assert Address.parse("[::1]:0").is_loopback
    assert not Address.parse("0.0.0.0:0").is_loopback


def test_an_open_browser_gets_each_change_and_the_last_page(server: PageServer) -> None:
    server.show("<p>one", 1)
    events = answer(server, "/events")
    assert json.loads(events.readline().removeprefix(b"data: ")) == {"number": 1, "status": "running"}
    events.readline()
    loaded: list[bytes] = []

    def load() -> None:
        assert json.loads(events.readline().removeprefix(b"data: "))["number"] == 2
        loaded.append(answer(server).read())

    browser = threading.Thread(target=load)
    browser.start()
    server.show("<p>two", 2)
    server.deliver()
    browser.join(10)
    assert loaded == [b"<p>two"]


def test_nobody_is_waited_for_if_nobody_watches(server: PageServer) -> None:
    server.show("<p>page", 1)
    server.deliver()
    with pytest.raises(UsageError):
        PageServer(Address(port=int(server.url.split(":")[2].strip("/"))), dict)


@pytest.mark.slow
def test_ctrl_c_ends_the_command_and_the_page(
    plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDER_OF_GATES", str(tmp_path))
    command = [sys.executable, "-m", "textclf_core", "compare", "--plugin-file", str(plugin_file(TRAINERS)), "--live"]
    command += [
        "--plugin",
        f"files:path={reviews}",
        "--try",
        "gated",
        "--no-baselines",
        "--output",
        str(tmp_path / "runs"),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    url = next(line.rsplit(" ", 1)[1].strip() for line in process.stderr if "The page of this comparison" in line)
    with urlopen(f"{url}events") as events:
        while b"gated seed 0: running" not in events.readline():
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        events.read()
    assert "0 of 3 cells are finished" in process.stderr.read()
    with pytest.raises(OSError, match="refused"):
        urlopen(url)

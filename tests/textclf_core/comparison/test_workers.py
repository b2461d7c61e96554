"""Cells in processes of their own: with the same bits, whoever is killed, and never the same cell twice at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

import textclf_core
from textclf_core import ComparisonResult, RunError
from textclf_core.testing import tiny_data

pytestmark = pytest.mark.slow

PLUGINS = """
import os, signal, time
from pathlib import Path
import numpy

class Even:
    def scores(self, data):
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        pass

class Trainer:
    @hookimpl
    def textclf_load_classifier(self, directory):
        return Even()

@dataclass(frozen=True)
class Waits(Trainer):
    '''Write when it began and ended.'''

    number: int = 0

    @hookimpl
    def textclf_train(self, seed):
        for word in ("began", "ended"):
            with open(os.environ["LOG_OF_WAITS"], "a") as stream:
                print(word, self.number, seed, time.time(), file=stream)
            time.sleep(0.2)
        return Even()

@dataclass(frozen=True)
class DiesOnce(Trainer):
    '''Kill its process at the first try.'''

    @hookimpl
    def textclf_train(self):
        mark = Path(os.environ["MARK_OF_DIES_ONCE"])
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Even()

@dataclass(frozen=True)
class Dies(Trainer):
    '''Kill its process.'''

    @hookimpl
    def textclf_train(self):
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def file(plugin_file: Callable[..., Path]) -> Path:
    return plugin_file(PLUGINS)


@pytest.fixture
def comparing(
    file: Path, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a comparison of ``waits`` in a process of its own; what still runs at the end is killed."""
    monkeypatch.setenv("LOG_OF_WAITS", str(tmp_path / "log"))
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, numbers: int = 6) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "textclf_core", "compare", "--plugin-file", str(file), "--no-baselines"]
        command += ["--plugin", f"files:path={reviews}", "--output", str(tmp_path / "runs"), "--seeds", "1"]
        command += ["--try", f"waits:number=0..{numbers - 1}", *words]
        started.append(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                # Tests that run in the background of a shell ignore Ctrl-C, and so would what they start.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def intervals(log: Path) -> dict[str, list[tuple[float, float]]]:
    """Return when each cell began and ended in each of its runs that ended."""
    runs: dict[str, list[tuple[float, float]]] = {}
    began: dict[str, float] = {}
    for word, number, _, at in map(str.split, log.read_text().splitlines()):
        if word == "began":
            began[number] = float(at)
        else:
            runs.setdefault(number, []).append((began[number], float(at)))
    return runs


def finished(output: Path) -> list[str]:
    return sorted(path.parent.name for path in output.glob("[!.]*/record.json"))


def has_ended(process: psutil.Process) -> bool:
    """Return whether a process has ended; one whose parent was killed may not have been waited for."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def until(condition: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_two_workers_give_the_bits_of_one_process(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """With a joint training, a frozen prefix, and data that are in memory here and in a file there."""

    def compared(name: str, **options: object) -> ComparisonResult:
        return textclf_core.compare(
            ["full", "head-only", "freeze-first-n:n=1", "majority"],
            plugins=[f"hf-model:checkpoint={tiny_checkpoint}"],
            data=tiny_data(40),
            seeds=2,
            baselines=False,
            output=tmp_path / name,
            cache_dir=tmp_path / f"cache of {name}",
            quiet=True,
            **options,  # type: ignore[arg-type]
        )

    alone, beside = compared("one"), compared("two", executor="local:threads=1", workers=2)
    assert not beside.failed
    assert len(alone.runs) == len(beside.runs) == 8
    for one, two in zip(alone.runs, beside.runs, strict=True):
        assert one.directory.name == two.directory.name
        assert one.record.metrics == two.record.metrics
        one_table, two_table = (pq.read_table(run.directory / "predictions.parquet") for run in (one, two))
        assert one_table.equals(two_table)
        assert (one.record.cost.beside, two.record.cost.beside) == (0, 1)
        assert two.record.plugins == one.record.plugins
    # Of two workers, either may be the first to compute the frozen prefix that the seeds share.
    for label in {run.record.label for run in alone.runs}:
        ours, theirs = (
            [run.record.cost.train_flops for run in result.runs if run.record.label == label]
            for result in (alone, beside)
        )
        assert sum(ours) == sum(theirs)
        assert sorted(ours) == sorted(theirs)
    jointly = [run.record for run in beside.runs if run.record.label == "head-only"]
    assert jointly[0].started == jointly[1].started
    assert sorted(path.name for path in (tmp_path / "two").glob(".*")) == []


def test_a_worker_that_dies_costs_its_cell_one_more_try(
    file: Path, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARK_OF_DIES_ONCE", str(tmp_path / "mark"))
    result = textclf_core.compare(
        ["dies-once", "dies", "majority"],
        plugins=[f"files:path={reviews}"],
        plugin_files=[file],
        seeds=1,
        baselines=False,
        output=tmp_path / "runs",
        workers=1,
        quiet=True,
    )
    assert [run.record.label for run in result.runs] == ["dies-once", "majority"]
    [((label, _), error)] = result.failed.items()
    assert label == "dies"
    assert isinstance(error, RunError)
    assert "was killed by SIGKILL; it was tried 2 times" in str(error)


def test_two_comparisons_in_a_folder_run_each_cell_once(
    comparing: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    one = comparing()
    until((tmp_path / "log").exists)
    two = comparing("--workers", "1")
    for process in (one, two):
        output, errors = process.communicate(timeout=400)
        assert process.returncode == 0, errors
        assert "6 of 6 cells" in errors
        assert "waits" in output
    assert {number: len(runs) for number, runs in intervals(tmp_path / "log").items()} == dict.fromkeys("012345", 1)


def test_ctrl_c_ends_the_workers_and_the_next_command_goes_on(
    comparing: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = comparing("--workers", "1")
    until(lambda: finished(tmp_path / "runs"))
    [worker] = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "of 6 cells are finished" in errors
    until(lambda: has_ended(worker), 10)
    before = {
        name: (tmp_path / "runs" / name / "record.json").stat().st_mtime_ns for name in finished(tmp_path / "runs")
    }
    assert len(before) < 6
    _, errors = comparing().communicate(timeout=400)
    assert len(finished(tmp_path / "runs")) == 6, errors
    for name, written in before.items():
        assert (tmp_path / "runs" / name / "record.json").stat().st_mtime_ns == written


def test_after_five_kills_every_cell_is_there_once(
    comparing: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Workers and the processes above them, killed at moments that differ from run to run of this test."""
    runs = tmp_path / "runs"
    for kills in (("worker", "head"), ("worker", "worker", "head")):
        process = comparing("--workers", "1", numbers=20)
        head = psutil.Process(process.pid)
        workers: set[psutil.Process] = set()
        for killed in kills:
            count = len(finished(runs))
            until(lambda count=count: len(finished(runs)) > count + 1)
            time.sleep(time.time() % 0.3)
            [worker] = head.children()
            workers.add(worker)
            os.kill(worker.pid if killed == "worker" else process.pid, signal.SIGKILL)
        until(lambda workers=workers: all(map(has_ended, workers)), 60)
        process.communicate()
        textclf_core.report(runs)
    _, errors = comparing(numbers=20).communicate(timeout=400)
    assert "20 of 20 cells" in errors
    assert len(finished(runs)) == 20
    assert not [path.name for path in runs.iterdir() if path.name.startswith(".")]
    ends: dict[str, float] = {}
    for number, spans in intervals(tmp_path / "log").items():
        for began, ended in spans:
            assert began > ends.get(number, 0)
            ends[number] = ended

"""Executors: what the queue gives out and when, what becomes of a job without a result, and cells as files."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from made_runs import write_run
from rich.console import Console

import textclf_core
from textclf_core import ComparisonResult, UsageError
from textclf_core.comparison.cells import DataKey, make_cell
from textclf_core.comparison.claims import claimed
from textclf_core.comparison.contenders import contenders
from textclf_core.comparison.live_view import LiveView
from textclf_core.plugins import Catalogue
from textclf_core.records.schema import CostEstimate, read_record
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.printed import ReportOptions
from textclf_core.reports.report import make_report
from textclf_core.testing import tiny_data, tiny_topics, tiny_words

EXECUTORS = """
from textclf_core.comparison.execution import run_file
from textclf_core.types.progress import Progress

@dataclass(frozen=True)
class Here:
    '''Run the jobs in this process.'''

    @hookimpl
    def textclf_execute(self, cells):
        while job := cells.take():
            run_file(job.file, Progress(quiet=True))
            cells.ended(job)
        return True

@dataclass(frozen=True)
class Loses:
    '''Lose each job.'''

    log: str

    @hookimpl
    def textclf_execute(self, cells):
        while job := cells.take():
            with open(self.log, "a") as stream:
                print(*job.names, sep=" and ", file=stream)
            cells.ended(job, "was lost")
        return True

@dataclass(frozen=True)
class TakesAll:
    '''Take all jobs, and run none.'''

    log: str

    @hookimpl
    def textclf_execute(self, cells, workers):
        with open(self.log, "a") as stream:
            while job := cells.take():
                print(*job.names, sep=" and ", file=stream)
        return True

@dataclass(frozen=True)
class Measures:
    '''Write whether a second job is given out with little memory, beside another and alone.'''

    log: str

    @hookimpl
    def textclf_execute(self, cells):
        def run(job):
            run_file(job.file, Progress(quiet=True))
            cells.ended(job)

        run(cells.take())
        second = cells.take(memory_bytes=1)
        beside = cells.take(memory_bytes=1)
        run(second)
        alone = cells.take(memory_bytes=1)
        run(alone)
        with open(self.log, "a") as stream:
            print(beside is None, second.memory_bytes > 1, cells.done, file=stream)
        return True
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


@pytest.fixture
def compare(plugin_file: Callable[..., Path], tmp_path: Path) -> Callable[..., ComparisonResult]:
    """Compares contenders by an executor of the file: ``compare("majority", executor="here")``."""
    file = plugin_file(EXECUTORS)

    def run(*tries: str, output: str = "runs", seeds: int = 1, data: Any = None, **options: Any) -> ComparisonResult:
        return textclf_core.compare(
            tries,
            data=tiny_data(24) if data is None else data,
            seeds=seeds,
            baselines=False,
            plugin_files=[file],
            output=tmp_path / output,
            quiet=True,
            **options,
        )

    return run


def test_a_job_without_a_result_is_given_out_twice(compare: Callable[..., ComparisonResult], log: Path) -> None:
    result = compare("majority", executor=f"loses:log={log}", seeds=2)
    assert log.read_text().splitlines() == [*["majority seed 0"] * 2, *["majority seed 1"] * 2]
    assert [str(error) for error in result.failed.values()] == [
        "the process that ran it was lost; it was tried 2 times."
    ] * 2


def test_cells_whose_executor_returns_early_have_failed(compare: Callable[..., ComparisonResult], log: Path) -> None:
    result = compare("majority", executor=f"takes-all:log={log}")
    [error] = result.failed.values()
    assert "takes-all" in str(error)
    assert "returned before it had run this cell" in str(error)


def test_what_shares_the_work_of_a_running_cell_comes_later(
    compare: Callable[..., ComparisonResult], tiny_checkpoint: Path, tmp_path: Path, log: Path
) -> None:
    """Cells of another model first; those that are trained jointly are one job."""
    model = f"hf-model:checkpoint={tiny_checkpoint}"
    other = f"hf-model:checkpoint={shutil.copytree(tiny_checkpoint, tmp_path / 'other')} + freeze-first-n:n=1"
    compare("freeze-first-n:n=1", "head-only", other, plugins=[model], seeds=2, executor=f"takes-all:log={log}")
    one, two = "freeze-first-n:n=1", other
    assert log.read_text().splitlines() == [
        f"{one} seed 0",
        f"{two} seed 0",
        f"{one} seed 1",
        "head-only seed 0 and head-only seed 1",
        f"{two} seed 1",
    ]


def test_a_job_that_memory_does_not_suffice_for_waits_until_none_is_running(
    compare: Callable[..., ComparisonResult], log: Path
) -> None:
    """What it takes is known from the contender's finished cell."""
    result = compare("majority", executor=f"measures:log={log}", seeds=3)
    assert len(result.runs) == 3
    assert log.read_text() == "True True True\n"


@pytest.mark.parametrize("data", [tiny_words(24), tiny_topics(40)], ids=["words", "several labels"])
def test_data_of_every_task_come_through_the_file(
    compare: Callable[..., ComparisonResult], data: Any, tmp_path: Path
) -> None:
    [one] = compare("majority", data=data).runs
    [two] = compare("majority", data=data, executor="here", output="here").runs
    assert one.record.data == two.record.data
    assert one.record.metrics == two.record.metrics
    tables = [pq.read_table(run.directory / "predictions.parquet") for run in (one, two)]
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "full"}, r"'full' is a strategy, and no executor; the executors are .*local"),
        ({"executor": "local:threads=0"}, "threads"),
        ({"executor": "lokal"}, r"Did you mean 'local'\?"),
        ({"plugins": ["local"]}, r"'local' is an executor, and no run has one; .* --executor local"),
    ],
)
def test_what_is_no_executor_is_refused(
    compare: Callable[..., ComparisonResult], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        compare("majority", **options)


def test_a_name_is_claimed_by_one_at_a_time(tmp_path: Path) -> None:
    with claimed(tmp_path / "claims", "cell") as first, claimed(tmp_path / "claims", "cell") as second:
        assert (first, second) == (True, False)
    with claimed(tmp_path / "claims", "cell") as again:
        assert again
    assert not (tmp_path / "claims").exists()


@pytest.fixture
def emitted(
    textclf: Callable[..., int],
    plugin_file: Callable[..., Path],
    reviews: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> list[str]:
    """The words of a comparison whose cells are files in the folder ``cells``."""
    file = plugin_file(
        """
        from textclf_plugins.baselines.majority import Majority

        @dataclass(frozen=True)
        class Mine(Majority):
            '''The majority class.'''
        """
    )
    words = ["compare", "--plugin", f"files:path={reviews}", "--plugin-file", str(file), "--no-baselines"]
    words += ["--try", "mine", "--seeds", "2", "--output", str(tmp_path / "runs"), "--format", "json"]
    assert textclf(*words, "--emit", str(tmp_path / "cells")) == 0
    assert f"textclf cell {tmp_path / 'cells'}/NAME.json" in capsys.readouterr().out
    return words


def test_cells_run_from_their_files_anywhere(
    textclf: Callable[..., int], emitted: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = sorted((tmp_path / "cells").glob("*.json"))
    assert [json.loads(file.read_text())["cells"][0]["seed"] for file in files] == [0, 1]
    assert not list((tmp_path / "runs").glob("*"))
    monkeypatch.chdir(tmp_path)
    assert [textclf("cell", str(file)) for file in files] == [0, 0]
    written = [path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/record.json")]
    assert textclf(*emitted) == 0
    assert [path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*/record.json")] == written
    assert len(written) == 2


def test_a_cell_is_refused_where_its_plugin_is_another(
    textclf: Callable[..., int], emitted: Sequence[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text() + "\nother = 1\n")
    assert textclf("cell", str(min((tmp_path / "cells").glob("*.json")))) == 1
    assert "has changed since it was chosen" in capsys.readouterr().err


def test_a_file_of_something_else_is_refused(
    textclf: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.json").write_text("{}")
    assert textclf("cell", str(tmp_path / "other.json")) == 2
    assert "isn't a file of a cell" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("beside", "cost", "recommended", "sentence"),
    [
        ((1, 1), "train-seconds", "cheap", "while up to 1 other ran on the same machine"),
        ((None, None), "train-seconds", "cheap", "while other runs may have run on the same machine"),
        ((0, 1), "train-seconds", "best", "So no contender is recommended by train-seconds; use --cost flops"),
        ((0, 1), "flops", "cheap", "Times were not measured alike"),
    ],
)
def test_times_rank_only_if_all_were_measured_alike(
    tmp_path: Path, beside: tuple[int | None, int | None], cost: str, recommended: str, sentence: str
) -> None:
    for seed in (0, 1):
        write_run(tmp_path, "best", seed=seed, accuracy=0.9, train_seconds=20, flops=2e12, beside=beside[0])
        write_run(tmp_path, "cheap", seed=seed, accuracy=0.85, train_seconds=5, flops=1e12, beside=beside[1])
    report = make_report([tmp_path], ReportOptions(), Criteria(cost=cost, tolerance=0.4))
    assert sentence in " ".join(report.text("simple").split())
    assert report.recommended == recommended


def test_the_time_left_comes_from_like_cells_and_counts_what_has_ended(tmp_path: Path) -> None:
    """A fast contender says nothing of a slow one; an estimate is used before anything has run."""
    found = contenders(["tfidf-logreg:c=1,2", "majority"], [], Catalogue.discover(), without=("dataset",))
    cells = [
        make_cell(one, seed, DataKey("data", None, None), fingerprint="", data_seed=0, device="cpu")
        for one in found
        for seed in (0, 1)
    ]
    record = read_record(write_run(tmp_path, "made", train_seconds=10))  # 15 s in all
    lines = io.StringIO()
    view = LiveView(cells, "f1", Console(file=lines, width=200))
    assert view.time_left == ""
    view.started(cells[:1])
    view.finished(cells[0], record)
    assert "(1 of 6 cells, at least 45 s left)" in lines.getvalue()
    view.reused(cells[4], record)
    assert view.time_left == "about 1 min 00 s left"
    estimate = CostEstimate(seconds=100, peak_memory_bytes=1, artifact_bytes=1, cache_bytes=1)
    assert LiveView(cells, "f1", expected={cells[0].id: estimate}, quiet=True).time_left == "at least 1 min 40 s left"

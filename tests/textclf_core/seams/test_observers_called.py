"""Observers through the hooks: called last, without effect on a run's result, even if they fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import textclf_core

WATCHERS = """
    import json

    @dataclass(frozen=True)
    class Notebook:
        @hookimpl
        def textclf_run_finished(self, record, directory):
            assert (directory / "predictions.parquet").is_file()
            with open(WHERE, "a") as stream:
                stream.write(json.dumps([record.label, record.seed, record.metrics["test"]["f1"]]) + "\\n")

    @dataclass(frozen=True)
    class Broken:
        @hookimpl
        def textclf_run_finished(self, record):
            raise ConnectionError("the server is on fire")
"""


def test_an_observer_that_fails_loses_neither_the_run_nor_the_others(
    plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path
) -> None:
    path = plugin_file(WATCHERS.replace("WHERE", repr(str(tmp_path / "log"))))
    plugins = [f"files:path={reviews}", "majority", "broken", "notebook"]
    run = textclf_core.run(plugins, output=tmp_path / "runs", quiet=True, plugin_files=[path])
    [note] = run.record.notes
    assert "broken could not report this run" in note
    assert "the server is on fire" in note
    assert textclf_core.open_run(run.directory).record.notes == run.record.notes
    assert (tmp_path / "log").read_text() == f'["majority", 0, {run.metrics["test"]["f1"]}]\n'


def test_a_comparison_does_not_run_again_for_an_observer(
    plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path
) -> None:
    path = plugin_file(WATCHERS.replace("WHERE", repr(str(tmp_path / "log"))))

    def compare(*plugins: str, seeds: int = 1) -> textclf_core.ComparisonResult:
        return textclf_core.compare(
            ["majority"],
            plugins=[f"files:path={reviews}", *plugins],
            seeds=seeds,
            baselines=False,
            output=tmp_path / "runs",
            quiet=True,
            plugin_files=[path],
        )

    [first] = compare().runs
    watched = compare("notebook", seeds=2)
    assert [run.record.seed for run in watched.runs] == [0, 1]
    assert watched.runs[0].record == first.record
    assert [line.partition(",")[2][:2] for line in (tmp_path / "log").read_text().splitlines()] == [" 1"]
    assert watched.analysis is not None
    [row] = watched.analysis.rows  # the watched run and the other are seeds of one contender
    assert row.line.seeds == (0, 1)

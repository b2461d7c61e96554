"""A comparison: its contenders, its cells, what it reads instead of running, and what it says."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import textclf_core
from textclf_core import UsageError
from textclf_core.comparison.contenders import Sweep, contenders
from textclf_core.plugins import Catalogue, override
from textclf_core.testing import tiny_data


def labels(*tries: str) -> list[str]:
    return [contender.label for contender in contenders(tries, [], Catalogue.discover())]


def test_a_range_and_a_list_make_several_contenders() -> None:
    assert labels("freeze-first-n:n=0..2", "freeze-last-n:n=1,3") == [
        "freeze-first-n:n=0",
        "freeze-first-n:n=1",
        "freeze-first-n:n=2",
        "freeze-last-n:n=1",
        "freeze-last-n:n=3",
    ]


def test_plugins_joined_by_a_plus_are_one_contender_and_sweeps_multiply() -> None:
    assert labels("freeze-first-n:n=0,1 + finetune:learning_rate=1e-4,2e-5") == [
        "freeze-first-n:n=0 + finetune:learning_rate=1e-4",
        "freeze-first-n:n=0 + finetune:learning_rate=2e-5",
        "freeze-first-n:n=1 + finetune:learning_rate=1e-4",
        "freeze-first-n:n=1 + finetune:learning_rate=2e-5",
    ]


def test_only_numbers_are_swept() -> None:
    assert labels(r"freeze-pattern:pattern=layer\.(1,2)") == [r"freeze-pattern:pattern=layer\.(1,2)"]


def test_a_contender_knows_the_option_that_was_swept() -> None:
    first, second = contenders(["freeze-first-n:n=2,4"], [], Catalogue.discover())
    assert first.sweep == Sweep("freeze-first-n", "n", 2)
    assert second.sweep == Sweep("freeze-first-n", "n", 4)


def test_a_contenders_choice_replaces_the_base_and_what_it_cannot_use_is_left_out() -> None:
    catalogue = Catalogue.discover()
    base = override([], ["minilm", "finetune:epochs=3", "freeze-embeddings"], catalogue)
    full, tuned, baseline = contenders(["full", "hf-trainer", "tfidf-logreg"], base, catalogue)
    assert {"minilm", "finetune", "freeze-embeddings", "full"} <= {plugin.name for plugin in full.plugins}
    assert "finetune" not in {plugin.name for plugin in tuned.plugins}
    assert baseline.left_out == ("minilm", "freeze-embeddings")
    assert baseline.plugins.one("model") is None


@pytest.mark.parametrize(
    ("tries", "message"),
    [
        (["full", "full"], "'full'|full: this contender is given twice"),
        (["ful"], "Did you mean 'full'"),
        (["freeze-first-n:n=6..0"], "a range must be ascending"),
        (["freeze-first-n:m=1"], "there is no option 'm'"),
    ],
)
def test_a_wrong_contender_is_found_before_anything_runs(tries: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        contenders(tries, [], Catalogue.discover())


@pytest.fixture
def base(tiny_checkpoint: Path, reviews: Path) -> list[str]:
    return [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}", "finetune:learning_rate=1e-2"]


def test_a_comparison_runs_each_contender_at_each_seed_on_the_same_splits(base: list[str], tmp_path: Path) -> None:
    result = textclf_core.compare(["freeze-first-n:n=0,1"], plugins=base, seeds=2, output=tmp_path, quiet=True)
    assert [(run.record.label, run.record.seed) for run in result.runs] == [
        (label, seed)
        for label in ("freeze-first-n:n=0", "freeze-first-n:n=1", "majority", "tfidf-logreg")
        for seed in (0, 1)
    ]
    assert len({run.record.data.fingerprint for run in result.runs}) == 1
    assert result.analysis is not None
    assert {row.line.label for row in result.analysis.rows} == {run.record.label for run in result.runs}
    assert [row.verdict for row in result.analysis.rows].count("best") == 1
    assert result.recommended in {row.line.label for row in result.analysis.rows}
    assert sum(row.recommended for row in result.analysis.rows) == 1
    assert list(result.to_frame().index) == [row.line.label for row in result.analysis.rows]
    assert "<table" in result._repr_html_()
    baseline = next(run for run in result.runs if run.record.label == "tfidf-logreg")
    assert baseline.record.left_out == ("hf-model",)


def test_finished_cells_are_read_and_what_could_change_a_result_runs_anew(reviews: Path, tmp_path: Path) -> None:
    base = [f"files:path={reviews}", "tfidf-logreg:c=1"]

    def started(**options: object) -> dict[str, str]:
        result = textclf_core.compare(
            ["calibration"], output=tmp_path, baselines=False, quiet=True, **({"plugins": base, "seeds": 1} | options)
        )
        return {run.record.id: run.record.finished + str(run.record.cost.seconds) for run in result.runs}

    first = started()
    assert started() == first
    more = started(seeds=2)
    assert len(more) == 2
    assert first.items() <= more.items()
    assert started(data_seed=1).keys().isdisjoint(first)
    assert started(plugins=[base[0], "tfidf-logreg:c=2"]).keys().isdisjoint(first)
    again = started(force=True)
    assert again.keys() == first.keys()
    assert again != first


def test_a_cell_that_fails_does_not_stop_the_others(base: list[str], tmp_path: Path) -> None:
    result = textclf_core.compare(
        ["freeze-first-n:n=7", "majority"], plugins=base, seeds=1, output=tmp_path, baselines=False, quiet=True
    )
    assert [run.record.label for run in result.runs] == ["majority"]
    [((label, seed), error)] = result.failed.items()
    assert (label, seed) == ("freeze-first-n:n=7", 0)
    assert "has 2 blocks" in str(error)


def test_data_in_memory_are_compared_too(tmp_path: Path) -> None:
    result = textclf_core.compare(["tfidf-logreg:c=2"], data=tiny_data(96), seeds=1, output=tmp_path, quiet=True)
    assert [run.record.label for run in result.runs] == ["tfidf-logreg:c=2", "majority", "tfidf-logreg"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"metric": "acuracy"}, r"no plugin describes such a metric for this task\. Did you mean 'accuracy'\?"),
        ({"cost": "flop"}, r"there is no such cost\. Did you mean 'flops'\?"),
    ],
)
def test_a_wrong_metric_or_cost_is_found_before_anything_runs(
    base: list[str], tmp_path: Path, wrong: dict[str, str], message: str
) -> None:
    output = tmp_path / "runs"
    with pytest.raises(UsageError, match=message):
        textclf_core.compare(["full"], plugins=base, output=output, quiet=True, **wrong)  # type: ignore[arg-type]
    assert not output.exists()


@pytest.mark.slow
def test_a_killed_comparison_goes_on_where_it_was(base: list[str], tmp_path: Path) -> None:
    """SIGKILL after the first cell; the second command reads it and runs the rest."""
    output = tmp_path / "runs"
    command = [sys.executable, "-m", "textclf_core", "compare", "--try", "full", "--seeds", "3"]
    command += ["--output", str(output), *(word for spec in base for word in ("--plugin", spec))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not list(output.glob("full-s0-*")):
            assert process.poll() is None
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    [first] = output.glob("full-s0-*")
    before = (first / "record.json").stat().st_mtime_ns
    assert not list(output.glob("full-s2-*"))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (first / "record.json").stat().st_mtime_ns == before
    assert "full seed 0: read" in done.stderr
    assert "full seed 2: done" in done.stderr
    assert "(9 of 9 cells)" in done.stderr
    assert len([path for path in output.iterdir() if not path.name.startswith(".")]) == 9
    assert not list(output.glob(".full-s*"))  # what the killed process left of its second cell
    assert "undecided" in done.stdout or "worse" in done.stdout


def test_the_command_ends_in_a_table_and_exit_code_1_if_a_cell_failed(
    textclf: Callable[..., int], base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for spec in base for word in ("--plugin", spec)]
    arguments = ["compare", *words, "--output", str(tmp_path), "--seeds", "1", "--no-baselines", "--format", "csv"]
    assert textclf(*arguments, "--try", "majority", "--try", "freeze-first-n:n=9") == 1
    shown = capsys.readouterr()
    assert [row["contender"] for row in csv.DictReader(io.StringIO(shown.out))] == ["majority"]
    assert "error: freeze-first-n:n=9 seed 0:" in shown.err


def test_an_experiment_file_names_contenders_and_seeds(
    textclf: Callable[..., int], reviews: Path, tmp_path: Path
) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(
        f"""
        seeds = [4, 9]
        output = '{tmp_path / "runs"}'
        [plugins]
        files = {{ path = '{reviews}' }}
        [[try]]
        tfidf-logreg = {{ c = 0.5 }}
        calibration = {{}}
        [[try]]
        tfidf-logreg = {{ c = [1, 2] }}
        """
    )
    assert textclf("compare", str(file), "--no-baselines") == 0
    records = [textclf_core.open_run(path).record for path in (tmp_path / "runs").iterdir()]
    assert {(record.label, record.seed) for record in records} == {
        (label, seed)
        for label in ("tfidf-logreg:c=0.5 + calibration", "tfidf-logreg:c=1", "tfidf-logreg:c=2")
        for seed in (4, 9)
    }


@pytest.mark.parametrize("seeds", ["0", "a", "1,1", ""])
def test_seeds_that_are_none(textclf: Callable[..., int], seeds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("compare", "--try", "full", "--seeds", seeds) == 2
    assert "seed" in capsys.readouterr().err


def test_nothing_to_compare_is_an_error(textclf: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("compare") == 2
    assert "--try" in capsys.readouterr().err


def test_a_plugin_of_ones_own_is_a_contender(base: list[str], plugin_file: Callable[..., Path], tmp_path: Path) -> None:
    path = plugin_file(
        """
        @dataclass(frozen=True)
        class FreezeTheFirst:
            @hookimpl
            def textclf_freeze(self, encoder):
                encoder.freeze(blocks=[0])
        """
    )
    result = textclf_core.compare(
        ["freeze-the-first"],
        plugins=base,
        plugin_files=[path],
        seeds=1,
        output=tmp_path,
        baselines=False,
        quiet=True,
    )
    assert result.runs[0].record.encoder is not None
    assert result.runs[0].record.encoder.frozen == ("block 0",)


def test_a_plugin_file_that_changed_makes_another_cell(quick: dict[str, Any], plugin_file: Callable[..., Path]) -> None:
    def constant(value: int) -> float | None:
        path = plugin_file(
            f"""
            @dataclass(frozen=True)
            class Constant:
                @hookimpl
                def textclf_compute_metrics(self):
                    return {{"constant": {value}}}
            """
        )
        found = textclf_core.compare(["majority + constant + f1"], plugin_files=[path], baselines=False, **quick)
        return found.runs[0].metrics["test"]["constant"]

    assert constant(1) == 1
    assert constant(2) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tries": "tfidf-logreg"}, r"tries takes a list of texts: tries=\['tfidf-logreg'\]"),
        ({"tries": ["majority"], "plugins": [{"f1": {}}]}, "plugins takes a list of texts .*f1"),
        ({"tries": ["majority"], "plugins": pd.DataFrame({"text": ["a"]})}, "data in memory are passed as data="),
    ],
)
def test_specs_that_are_no_list_of_texts_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(textclf_core.UsageError, match=message):
        textclf_core.compare(**arguments)


@pytest.mark.parametrize(
    ("seeds", "why"),
    [
        (0, "at least one"),
        ([], "at least one"),
        ([1, 1], "once only"),
        ([-1], "0 or greater"),
        ([0, "1"], "a whole number, not of type str"),
        ([0.5], "a whole number, not of type float"),
        ("3", "give their number, or a list"),
    ],
)
def test_seeds_that_are_none_in_python(seeds: Any, why: str) -> None:
    with pytest.raises(textclf_core.UsageError, match=why):
        textclf_core.compare(["majority"], data=tiny_data(8), seeds=seeds, quiet=True)


def test_a_comparison_whose_cells_all_failed_is_an_empty_frame(base: list[str], tmp_path: Path) -> None:
    result = textclf_core.compare(
        ["freeze-first-n:n=9"], plugins=base, seeds=1, output=tmp_path, baselines=False, quiet=True
    )
    assert [label for label, _ in result.failed] == ["freeze-first-n:n=9"]
    assert (result.analysis, result.recommended, result.error) == (None, None, None)
    assert str(result) == result._repr_html_() == "every cell failed"
    assert len(result.to_frame()) == 0
    assert result.to_frame().index.name == "contender"


@pytest.fixture
def quick(reviews: Path, tmp_path: Path) -> dict[str, Any]:
    """Arguments of a comparison without an encoder."""
    return {"plugins": [f"files:path={reviews}"], "seeds": 1, "output": tmp_path / "runs", "quiet": True}


def test_sizes_of_train_are_compared_apart_and_the_largest_decides(quick: dict[str, Any]) -> None:
    result = textclf_core.compare(["majority"], train_size=["8/class", "100%"], price="0.40/h", **quick)
    assert [one.data.train_size for one in result.report.analyses] == ["8/class", "100%"]
    assert result.analysis is result.report.analyses[1]
    assert list(result.to_frame()["train_size"]) == ["8/class", "8/class", "100%", "100%"]
    assert "money" in result.to_frame()
    assert "Data: " in str(result)
    assert result._repr_html_().count("<table") == 2


def test_a_dry_run_in_python_is_an_estimate(quick: dict[str, Any]) -> None:
    estimate = textclf_core.compare(
        ["majority"], dry_run=True, tune="c=1e-2..1e2", trials=3, price="3600/h", baselines=False, **quick
    )
    [line] = estimate.lines
    assert (line.contender, line.cells, line.finished) == ("majority", 1, 0)
    assert estimate.seconds_left == line.seconds_left > 0
    assert estimate.to_frame()["money"]["majority"] == pytest.approx(estimate.seconds_left)
    assert "1 cells to run" in str(estimate)
    assert str(estimate).endswith("Not included: up to 3 trials per contender with c.")
    assert "<table" in estimate._repr_html_()
    assert not list(quick["output"].glob("[!.]*"))


def test_a_file_is_read_in_python_as_on_the_command_line(
    textclf: Callable[..., int], reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(
        f"""
        seeds = [7]
        output = '{tmp_path / "runs"}'
        [plugins]
        files = {{ path = '{reviews}' }}
        [[try]]
        majority = {{}}
        """
    )
    assert textclf("compare", str(file), "--no-baselines", "--format", "csv") == 0
    [typed] = capsys.readouterr().out.splitlines()[1:]
    result = textclf_core.compare(experiment=file, baselines=False, quiet=True)
    assert [(run.record.label, run.record.seed) for run in result.runs] == [("majority", 7)]
    assert result.text("csv").splitlines()[1:] == [typed]
    other = textclf_core.compare(experiment=file, seeds=[8], baselines=False, quiet=True)
    assert [run.record.seed for run in other.runs] == [8]


def test_the_record_has_who_set_each_option(quick: dict[str, Any]) -> None:
    result = textclf_core.compare(["tfidf-logreg:c=2"], **quick)
    by_label = {run.record.label: run.record for run in result.runs}
    trainer, data = (by_label["tfidf-logreg:c=2"].plugin(role) for role in ("trainer", "dataset"))
    assert trainer is not None
    assert data is not None
    assert (trainer.set_by["c"], data.set_by["path"]) == ("call", "call")


def test_what_was_computed_is_not_lost_to_an_error_of_the_table(
    textclf: Callable[..., int], quick: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    first = textclf_core.compare(["majority"], **quick)
    (first.runs[0].directory / "predictions.parquet").write_bytes(b"no parquet")
    result = textclf_core.compare(["majority"], **quick)
    assert {run.directory for run in result.runs} == {run.directory for run in first.runs}
    assert isinstance(result.error, textclf_core.RunError)
    assert str(result) == str(result.error)
    words = ["compare", "--try", "majority", "--try", "freeze-first-n:n=9 + minilm", "--seeds", "1"]
    output = ["--output", str(quick["output"]), "--plugin", quick["plugins"][0]]
    assert textclf(*words, *output, "--format", "json") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "error: freeze-first-n:n=9 + minilm seed 0: " in shown.err
    assert f"error: the 2 finished runs in {quick['output']} can't be compared: " in shown.err
    assert "Traceback" not in shown.err

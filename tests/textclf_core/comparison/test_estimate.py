"""The cost estimate of a comparison before it runs, and its curve by amount of data."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core.comparison.estimate import save_estimates
from textclf_core.records.schema import CostEstimate
from textclf_core.reports.estimate_table import EstimateLine, estimate_text

Textclf = Callable[..., int]


@pytest.fixture
def arguments(tiny_checkpoint: Path, reviews: Path, tmp_path: Path) -> list[str]:
    base = ["--plugin", f"files:path={reviews}", "--plugin", f"hf-model:checkpoint={tiny_checkpoint}"]
    return ["compare", *base, "--no-baselines", "--output", str(tmp_path)]


def records(folder: Path) -> list[textclf_core.Run]:
    return [textclf_core.open_run(path.parent) for path in sorted(folder.glob("[!.]*/record.json"))]


def test_a_dry_run_lists_the_cells_and_runs_none(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = ["--try", "majority", "--try", "tfidf-logreg", "--seeds", "2"]
    assert textclf(*arguments, *tries, "--dry-run", "--format", "json", "--price", "0.40/h") == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["contender"], second["contender"]) == ("majority", "tfidf-logreg")
    assert second["seconds_left"] == pytest.approx(2 * second["seconds"])
    assert second["money"] == pytest.approx(0.4 * second["seconds_left"] / 3600)
    assert records(tmp_path) == []


@pytest.fixture
def lines() -> list[EstimateLine]:
    expected = CostEstimate(seconds=90.0, peak_memory_bytes=2**30, artifact_bytes=2**20, cache_bytes=0)
    return [EstimateLine("a|b", "10%", 3, 1, expected, 180.0), EstimateLine("done", None, 3, 3, None, 0.0)]


@pytest.mark.parametrize(("format", "separator"), [("csv", ","), ("tsv", "\t")])
def test_a_bill_for_programs_is_unrounded_and_alone(lines: list[EstimateLine], format: str, separator: str) -> None:
    first, last = csv.DictReader(estimate_text(lines, format, 0.4).splitlines(), delimiter=separator)
    assert (first["contender"], first["train_size"], first["cells"], first["finished"]) == ("a|b", "10%", "3", "1")
    assert (first["seconds"], first["seconds_left"], first["money"]) == ("90.0", "180.0", "0.02")
    assert (last["peak_memory_bytes"], last["seconds_left"]) == ("", "0.0")


@pytest.mark.parametrize(
    ("format", "shown"),
    [("github", r"| a\|b at 10% "), ("latex_booktabs", r"a\textbar{}b at 10\%"), ("html", "<td>a|b at 10%")],
)
def test_a_bill_in_a_document_is_escaped(lines: list[EstimateLine], format: str, shown: str) -> None:
    text = estimate_text(lines, format)
    assert shown in text
    assert ("cells to run" in text) == (format == "github")


@pytest.fixture(scope="module")
def estimated(
    textclf: Textclf, tiny_checkpoint: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[textclf_core.Run], list[str]]:
    """The runs of a comparison that was estimated before, and the printed estimates before and after it."""
    folder = tmp_path_factory.mktemp("estimated")
    command = ["compare", "--plugin", f"files:path={reviews}", "--plugin", f"hf-model:checkpoint={tiny_checkpoint}"]
    command += ["--no-baselines", "--output", str(folder / "runs"), "--cache-dir", str(folder / "cache")]
    command += ["--try", "full", "--try", "head-only", "--seeds", "2"]
    outputs = []
    for more in (["--dry-run"], [], ["--dry-run"]):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert textclf(*command, *more) == 0
        outputs.append(printed.getvalue())
    return records(folder / "runs"), [outputs[0], outputs[2]]


def test_the_estimate_knows_which_of_the_cells_that_train_jointly_fills_the_cache(
    estimated: tuple[list[textclf_core.Run], list[str]],
) -> None:
    first, second = (run.record for run in estimated[0] if run.record.label == "head-only")
    assert first.expected is not None
    assert second.expected is not None
    assert first.expected.cache_bytes == first.cost.cache_bytes > 0
    assert second.expected.cache_bytes == second.cost.cache_bytes == 0


def test_what_was_expected_stands_beside_what_it_took(estimated: tuple[list[textclf_core.Run], list[str]]) -> None:
    runs, (before, after) = estimated
    assert "4 cells to run" in before
    for run in runs:
        expected, cost = run.record.expected, run.record.cost
        assert expected is not None
        assert expected.seconds > 0
        assert expected.artifact_bytes == pytest.approx(cost.artifact_bytes, rel=0.01)
        assert expected.peak_memory_bytes == pytest.approx(cost.peak_memory_bytes, rel=0.25)
    assert "0 cells to run" in after


def test_the_time_left_is_what_the_bill_expects(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = ["--try", "majority", "--seeds", "3"]
    assert textclf(*arguments, *tries) == 0
    save_estimates(
        tmp_path,
        {
            run.directory.name: CostEstimate(seconds=1200.0, peak_memory_bytes=0, artifact_bytes=0, cache_bytes=0)
            for run in records(tmp_path)
        },
    )
    capsys.readouterr()
    assert textclf(*arguments, *tries, "--force") == 0
    first, second, last = (line for line in capsys.readouterr().err.splitlines() if " of 3 cells" in line)
    assert "(1 of 3 cells, about 40 min 00 s left)" in first
    assert "(2 of 3 cells, about 20 min 00 s left)" in second
    assert "left" not in last


def test_a_growing_vocabulary_is_not_taken_for_a_line(textclf: Textclf, shared_data: Path, tmp_path: Path) -> None:
    data = f"rotten-tomatoes:path={shared_data / 'rt-polaritydata'}"
    command = ["compare", "--plugin", data, "--try", "tfidf-logreg", "--no-baselines", "--seeds", "1"]
    assert textclf(*command, "--output", str(tmp_path), "--dry-run") == 0
    assert textclf(*command, "--output", str(tmp_path)) == 0
    [run] = records(tmp_path)
    assert run.record.expected is not None
    assert run.record.expected.artifact_bytes == pytest.approx(run.record.cost.artifact_bytes, rel=0.25)


def test_a_run_without_a_dry_run_before_has_no_expectation(
    textclf: Textclf, arguments: list[str], tmp_path: Path
) -> None:
    assert textclf(*arguments, "--try", "majority", "--seeds", "1") == 0
    [run] = records(tmp_path)
    assert run.record.expected is None


def test_a_dry_run_mentions_that_trials_are_not_included(
    textclf: Textclf, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["--tune", "c=1e-2..1e2", "--trials", "5"]
    assert textclf(*arguments, "--try", "tfidf-logreg", *tune, "--dry-run") == 0
    assert "Not included: up to 5 trials per contender with c." in capsys.readouterr().err


def test_a_curve_by_amount_of_data(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["--train-size", "4/class,50%,100%", "--seeds", "2"]
    assert textclf(*arguments, "--try", "majority", "--try", "tfidf-logreg:c=1", *sizes) == 0
    shown = capsys.readouterr().out
    runs = records(tmp_path)
    train_rows = {run.record.data.train_size: run.record.data.splits[0].rows for run in runs}
    assert train_rows == {"4/class": 8, "50%": 48, "100%": 96}
    assert len({run.record.data.splits[2].sha256 for run in runs}) == 1
    assert len(runs) == 12
    assert "4/class of train" in shown
    assert "No two contenders' curves cross." in shown

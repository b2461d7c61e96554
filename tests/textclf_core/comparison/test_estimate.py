"""Before a comparison runs: its bill, and values tuned on validation."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core.comparison.estimate import keep_expected
from textclf_core.comparison.tuning import Search, parse_search
from textclf_core.errors import UsageError
from textclf_core.records.schema import Expected
from textclf_core.reports.estimate_table import BillLine, bill_text

Textclf = Callable[..., int]


@pytest.fixture
def arguments(tiny_checkpoint: Path, reviews: Path, tmp_path: Path) -> list[str]:
    base = ["--plugin", f"files:path={reviews}", "--plugin", f"hf-model:checkpoint={tiny_checkpoint}"]
    return ["compare", *base, "--no-yardsticks", "--output", str(tmp_path)]


def records(folder: Path) -> list[textclf_core.Run]:
    return [textclf_core.open_run(path.parent) for path in sorted(folder.glob("[!.]*/record.json"))]


def test_a_dry_run_lists_the_cells_and_runs_none(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = ["--try", "full", "--try", "head-only", "--seeds", "2"]
    assert textclf(*arguments, *tries, "--dry-run", "--format", "json", "--price", "0.40/h") == 0
    full, head_only = json.loads(capsys.readouterr().out)
    assert (full["contender"], head_only["contender"]) == ("full", "head-only")
    assert head_only["seconds_left"] == pytest.approx(2 * head_only["seconds"])
    assert head_only["money"] == pytest.approx(0.4 * head_only["seconds_left"] / 3600)
    assert records(tmp_path) == []


@pytest.fixture
def lines() -> list[BillLine]:
    expected = Expected(seconds=90.0, peak_memory_bytes=2**30, artifact_bytes=2**20, cache_bytes=0)
    return [BillLine("a|b", "10%", 3, 1, expected, 180.0), BillLine("done", None, 3, 3, None, 0.0)]


@pytest.mark.parametrize(("format", "separator"), [("csv", ","), ("tsv", "\t")])
def test_a_bill_for_programs_is_unrounded_and_alone(lines: list[BillLine], format: str, separator: str) -> None:
    first, last = csv.DictReader(bill_text(lines, format, 0.4).splitlines(), delimiter=separator)
    assert (first["contender"], first["train_size"], first["cells"], first["finished"]) == ("a|b", "10%", "3", "1")
    assert (first["seconds"], first["seconds_left"], first["money"]) == ("90.0", "180.0", "0.02")
    assert (last["peak_memory_bytes"], last["seconds_left"]) == ("", "0.0")


@pytest.mark.parametrize(
    ("format", "shown"),
    [("github", r"| a\|b at 10% "), ("latex_booktabs", r"a\textbar{}b at 10\%"), ("html", "<td>a|b at 10%")],
)
def test_a_bill_in_a_document_is_escaped(lines: list[BillLine], format: str, shown: str) -> None:
    text = bill_text(lines, format)
    assert shown in text
    assert ("cells to run" in text) == (format == "github")


def test_the_bill_knows_which_of_the_cells_that_train_together_fills_the_cache(
    textclf: Textclf, arguments: list[str], tmp_path: Path
) -> None:
    tries = ["--try", "head-only", "--seeds", "2", "--cache-dir", str(tmp_path / "cache")]
    assert textclf(*arguments, *tries, "--dry-run") == 0
    assert textclf(*arguments, *tries) == 0
    first, second = (run.record for run in records(tmp_path))
    assert first.expected is not None
    assert second.expected is not None
    assert first.expected.cache_bytes == first.cost.cache_bytes > 0
    assert second.expected.cache_bytes == second.cost.cache_bytes == 0


def test_what_was_expected_stands_beside_what_it_took(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = ["--try", "full", "--seeds", "2"]
    assert textclf(*arguments, *tries, "--dry-run") == 0
    assert "2 cells to run" in capsys.readouterr().out
    assert textclf(*arguments, *tries) == 0
    for run in records(tmp_path):
        expected, cost = run.record.expected, run.record.cost
        assert expected is not None
        assert expected.seconds > 0
        assert expected.artifact_bytes == pytest.approx(cost.artifact_bytes, rel=0.01)
        assert expected.peak_memory_bytes == pytest.approx(cost.peak_memory_bytes, rel=0.25)
    capsys.readouterr()
    assert textclf(*arguments, *tries, "--dry-run") == 0
    assert "0 cells to run" in capsys.readouterr().out


def test_the_time_left_is_what_the_bill_expects(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries = ["--try", "tfidf-logreg", "--seeds", "3"]
    assert textclf(*arguments, *tries) == 0
    keep_expected(
        tmp_path,
        {
            run.directory.name: Expected(seconds=1200.0, peak_memory_bytes=0, artifact_bytes=0, cache_bytes=0)
            for run in records(tmp_path)
        },
    )
    capsys.readouterr()
    assert textclf(*arguments, *tries, "--force") == 0
    first, second, last = (line for line in capsys.readouterr().err.splitlines() if line.startswith("cell "))
    assert "about 40 min 00 s left" in first
    assert "about 20 min 00 s left" in second
    assert "left" not in last


def test_a_growing_vocabulary_is_not_taken_for_a_line(textclf: Textclf, shared_data: Path, tmp_path: Path) -> None:
    data = f"rotten-tomatoes:path={shared_data / 'rt-polaritydata'}"
    command = ["compare", "--plugin", data, "--try", "tfidf-logreg", "--no-yardsticks", "--seeds", "1"]
    assert textclf(*command, "--output", str(tmp_path), "--dry-run") == 0
    assert textclf(*command, "--output", str(tmp_path)) == 0
    [run] = records(tmp_path)
    assert run.record.expected is not None
    assert run.record.expected.artifact_bytes == pytest.approx(run.record.cost.artifact_bytes, rel=0.25)


def test_a_run_without_a_dry_run_before_has_no_expectation(
    textclf: Textclf, arguments: list[str], tmp_path: Path
) -> None:
    assert textclf(*arguments, "--try", "full", "--seeds", "1") == 0
    [run] = records(tmp_path)
    assert run.record.expected is None


def test_tuning_gives_each_contender_the_same_trials_and_runs_with_the_best(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["--tune", "learning_rate=1e-5..3e-2", "--trials", "3", "--seeds", "2"]
    assert textclf(*arguments, "--try", "full", "--try", "head-only", *tune) == 0
    table = capsys.readouterr().out
    trials = records(tmp_path / "trials")
    assert len(trials) == 6
    assert {run.record.seed for run in trials} == {0}
    for label in ("full", "head-only"):
        mine = [run for run in trials if run.record.label.startswith(f"{label} trial")]
        best = max(mine, key=lambda run: run.record.metrics["validation"]["f1"] or 0)
        runs = [run for run in records(tmp_path) if run.record.label == f"{label} (tuned)"]
        assert [run.record.seed for run in runs] == [0, 1]
        for run in runs:
            tuning = run.record.tuning
            trainer = run.record.plugin("trainer")
            assert tuning is not None
            assert trainer is not None
            assert tuning.trials == 3
            assert tuning.option == "finetune:learning_rate"
            assert trainer.options["learning_rate"] == tuning.value
            assert trainer.set_by["learning_rate"] == "tuning"
            assert tuning.validation_score == best.record.metrics["validation"]["f1"]
            assert tuning.train_flops == sum(one.record.cost.train_flops or 0 for one in mine)
            assert 1e-5 <= tuning.value <= 3e-2
        assert f"learning_rate={runs[0].record.tuning.value:g} (3 trials" in table  # type: ignore[union-attr]


def test_the_first_trial_takes_the_options_own_value(textclf: Textclf, arguments: list[str], tmp_path: Path) -> None:
    tune = ["--tune", "learning_rate", "--trials", "2", "--seeds", "1"]
    assert textclf(*arguments, "--try", "full", *tune) == 0
    rates = [run.record.plugin("trainer").options["learning_rate"] for run in records(tmp_path / "trials")]  # type: ignore[union-attr]
    assert 2e-5 in rates


def test_what_cant_be_tuned_stands_in_the_table_of_the_tuned(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["--tune", "learning_rate", "--trials", "2", "--seeds", "1", "--format", "json"]
    assert textclf(*arguments, "--try", "head-only", "--try", "embedding-logreg:c=1", *tune) == 0
    [table] = json.loads(capsys.readouterr().out)
    assert {"head-only (tuned)", "embedding-logreg:c=1"} <= {row["contender"] for row in table["rows"]}


def test_tuning_by_a_metric_that_nobody_gives_runs_nothing(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["--plugin", "mcc", "--tune", "learning_rate", "--trials", "2", "--seeds", "1"]
    assert textclf(*arguments, "--try", "full", *tune) == 2
    assert "--tune chooses by 'f1', and full gives mcc alone. Add --plugin f1." in capsys.readouterr().err
    assert not records(tmp_path / "trials")


def test_a_dry_run_says_that_trials_arent_in_the_bill(
    textclf: Textclf, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf(*arguments, "--try", "full", "--tune", "learning_rate", "--trials", "5", "--dry-run") == 0
    assert "Not in it: 5 trials of each contender with 'learning_rate'." in capsys.readouterr().err


def test_stopped_tuning_reads_its_trials(textclf: Textclf, arguments: list[str], tmp_path: Path) -> None:
    tune = ["--try", "full", "--tune", "learning_rate", "--trials", "2", "--seeds", "1"]
    assert textclf(*arguments, *tune) == 0
    before = {run.directory: run.record.cost.seconds for run in records(tmp_path / "trials")}
    assert textclf(*arguments, *tune) == 0
    assert {run.directory: run.record.cost.seconds for run in records(tmp_path / "trials")} == before


def test_a_trial_that_diverges_is_a_failed_trial(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["--tune", "learning_rate=1e-5..1e38", "--trials", "3", "--seeds", "1"]
    assert textclf(*arguments, "--try", "full", *tune) == 0
    shown = capsys.readouterr()
    assert "warning: full trial learning_rate=" in shown.err
    assert "failed: " in shown.err
    assert 0 < len(records(tmp_path / "trials")) < 3
    [run] = records(tmp_path)
    assert run.record.tuning is not None
    assert run.record.tuning.trials == 3
    assert run.record.tuning.value < 1


def test_a_contender_whose_trials_all_fail_does_not_stop_the_others(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["--tune", "learning_rate=1e36..1e38", "--trials", "2", "--seeds", "2"]
    assert textclf(*arguments, "--try", "full", "--try", "majority", *tune) == 1
    shown = capsys.readouterr()
    assert "error: full seed 0: all 2 trials of 'learning_rate' failed, the last one so: " in shown.err
    assert "error: full seed 1: " in shown.err
    assert [run.record.label for run in records(tmp_path)] == ["majority", "majority"]
    assert "majority" in shown.out


def test_a_trial_without_a_score_is_a_failed_trial(
    textclf: Textclf, arguments: list[str], plugin_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = plugin_file(
        """
        @dataclass(frozen=True)
        class Undecided:
            @hookimpl
            def textclf_compute_metrics(self, references):
                return {"f1": float("nan")}
        """
    )
    tune = ["--tune", "c=1e-2..1e2", "--trials", "2", "--seeds", "1"]
    mine = ["--plugin-file", str(path), "--plugin", "undecided"]
    assert textclf(*arguments, "--try", "tfidf-logreg", *mine, *tune) == 1
    assert "all 2 trials of 'c' failed, the last one so: f1 has no value on validation" in capsys.readouterr().err


@pytest.mark.parametrize("trials", [0, 1])
def test_too_few_trials(trials: int) -> None:
    with pytest.raises(UsageError, match="2 trials at least"):
        parse_search("learning_rate", trials)


def test_an_option_that_nobody_has(textclf: Textclf, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf(*arguments, "--try", "full", "--tune", "lambda=1e-3..1", "--seeds", "1") == 2
    assert "no contender's trainer has an option 'lambda'" in capsys.readouterr().err


def test_an_option_without_a_usual_range_needs_one(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`learning_rate` has one, which its option names; nothing runs."""
    assert textclf(*arguments, "--try", "full", "--tune", "weight_decay", "--seeds", "1") == 2
    assert "weight_decay: finetune names no usual range for it; say in which" in capsys.readouterr().err
    assert records(tmp_path / "trials") == []


def test_what_is_tuned_is_read_as_written() -> None:
    assert parse_search("learning_rate=1e-5..1e-2", 8) == Search("learning_rate", (1e-5, 1e-2), 8)
    assert parse_search("weight_decay=0.001..0.1", 4) == Search("weight_decay", (0.001, 0.1), 4)
    assert parse_search("learning_rate", 8) == Search("learning_rate", None, 8)


@pytest.mark.parametrize("text", ["learning_rate=1e-2..1e-5", "learning_rate=0..1", "learning_rate=a"])
def test_a_range_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="--tune"):
        parse_search(text, 8)


def test_a_curve_by_amount_of_data(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["--train-size", "4/class,50%,100%", "--seeds", "2", "--plugin", "finetune:learning_rate=1e-2,epochs=3"]
    assert textclf(*arguments, "--try", "full", "--try", "freeze-first-n:n=1", *sizes) == 0
    shown = capsys.readouterr().out
    runs = records(tmp_path)
    train_rows = {run.record.data.train_size: run.record.data.splits[0].rows for run in runs}
    assert train_rows == {"4/class": 8, "50%": 48, "100%": 96}
    assert len({run.record.data.splits[2].sha256 for run in runs}) == 1
    assert len(runs) == 12
    assert "4/class of train" in shown
    assert "cross" in shown

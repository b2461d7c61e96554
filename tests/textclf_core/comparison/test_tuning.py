"""Values tuned on validation before a comparison runs."""

from __future__ import annotations

import contextlib
import io
import json
import random
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core.comparison.search import Search, SearchedOption, parse_search
from textclf_core.errors import UsageError

Textclf = Callable[..., int]


def base(tiny_checkpoint: Path, reviews: Path, output: Path) -> list[str]:
    plugins = ["--plugin", f"files:path={reviews}", "--plugin", f"hf-model:checkpoint={tiny_checkpoint}"]
    return ["compare", *plugins, "--no-baselines", "--output", str(output)]


@pytest.fixture
def arguments(tiny_checkpoint: Path, reviews: Path, tmp_path: Path) -> list[str]:
    return base(tiny_checkpoint, reviews, tmp_path)


def records(folder: Path) -> list[textclf_core.Run]:
    return [textclf_core.open_run(path.parent) for path in sorted(folder.glob("[!.]*/record.json"))]


def train_rows(run: textclf_core.Run) -> int:
    return next(split.rows for split in run.record.data.splits if split.name == "train")


@pytest.fixture(scope="module")
def command(tiny_checkpoint: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A comparison that tunes two contenders."""
    tune = ["--tune", "learning_rate=1e-5..3e-2", "--trials", "2", "--seeds", "2"]
    output = tmp_path_factory.mktemp("tuned")
    return [*base(tiny_checkpoint, reviews, output), "--try", "full", "--try", "head-only", *tune]


@pytest.fixture(scope="module")
def tuned(textclf: Textclf, command: list[str]) -> tuple[Path, str]:
    """Where that comparison left its runs, and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert textclf(*command) == 0
    return Path(command[command.index("--output") + 1]), printed.getvalue()


def test_tuning_gives_each_contender_the_same_trials_and_runs_with_the_best(
    tuned: tuple[Path, str],
) -> None:
    folder, table = tuned
    trials = records(folder / "trials")
    assert len(trials) == 4
    assert {run.record.seed for run in trials} == {1_000_000}  # which no reported run has
    for label in ("full", "head-only"):
        mine = [run for run in trials if run.record.label.startswith(f"{label} trial")]
        best = max(mine, key=lambda run: run.record.metrics["validation"]["f1"] or 0)
        runs = [run for run in records(folder) if run.record.label == f"{label} (tuned)"]
        assert [run.record.seed for run in runs] == [0, 1]
        for run in runs:
            tuning = run.record.tuning
            trainer = run.record.plugin("trainer")
            assert tuning is not None
            assert trainer is not None
            assert tuning.trials == 2
            [tuned_option] = tuning.options
            assert tuned_option.option == "finetune:learning_rate"
            assert tuned_option.searched == "1e-05..0.03"
            assert trainer.options["learning_rate"] == tuned_option.value
            assert trainer.set_by["learning_rate"] == "tuning"
            assert tuning.validation_score == best.record.metrics["validation"]["f1"]
            assert tuning.train_flops == sum(one.record.cost.train_flops or 0 for one in mine)
            assert tuning.ended_early == 0
            assert 1e-5 <= float(tuned_option.value) <= 3e-2
        assert f"learning_rate={runs[0].record.tuning.options[0].value:g} (2 trials" in table  # type: ignore[union-attr]


def test_the_first_trial_takes_the_options_own_value(tuned: tuple[Path, str]) -> None:
    for label in ("full", "head-only"):
        mine = [run for run in records(tuned[0] / "trials") if run.record.label.startswith(f"{label} trial")]
        first = min(mine, key=lambda run: (run.directory / "record.json").stat().st_mtime_ns)
        assert first.record.plugin("trainer").options["learning_rate"] == 2e-5  # type: ignore[union-attr]


def test_stopped_tuning_reads_its_trials(tuned: tuple[Path, str], command: list[str], textclf: Textclf) -> None:
    before = {run.directory: run.record.finished for run in records(tuned[0] / "trials")}
    assert textclf(*command) == 0
    assert {run.directory: run.record.finished for run in records(tuned[0] / "trials")} == before


INTERRUPTING = """
from pathlib import Path

@dataclass(frozen=True)
class Interrupting:
    at: int

    @hookimpl
    def textclf_compute_metrics(self, references):
        if len(references) > 20:  # after training, of both splits; before it, of few rows
            calls = Path("calls")
            calls.write_text(calls.read_text() + "." if calls.exists() else ".")
            if len(calls.read_text()) == self.at:
                raise KeyboardInterrupt
        return {}
"""


@pytest.mark.parametrize(
    ("at", "workers", "trials", "cells"),
    [(1, [], 0, 0), (6, [], 2, 0), (6, ["--workers", "2"], 2, 0), (9, [], 3, 1)],
    ids=["in the first trial", "in the last trial", "in a trial before workers start", "in a cell"],
)
def test_ctrl_c_while_tuning_shows_what_is_finished_and_the_same_command_reads_it(
    at: int,
    workers: list[str],
    trials: int,
    cells: int,
    reviews: Path,
    textclf: Textclf,
    plugin_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    path = plugin_file(INTERRUPTING)
    words = ["compare", "--plugin", f"files:path={reviews}", "--plugin", "f1", "--no-baselines", "--seeds", "2"]
    words += ["--plugin-file", str(path), "--try", f"tfidf-logreg + interrupting:at={at}"]
    words += ["--tune", "c=0.01..10", "--trials", "3", *workers]
    assert textclf(*words, "--force") == 130
    error = capsys.readouterr().err
    tuning = f"Options were being tuned: {trials} trials are finished, in runs/trials, and are read again."
    assert (tuning in error) == (cells == 0)
    assert f"{cells} of 2 cells are finished, in runs." in error
    command = error.split("reads them and runs the others: ")[1].strip()
    assert shlex.split(command) == ["textclf", *words]
    before = {run.directory: run.record.finished for place in ("trials", ".") for run in records(Path("runs") / place)}
    assert len(before) == trials + cells
    assert textclf(*words[:-2] if workers else words) == 0
    after = {run.directory: run.record.finished for place in ("trials", ".") for run in records(Path("runs") / place)}
    assert len(after) == 3 + 2
    assert before.items() <= after.items()


def test_what_cant_be_tuned_stands_in_the_table_of_the_tuned(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["--tune", "learning_rate", "--trials", "2", "--seeds", "1", "--format", "json"]
    assert textclf(*arguments, "--try", "head-only", "--try", "tfidf-logreg:c=1", *tune) == 0
    [table] = json.loads(capsys.readouterr().out)
    assert {"head-only (tuned)", "tfidf-logreg:c=1"} <= {row["contender"] for row in table["rows"]}


def test_tuning_by_a_metric_that_nobody_gives_runs_nothing(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["--plugin", "mcc", "--tune", "learning_rate", "--trials", "2", "--seeds", "1"]
    assert textclf(*arguments, "--try", "full", *tune) == 2
    assert "--tune chooses by 'f1', but full only computes mcc. Add the metric's plugin" in capsys.readouterr().err
    assert not records(tmp_path / "trials")


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
    assert float(run.record.tuning.options[0].value) < 1


def test_a_contender_whose_trials_all_fail_does_not_stop_the_others(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune = ["--tune", "learning_rate=1e36..1e38", "--trials", "2", "--seeds", "2"]
    assert textclf(*arguments, "--try", "full", "--try", "majority", *tune) == 1
    shown = capsys.readouterr()
    assert "error: full seed 0: all 2 trials of 'learning_rate' failed, the last one with: " in shown.err
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
    assert "all 2 trials of 'c' failed, the last one with: f1 has no value on validation" in capsys.readouterr().err


@pytest.mark.parametrize("trials", [0, 1])
def test_too_few_trials(trials: int) -> None:
    with pytest.raises(UsageError, match="at least 2 trials"):
        parse_search(["learning_rate"], trials)


@pytest.mark.parametrize("words", [("--trials", "4"), ("--tune-flops", "1e9"), ("--no-prune",)])
def test_what_is_for_tuning_alone_needs_an_option_to_tune(
    words: tuple[str, ...], textclf: Textclf, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf(*arguments, "--try", "full", *words) == 2
    assert f"error: {words[0]}: nothing is tuned; name an option with --tune OPTION." in capsys.readouterr().err


def test_clusters_that_the_data_lack_are_refused_before_training(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf(*arguments, "--try", "tfidf-logreg:c=1", "--cluster", "txt") == 2
    assert "--cluster txt: test has no such column" in capsys.readouterr().err
    assert not records(tmp_path)


def test_an_option_that_nobody_has(textclf: Textclf, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf(*arguments, "--try", "full", "--tune", "lambda=1e-3..1", "--seeds", "1") == 2
    assert "no contender's trainer has an option 'lambda'" in capsys.readouterr().err


def test_an_option_without_a_usual_range_needs_one(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`learning_rate` has one, which its option names; nothing runs."""
    assert textclf(*arguments, "--try", "full", "--tune", "weight_decay", "--seeds", "1") == 2
    assert "weight_decay: finetune has no default range for it; give one" in capsys.readouterr().err
    assert records(tmp_path / "trials") == []


def test_what_is_tuned_is_read_as_written() -> None:
    rate = SearchedOption("learning_rate", (1e-5, 1e-2))
    assert parse_search(["learning_rate=1e-5..1e-2"]) == Search((rate,), 8)
    assert parse_search(["weight_decay=0..0.1"], 4) == Search((SearchedOption("weight_decay", (0.0, 0.1)),), 4)
    size = SearchedOption("batch_size", choices=("16", "32"))
    assert parse_search(["learning_rate=1e-5..1e-2", "batch_size=16,32"], 4) == Search((rate, size), 4)


@pytest.mark.parametrize("text", ["learning_rate=1e-2..1e-5", "learning_rate=a..b", "learning_rate=a"])
def test_a_range_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="--tune"):
        parse_search([text], 8)


@pytest.fixture(scope="module")
def many_reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Splits of which train is large enough to end trials on a quarter of it."""
    folder = tmp_path_factory.mktemp("many")
    rng = random.Random(0)
    for name, rows in (("train", 800), ("validation", 100), ("test", 100)):
        lines = ["text,label"]
        for number in range(rows):
            word, label = (("good", "pos"), ("bad", "neg"))[number % 2]
            lines.append(f"{rng.choice(('the', 'this', 'one'))} {word} film {number} {name},{label}")
        (folder / f"{name}.csv").write_text("\n".join(lines))
    return folder


def test_most_trials_end_on_a_quarter_of_train(textclf: Textclf, many_reviews: Path, tmp_path: Path) -> None:
    words = ["compare", "--plugin", f"files:path={many_reviews}", "--no-baselines", "--output", str(tmp_path)]
    words += ["--try", "tfidf-logreg", "--tune", "c=0.01..100", "--trials", "8", "--seeds", "1"]
    assert textclf(*words) == 0
    trials = records(tmp_path / "trials")
    rows = sorted(train_rows(run) for run in trials)
    assert rows == [200] * 8 + [800] * 2
    [run] = records(tmp_path)
    assert run.record.tuning is not None
    assert (run.record.tuning.trials, run.record.tuning.ended_early) == (8, 6)
    finalists = [one for one in trials if train_rows(one) == 800]
    scores = [one.record.metrics["validation"]["f1"] or 0 for one in finalists]
    assert run.record.tuning.validation_score == max(scores)

    everything = tmp_path / "unpruned"
    assert textclf(*words[:5], str(everything), *words[6:], "--no-prune") == 0
    assert [train_rows(one) for one in records(everything / "trials")] == [800] * 8


def test_several_options_are_tuned_together(textclf: Textclf, arguments: list[str], tmp_path: Path) -> None:
    tune = ["--tune", "learning_rate=1e-4..1e-2", "--tune", "epochs=1..3", "--tune", "batch_size=4,8"]
    assert textclf(*arguments, "--try", "full", *tune, "--trials", "4", "--seeds", "1") == 0
    [run] = records(tmp_path)
    assert run.record.tuning is not None
    values = {one.option: one.value for one in run.record.tuning.options}
    assert list(values) == ["finetune:learning_rate", "finetune:epochs", "finetune:batch_size"]
    assert values["finetune:epochs"] in (1, 2, 3)
    assert values["finetune:batch_size"] in ("4", "8")
    trainer = run.record.plugin("trainer")
    assert trainer is not None
    assert trainer.options["batch_size"] == int(values["finetune:batch_size"])
    tried = {one.record.label for one in records(tmp_path / "trials")}
    assert all("epochs=" in label and "batch_size=" in label for label in tried)


def test_a_budget_in_flops_ends_the_search(textclf: Textclf, arguments: list[str], tmp_path: Path) -> None:
    tune = ["--try", "full", "--seeds", "1", "--tune", "learning_rate"]
    assert textclf(*arguments, *tune, "--trials", "2") == 0
    [run] = records(tmp_path)
    assert run.record.tuning is not None
    spent = run.record.tuning.train_flops
    assert spent is not None
    # The third trial begins within 1.4 times the FLOPs of two, the fourth doesn't.
    assert textclf(*arguments[:-1], str(tmp_path / "budget"), *tune, "--tune-flops", f"{1.4 * spent}") == 0
    [run] = records(tmp_path / "budget")
    assert run.record.tuning is not None
    assert run.record.tuning.trials == 3
    assert run.record.tuning.train_flops == pytest.approx(1.5 * spent)


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        ("learning_rate=1e-2..1e-5", "the range must be ascending"),
        ("learning_rate=-1..1", "the range must be ascending and not below 0"),
        ("batch_size=16,16", "different choices"),
        ("epochs=1.5..3", "finetune takes whole numbers for it"),
        ("batch_size=16,none", "option 'batch_size' takes"),
        ("learning_rate=0..1", "option 'learning_rate' takes"),
    ],
)
def test_values_that_cant_be_tried_are_refused_before_anything_runs(
    textclf: Textclf, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], tune: str, message: str
) -> None:
    assert textclf(*arguments, "--try", "full", "--tune", tune, "--seeds", "1") == 2
    assert message in capsys.readouterr().err
    assert records(tmp_path / "trials") == []

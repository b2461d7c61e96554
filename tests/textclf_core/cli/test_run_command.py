"""``textclf run`` and ``textclf predict``, as typed."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import pipeline

from textclf_core.testing import tiny_data

Textclf = Callable[..., int]


@pytest.fixture
def base(tiny_checkpoint: Path, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return ["--plugin", f"hf-model:checkpoint={tiny_checkpoint}", "--plugin", f"files:path={reviews}"]


@pytest.fixture(scope="module")
def finished(
    textclf: Textclf, tiny_checkpoint: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The directory of a run, which no test changes, and what the command printed."""
    output = tmp_path_factory.mktemp("finished")
    words = ["--plugin", f"hf-model:checkpoint={tiny_checkpoint}", "--plugin", f"files:path={reviews}"]
    words += ["--plugin", "finetune:learning_rate=1e-2,epochs=4", "--output", str(output)]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert textclf("run", *words, "--plugin", "freeze-first-n:n=1") == 0
    [directory] = output.iterdir()
    return directory, printed.getvalue()


@pytest.fixture
def trained(finished: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of that run; the working directory is the test's own."""
    monkeypatch.chdir(tmp_path)
    return finished[0]


def test_a_run_ends_in_a_table_of_metrics_and_cost(finished: tuple[Path, str]) -> None:
    directory, out = finished
    assert "freeze-first-n:n=1" in out
    for words in ("validation", "test", "f1", "accuracy", "peak memory", "embeddings, block 0 (verified unchanged)"):
        assert words in out
    assert out.rstrip().endswith(f"run: {directory}")
    record = json.loads((directory / "record.json").read_text())
    assert record["command"].startswith("textclf run --plugin hf-model:checkpoint=")
    assert record["command"].endswith("--plugin freeze-first-n:n=1")


def test_the_closing_table_in_another_format(
    textclf: Textclf, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--plugin", f"files:path={reviews}", "--plugin", "majority", "--output", str(tmp_path)]
    assert textclf(*words, "--format", "github") == 0
    assert "| metric" in capsys.readouterr().out
    assert textclf(*words, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["format"] == 3


def test_a_wrong_format_is_found_before_anything_runs(
    textclf: Textclf, base: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf("run", *base, "--format", "gihtub") == 2
    assert "Did you mean 'github'?" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_held_out_splits_are_noted_in_the_table(
    textclf: Textclf, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--plugin", f"files:train={reviews / 'train.csv'}", "--plugin", "majority", "--output", str(tmp_path)]
    assert textclf("run", *words) == 0
    assert "validation and test are held out from train" in capsys.readouterr().out


def test_an_experiment_file_gives_the_same_run(
    textclf: Textclf, tiny_checkpoint: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(
        f"""
        seed = 3
        output = '{tmp_path / "out"}'
        [plugins]
        hf-model = {{ checkpoint = '{tiny_checkpoint}' }}
        files = {{ path = '{reviews}' }}
        freeze-first-n = {{ n = 2 }}
        finetune = {{ epochs = 2 }}
        """,
        encoding="utf-8-sig",  # with the byte order mark that some editors write
    )
    assert textclf("run", str(file), "--plugin", "freeze-first-n:n=1", "--format", "json") == 0
    record = json.loads(capsys.readouterr().out)
    options = {plugin["name"]: plugin["options"] for plugin in record["plugins"]}
    set_by = {plugin["name"]: plugin["set_by"] for plugin in record["plugins"]}
    assert record["seed"] == 3
    assert options["freeze-first-n"]["n"] == 1  # the command line replaces the file's
    assert options["finetune"]["epochs"] == 2
    assert set_by["finetune"]["epochs"] == "file experiment.toml"
    assert set_by["freeze-first-n"]["n"] == "command line"


def test_a_table_in_place_of_an_experiment_file_is_refused_with_where_it_belongs(
    textclf: Callable[..., int], reviews: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = reviews / "train.csv"
    assert textclf("data", str(table)) == 2
    assert (
        f"A table of texts is given to a dataset plugin, such as --plugin NAME:path={table}." in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed = 1", "there is no setting 'sed'. Did you mean 'seed'?"),
        ("seed = 'one'", "'seed' takes a whole number, 0 or greater, not 'one'"),
        ("[plugins]\nfull = 3", "plugin 'full' takes a table of options"),
        ("seed = ", "not TOML"),
        ("seed = true", "'seed' takes a whole number, 0 or greater, not True"),
        ("seed = 1.0", "'seed' takes a whole number, 0 or greater, not 1.0"),
        ("output = 1", "'output' takes text, not 1"),
        ("plugins = ['full']", "'plugins' takes a table of plugins, not ['full']"),
        ("try = { full = {} }", "'try' takes tables of plugins, each headed [[try]], not {'full': {}}"),
        ("try = [3]", "'try' takes tables of plugins, each headed [[try]], not [3]"),
        ("[[try]]\nfull = 3", "plugin 'full' takes a table of options, such as full = {}, not 3"),
        ("tries = []", "there is no setting 'tries'. It takes plugins, try, data, seeds"),
        ("seeds = 3", "'seeds' takes a list of one or more different whole numbers, 0 or greater, not 3"),
        ("seeds = []", "'seeds' takes a list of one or more different whole numbers, 0 or greater, not []"),
        ("seeds = [0, -1, -2]", "experiment.toml: 'seeds' takes a list of one or more different whole numbers"),
        ("seeds = [1, 1]", "'seeds' may have each seed once only, not [1, 1]"),
        ("data_seed = -1", "'data_seed' takes a whole number, 0 or greater, not -1"),
        (
            "data_sed = 1\nseed = -1\n[plugins]\nfull = 3",
            "not 3.\n  'seed' takes a whole number, 0 or greater, not -1.\n  there is no setting 'data_sed'",
        ),
    ],
)
def test_a_faulty_experiment_file(
    textclf: Textclf, text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(text)
    assert textclf("run", str(file)) == 2
    error = capsys.readouterr().err
    assert str(file) in error
    assert message in error


def test_an_error_has_no_traceback_but_with_debug(
    textclf: Textclf, base: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf("run", *base, "--plugin", "freeze-first-n:n=7") == 2
    error = capsys.readouterr().err
    assert "n=7, but" in error
    assert "Traceback" not in error
    assert textclf("--debug", "run", *base, "--plugin", "freeze-first-n:n=7") == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_is_reported_with_its_likely_cause(
    textclf: Textclf, base: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf("run", *base, "--plugin", "finetune:learning_rate=1e30,epochs=3") == 1
    error = capsys.readouterr().err
    assert "loss became" in error
    assert "learning_rate" in error


def test_a_failed_run_shows_where_its_work_is_saved_and_how_to_continue(
    textclf: Textclf, base: list[str], plugin_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = plugin_file(
        """
        @dataclass(frozen=True)
        class Touchy:
            @hookimpl
            def textclf_compute_metrics(self, references):
                if len(references) > 2:
                    raise ArithmeticError("too many rows")
                return {}
        """
    )
    mine = ["--plugin-file", str(path), "--plugin", "touchy"]
    assert textclf("run", *base, *mine) == 1
    error = capsys.readouterr().err
    [kept] = Path("runs").glob("*.incomplete")
    assert f"The files written so far are in {kept}." in error
    assert f"--plugin finetune:resume={kept}/checkpoints/epoch-1" in error
    assert textclf("compare", *base, *mine, "--try", "full", "--seeds", "1", "--no-baselines") == 1
    assert "/checkpoints/epoch-1" in capsys.readouterr().err


INTERRUPTED = """
    @dataclass(frozen=True)
    class Interrupting:
        @hookimpl
        def textclf_compute_metrics(self, references):
            if len(references) > 2:  # after training; before it, metrics are checked on fewer rows
                raise KeyboardInterrupt
            return {}
    """


IN_AN_EPOCH = """
            @hookimpl
            def textclf_epoch_finished(self, epochs):
                if len(epochs) == 2:  # before the epoch's checkpoint is written
                    once()
    """
WHILE_WRITING = """
            @hookimpl
            def textclf_epoch_finished(self, epochs):
                if len(epochs) == 2 and not Path("once").exists():
                    [written] = Path("runs").rglob("epoch-1")
                    (written.parent / ".epoch-2.partial").mkdir()
                    once()
    """
WHILE_SCORING = """
            @hookimpl
            def textclf_compute_metrics(self, references):
                if len(references) > 2:  # after training; before it, metrics are checked on fewer rows
                    once()
                return {}
    """


@pytest.mark.parametrize(
    ("where", "epoch"),
    [(IN_AN_EPOCH, 1), (WHILE_WRITING, 1), (WHILE_SCORING, 3)],
    ids=["epoch 2", "checkpoint 2", "scoring"],
)
def test_ctrl_c_in_a_run_shows_what_is_saved_and_the_command_that_goes_on(
    where: str,
    epoch: int,
    textclf: Textclf,
    base: list[str],
    plugin_file: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = plugin_file(
        """
        from pathlib import Path

        def once():
            if not Path("once").exists():
                Path("once").touch()
                raise KeyboardInterrupt

        @dataclass(frozen=True)
        class Interrupting:
        """
        + where
    )
    mine = ["--plugin-file", str(path), "--plugin", "interrupting"]
    assert textclf("run", *base, "--plugin", "finetune:epochs=3", *mine) == 130
    error = capsys.readouterr().err
    [kept] = Path("runs").glob("*.incomplete")
    assert f"interrupted. The files written so far are in {kept}." in error
    command = error.split("To resume after its last epoch: ")[1].strip()
    words = shlex.split(command)
    assert words[:2] == ["textclf", "run"]
    assert f"finetune:epochs=3,resume={kept}/checkpoints/epoch-{epoch}" in words
    assert not any(word == "finetune:epochs=3" for word in words)
    assert textclf(*words[1:]) == 0


def test_ctrl_c_in_a_comparison_shows_what_is_finished_and_the_command_that_goes_on(
    textclf: Textclf, base: list[str], plugin_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", base[2], base[3], "--no-baselines", "--seeds", "1"]
    words += [
        "--plugin-file",
        str(plugin_file(INTERRUPTED)),
        "--try",
        "majority",
        "--try",
        "tfidf-logreg + interrupting",
    ]
    assert textclf(*words) == 130
    error = capsys.readouterr().err
    assert "1 of 2 cells are finished, in runs." in error
    assert f"reads them and runs the others: {shlex.join(['textclf', *words])}" in error
    assert "To resume after its last epoch" not in error


def test_predictions_keep_the_files_order_and_columns(
    textclf: Textclf, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tiny_data(96)["test"]["text"][:]
    source = tmp_path / "new.csv"
    with source.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["number", "text"])
        writer.writerows(enumerate(texts))
    assert textclf("predict", str(trained), "--input", str(source), "--output", "scored.csv") == 0
    with Path("scored.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["number"] for row in rows] == [str(number) for number in range(len(texts))]
    assert [row["text"] for row in rows] == texts
    assert {row["prediction"] for row in rows} == {"negative", "positive"}
    assert all(0.5 <= float(row["score"]) <= 1 for row in rows)


def test_the_saved_model_gives_the_same_in_a_transformers_pipeline(textclf: Textclf, trained: Path) -> None:
    texts = tiny_data(96)["test"]["text"][:]
    source = Path("new.jsonl")
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    assert textclf("predict", str(trained), "--input", str(source), "--output", "scored.jsonl") == 0
    ours = [json.loads(line) for line in Path("scored.jsonl").read_text().splitlines()]
    theirs = pipeline("text-classification", model=str(trained / "model"))(texts)
    assert [row["prediction"] for row in ours] == [row["label"] for row in theirs]
    assert [row["score"] for row in ours] == pytest.approx([row["score"] for row in theirs], abs=1e-5)


LINES = "the plot is lovely and bright\nawful dull script\n"


def texts_in(printed: str) -> list[str]:
    return [row["text"] for row in csv.DictReader(io.StringIO(printed))]


def test_standard_input_is_labelled(
    textclf: Textclf, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(LINES.encode())))
    assert textclf("predict", str(trained)) == 0
    assert texts_in(capsys.readouterr().out) == LINES.splitlines()


@pytest.mark.slow
def test_what_comes_through_a_pipe_is_labelled(trained: Path) -> None:
    """In another process."""
    command = [sys.executable, "-m", "textclf_core", "predict", str(trained)]
    done = subprocess.run(command, input=LINES, capture_output=True, text=True, check=True)
    assert texts_in(done.stdout) == LINES.splitlines()


def test_predict_names_the_columns_when_none_is_the_text(
    textclf: Textclf, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("new.csv").write_text("number,words\n1,fine\n")
    assert textclf("predict", str(trained), "--input", "new.csv") == 2
    assert "the rows have number, words. Use --text COLUMN (in Python: text=COLUMN)." in capsys.readouterr().err
    assert textclf("predict", str(trained), "--input", "new.csv", "--text", "words") == 0
    assert capsys.readouterr().out.startswith("number,words,prediction,score\n1,fine,")


def test_predict_writes_over_no_file_that_it_reads_or_that_came_out_before(
    textclf: Textclf, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, labelled = Path("new.csv"), Path("labelled.csv")
    source.write_text("text,other\nfine,dull\n")
    labelled.write_text("from an earlier run")
    assert textclf("predict", str(trained), "--input", "new.csv", "--output", "./new.csv") == 2
    assert "is the same file as --input" in capsys.readouterr().err
    assert textclf("predict", str(trained), "--input", "new.csv", "--output", "labelled.csv", "--text", "words") == 2
    assert labelled.read_text() == "from an earlier run"
    assert source.read_text() == "text,other\nfine,dull\n"


def test_a_place_that_cant_be_written_is_one_line(
    textclf: Textclf, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("new.csv").write_text("text\nfine\n")
    assert textclf("predict", str(trained), "--input", "new.csv", "--output", "no/such/folder.csv") == 2
    assert capsys.readouterr().err.strip().endswith("error: no/such/folder.csv: No such file or directory")
    assert textclf("run", str(tmp_path)) == 2
    assert capsys.readouterr().err.strip() == f"error: {tmp_path}: Is a directory"


def test_predict_needs_a_run(textclf: Textclf, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("predict", str(tmp_path)) == 2
    assert "has no model (no" in capsys.readouterr().err


@pytest.fixture
def no_hub(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine whose hub doesn't answer and whose caches are empty."""
    return os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.slow
def test_without_a_hub_the_default_model_ends_in_one_clear_error(reviews: Path, no_hub: dict[str, str]) -> None:
    command = [sys.executable, "-m", "textclf_core", "run", "--plugin", "freeze-first-n"]
    done = subprocess.run(
        [*command, "--plugin", f"files:path={reviews}"], env=no_hub, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "bert-base-cased" in done.stderr
    assert "minilm" in done.stderr
    assert "Traceback" not in done.stderr

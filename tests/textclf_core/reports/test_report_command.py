"""``textclf report``."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_runs import plugin, reviews, write_run

Textclf = Callable[..., int]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder ``runs`` in the working directory: two contenders at two seeds, and a baseline."""
    monkeypatch.chdir(tmp_path)
    data, folder = reviews(300), tmp_path / "runs"
    for seed in (0, 1):
        write_run(folder, "full", seed=seed, data=data, accuracy=0.9, train_seconds=360)
        write_run(folder, "freeze-first-n:n=4", seed=seed, data=data, accuracy=0.89, train_seconds=90)
        write_run(folder, "majority", seed=seed, data=data, accuracy=0.5, train_seconds=0.01,
                  trainer=plugin("majority", "trainer"))  # fmt: skip
    return folder


def test_a_report_reads_the_folder_runs_by_default(
    runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf("report") == 0
    without = capsys.readouterr().out
    assert textclf("report", str(runs)) == 0
    assert without == capsys.readouterr().out
    assert without.startswith("Use f")
    assert "freeze-first-n:n=4" in without
    assert "Worst slice of f" in without


def test_runs_can_be_given_one_by_one(runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [str(path) for path in sorted(runs.iterdir())[:2]]
    assert textclf("report", *chosen, "--format", "csv", "--columns", "contender,seeds") == 0
    assert sorted(capsys.readouterr().out.splitlines()) == ["contender,seeds", "freeze-first-n:n=4,0", "full,0"]


def test_what_failed_or_interrupted_runs_left_is_passed_over(
    runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell's ``runs/*`` names it too. Of a run that was finished later, nothing is said."""
    assert textclf("report") == 0
    without = capsys.readouterr().out
    [finished, *_] = sorted(runs.iterdir())
    for name in (f"{finished.name}.incomplete", f"{finished.name}-2.incomplete", "head-only-s0-1.incomplete"):
        (runs / name / "checkpoints").mkdir(parents=True)
    for words in ([str(path) for path in runs.iterdir()], ["runs"]):
        assert textclf("report", *words) == 0
        shown = capsys.readouterr()
        assert shown.out == without
        [line] = shown.err.splitlines()
        assert "head-only-s0-1.incomplete isn't in the report" in line
    assert textclf("report", "runs/head-only-s0-1.incomplete") == 2
    assert "failed or interrupted run, and no finished one" in capsys.readouterr().err


def test_a_report_imports_neither_torch_nor_datasets(runs: Path) -> None:
    heavy = {"torch", "transformers", "datasets", "evaluate", "matplotlib"}
    code = (
        "import atexit, sys; from textclf_core.cli import main\n"
        f"atexit.register(lambda: print(sorted({heavy} & set(sys.modules))))\n"
        "main(sys.argv[1:])"
    )
    words = ["report", "--format", "json", "--slice", "source", "--classes"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["]", "[]"]


def test_columns_sort_and_price_make_the_table(
    runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--columns", "contender, money", "--sort", "-contender", "--price", "0.40/h", "--format", "tsv")
    assert textclf("report", *words) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out), delimiter="\t"))
    assert [row["contender"] for row in rows] == ["majority", "full", "freeze-first-n:n=4"]
    assert [float(row["money"]) for row in rows[1:]] == pytest.approx([0.04, 0.01])


def test_the_metric_decides(runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("report", "--metric", "accuracy", "--format", "json") == 0
    [content] = json.loads(capsys.readouterr().out)
    assert content["metric"] == "accuracy"
    assert content["rows"][0]["score"] == pytest.approx(content["rows"][0]["accuracy"])


def test_the_cost_decides_what_is_recommended(runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    for run in runs.glob("*"):
        record = json.loads((run / "record.json").read_text())
        record["cost"]["latency_seconds"] = 0.001 if record["label"] == "full" else 0.5
        (run / "record.json").write_text(json.dumps(record))
    assert textclf("report", "--cost", "latency", "--format", "json") == 0
    [content] = json.loads(capsys.readouterr().out)
    assert (content["cost"], content["recommended"]) == ("latency", "full")


def test_slices_and_classes_follow_the_table(runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--slice", "source", "--slice", "length > 30 and source == 'forum'", "--classes", "--format", "github")
    assert textclf("report", *words) == 0
    out = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in out.splitlines() if line.startswith("|")]
    slices = [row[:3:2] for row in rows if row[0].startswith(("source", "length"))]
    assert slices == [
        [name, contender]
        for name in ("source forum", "source letter", "length > 30 and source == 'forum'")
        for contender in ("full", "freeze-first-n:n=4", "majority")
    ]
    assert [row[:2] for row in rows if row[1] in ("bad", "good")][:2] == [["full", "bad"], ["full", "good"]]


def test_json_holds_slices_classes_and_calibration(
    runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf("report", "--format", "json", "--slice", "'dull' in text") == 0
    [content] = json.loads(capsys.readouterr().out)
    names = [one["slice"] for one in content["slices"] if one["contender"] == "full"]
    assert [name for name in names if not name.startswith("length")] == [
        "source forum", "source letter", "'dull' in text"
    ]  # fmt: skip
    assert content["classes"][1].keys() == {"contender", "class", "precision", "recall", "f1", "support"}
    assert 0 < content["calibration"][0]["ece"] < 1


@pytest.mark.parametrize("extra", [("--slice", "length"), ("--classes",)])
def test_csv_holds_one_table(
    runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str], extra: tuple[str, ...]
) -> None:
    assert textclf("report", "--format", "csv", *extra) == 2
    assert "--format csv can hold only one table; for slices and scores by class use json" in capsys.readouterr().err


def test_different_data_are_compared_apart(runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(runs, "full", data=reviews(100), source="other.csv")
    assert textclf("report") == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("Data: ")] == ["Data: reviews.csv", "Data: other.csv"]
    assert textclf("report", "--format", "csv", "--columns", "contender") == 0
    assert capsys.readouterr().out.splitlines() == [
        "data,train_size,vary,contender",
        "reviews.csv,,seed,full", "reviews.csv,,seed,freeze-first-n:n=4", "reviews.csv,,seed,majority",
        "other.csv,,seed,full",
    ]  # fmt: skip


def test_curves_that_cross_are_noted(tmp_path: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    for rows, size, accuracy in ((32, "16/class", 0.55), (4000, None, 0.95)):
        for seed in (0, 1):
            data = reviews(400)
            write_run(tmp_path, "full", seed=seed, data=data, accuracy=accuracy, train_rows=rows, train_size=size)
            write_run(tmp_path, "setfit", seed=seed, data=data, accuracy=0.75, train_rows=rows, train_size=size)
    assert textclf("report", str(tmp_path)) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Data: reviews.csv, 16/class of train Use setfit" in out
    assert "training examples use setfit, above it full" in out


def test_the_report_can_be_written_to_a_file(runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("report", "--format", "csv", "--output", "out.csv") == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "wrote out.csv\n")
    assert Path("out.csv").read_text().startswith("contender,score,sd,")


def test_plots_are_drawn_in_a_folder_for_each_data_set(
    runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(runs, "full", data=reviews(100), source="other.csv")
    assert textclf("report", "--plots", "plots") == 0
    assert sorted(str(path) for path in Path("plots").rglob("*.png")) == [
        f"plots/{folder}/{name}.png"
        for folder, more in (("1-reviews.csv", ["distances"]), ("2-other.csv", []))
        for name in ("confusion", "cost", *more, "reliability")
    ]
    assert "drew 1-reviews.csv/cost, " in capsys.readouterr().err


def test_the_page_is_a_file(runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("report", "--format", "page") == 0
    assert capsys.readouterr().err == "wrote report.html\n"
    assert Path("report.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "pagee"), "--format pagee: no such format. Did you mean 'page'? The formats are page, csv, json"),
        (("--cost", "latancy"), "--cost latancy: there is no such cost. Did you mean 'latency'?"),
        (
            ("--metric", "mcc"),
            "--metric mcc: mcc takes values from -1 to 1, so no loss is small in general.",
        ),
        (("--cost", "money"), "--cost money: set the price of the machine, as in --price 0.40/h."),
        (("--label-price", "0.1"), "--label-price and --predictions need the price of the machine"),
        (("--price", "1/h", "--predictions", "many"), "--predictions many: write the number of texts per month"),
        (("--price", "cheap"), "--price cheap: write the price of the machine per hour, such as 0.40/h."),
        (("--columns", "contender,scores"), "--columns scores: there is no such column. Did you mean 'score'?"),
        (("--columns", ""), "--columns: name at least one of contender, score"),
        (("--sort", "-speed"), "--sort speed: there is no such column."),
        (("--slice", "length >"), "--slice length >: it can't be parsed"),
        (("nowhere",), "nowhere: there is no such folder."),
    ],
)
def test_errors_are_one_line(
    runs: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert textclf("report", *words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {message}")

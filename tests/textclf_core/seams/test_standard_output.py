"""Standard output belongs to the result: what a plugin prints, a program that reads the result doesn't see."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

CHATTER = """
import numpy

print("imported")

class Even:
    def scores(self, data):
        print("scoring")
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        print("saving")

@dataclass(frozen=True)
class Chatter:
    '''Print whatever it does.'''

    @hookimpl
    def textclf_train(self, data):
        print("training")
        return Even()

    @hookimpl
    def textclf_load_classifier(self, directory):
        print("loading")
        return Even()

    @hookimpl
    def textclf_run_finished(self, record):
        print("finished")
"""
Output = Callable[..., tuple[str, str]]


@pytest.fixture
def words(plugin_file: Callable[..., Path], reviews: Path) -> list[str]:
    return ["--plugin-file", str(plugin_file(CHATTER)), "--plugin", f"files:path={reviews}"]


@pytest.fixture
def output(
    textclf: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Output:
    """Runs a command that must end well, and returns its standard output and its standard error."""
    monkeypatch.chdir(tmp_path)

    def of(*arguments: str) -> tuple[str, str]:
        capsys.readouterr()
        assert textclf(*arguments) == 0
        return capsys.readouterr()

    return of


@pytest.mark.xfail(strict=True, reason="a plugin prints into the record")
def test_the_record_of_a_run_is_json(output: Output, words: list[str]) -> None:
    """`textclf run --format json` prints the record and nothing else."""
    out, err = output("run", *words, "--plugin", "chatter", "--format", "json")
    assert json.loads(out)["label"] == "chatter"
    assert "training" in err


@pytest.mark.xfail(strict=True, reason="a plugin prints into the table")
def test_the_table_of_a_comparison_is_json(output: Output, words: list[str]) -> None:
    """`textclf compare --format json` prints the comparison and nothing else."""
    out, err = output("compare", *words, "--try", "chatter", "--seeds", "1", "--format", "json")
    assert "chatter" in json.dumps(json.loads(out))
    assert "training" in err


@pytest.mark.xfail(strict=True, reason="a plugin prints into the table")
def test_the_table_of_a_comparison_is_csv(output: Output, words: list[str]) -> None:
    """So do the formats that are read by a spreadsheet."""
    out, err = output("compare", *words, "--try", "chatter", "--seeds", "1", "--format", "csv")
    assert "chatter" in [row.get("contender") for row in csv.DictReader(io.StringIO(out))]
    assert "training" in err


@pytest.mark.xfail(strict=True, reason="a plugin prints into the listing as it is imported")
@pytest.mark.parametrize("show", [(), ("show", "chatter")], ids=["list", "show"])
def test_the_listing_of_plugins_is_json(show: tuple[str, ...], output: Output, words: list[str]) -> None:
    """`textclf plugins --json` imports every plugin, and none of them speaks in the answer."""
    out, err = output("plugins", "--json", *words[:2], *show)
    assert "chatter" in json.dumps(json.loads(out))
    assert "imported" in err


@pytest.mark.xfail(strict=True, reason="a plugin prints among the predictions")
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_predictions_are_rows_and_nothing_else(format: str, output: Output, words: list[str], tmp_path: Path) -> None:
    """`textclf predict` writes a row for each text, as the input is written."""
    output("run", *words, "--plugin", "chatter", "--output", "runs")
    [run] = Path("runs").iterdir()
    texts = tmp_path / f"texts.{format}"
    texts.write_text("text\ndull\nfine\n" if format == "csv" else '{"text": "dull"}\n{"text": "fine"}\n')
    out, err = output("predict", str(run), "--input", str(texts), *words[:2])
    rows = list(csv.DictReader(io.StringIO(out))) if format == "csv" else list(map(json.loads, out.splitlines()))
    assert [row.get("text") for row in rows] == ["dull", "fine"]
    assert "scoring" in err


def test_a_report_of_such_runs_is_json(output: Output, words: list[str]) -> None:
    """`textclf report` reads what runs left, and needs no plugin for it."""
    output("run", *words, "--plugin", "chatter", "--output", "runs")
    assert json.loads(output("report", "runs", "--format", "json")[0])

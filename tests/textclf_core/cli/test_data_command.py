"""``textclf data`` and ``inspect_data``: what a run would read, shown before anything is trained."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core import DataError

Textclf = Callable[..., int]


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A folder with splits that have each fault once."""
    folder = tmp_path / "reviews"
    folder.mkdir()
    train = [("fine", "good"), ("dull", "bad"), ("fine", "bad"), ("a long and winding road", "good")]
    train += [(f"text {row}", ("good", "bad", "odd")[row % 3]) for row in range(9)]
    for name, rows in {
        "train": train,
        "validation": [("new", "good"), ("newer", "bad")],
        "test": [("dull", "bad"), ("other", "good"), ("other", "good"), ("nobody knows", "")],
    }.items():
        text = "".join(f"{review},{verdict}\n" for review, verdict in rows)
        (folder / f"{name}.csv").write_text(f"review,verdict\n{text}")
    return folder


def test_a_plugin_is_named_with_or_without_its_option(
    textclf: Textclf, reviews: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf("data", f"files:path={reviews}") == 0
    alone = capsys.readouterr().out
    assert textclf("data", "--plugin", f"files:path={reviews}") == 0
    assert capsys.readouterr().out == alone
    assert textclf("data", f"nothing:path={reviews}") == 2
    assert "nothing" in capsys.readouterr().err


def test_a_plugin_in_the_place_of_an_experiment_file_is_named_with_its_option(
    textclf: Textclf, reviews: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf("run", f"files:path={reviews}") == 2
    assert f"A plugin is given with --plugin files:path={reviews}" in capsys.readouterr().err
    assert textclf("data", "missing.toml") == 2
    assert capsys.readouterr().err == "error: missing.toml: there is no such experiment file.\n"


@pytest.mark.parametrize("name", ["reviews", "re/views", "reviews.csv", "reviews.docx"])
def test_a_file_or_folder_that_is_missing_is_named(
    name: str, textclf: Textclf, capsys: pytest.CaptureFixture[str]
) -> None:
    assert textclf("data", f"files:path={name}") == 2
    assert f"{name}: there is no such file" in capsys.readouterr().err


def test_the_data_are_shown_without_training(
    textclf: Textclf,
    reviews: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert textclf("data", "--plugin", f"files:path={reviews}") == 0
    out = capsys.readouterr().out
    for line in (
        "train       13 rows: bad 5, good 5, odd 3",
        "test        3 rows: bad 1, good 2, odd 0",
        "columns     text from review; label from verdict",
        "repeated    1 row of train repeats an earlier text; 1 row of test repeats an earlier text; "
        "1 of 3 texts of test are also in train",
        "conflicts   1 text with different labels",
        "no label    1 row of test left out of the scores; `textclf predict RUN --input FILE` predicts them",
        "lacking     nothing in validation and test has the label odd; its F1 there is no number",
        "odd      text 2",
    ):
        assert line in out
    assert not Path("runs").exists()


def test_json_has_the_same_as_numbers(textclf: Textclf, reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("data", "--plugin", f"files:path={reviews}", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["splits"]["test"]["label_counts"] == {"bad": 1, "good": 2, "odd": 0}
    assert [found["splits"]["test"][name] for name in ("unlabelled", "duplicates", "shared_with_train")] == [1, 1, 1]
    assert (found["conflicting_texts"], found["lacking_labels"]["test"]) == (1, ["odd"])
    assert found["lengths"]["words"] == {"median": 2, "p95": 5, "longest": 5}
    assert found["lengths"]["characters"]["longest"] == len("a long and winding road")
    assert "tokens" not in found["lengths"]
    assert found["examples"]["odd"] == ["text 2", "text 5", "text 8"]


def test_a_model_counts_tokens_and_truncated_rows(reviews: Path, tiny_checkpoint: Path) -> None:
    plugins = [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}"]
    longest = textclf_core.inspect_data(plugins).lengths["tokens"].longest
    found = textclf_core.inspect_data([*plugins, f"finetune:max_length={longest - 1}"])
    assert found.lengths["tokens"].longest == longest
    assert [split.truncated for split in found.data.splits] == [1, 0, 0]
    assert "odd 3; 1 truncated" in found.text()


def test_data_in_memory_are_inspected_too() -> None:
    pairs = [(f"text {row}", ("one", "two")[row % 2]) for row in range(60)]
    found = textclf_core.inspect_data(data=pairs)
    assert [split.rows for split in found.data.splits] == [48, 6, 6]
    assert len(found.examples["two"]) == 5
    assert "<table>" in found._repr_html_()


def test_data_that_a_run_would_refuse_are_refused() -> None:
    with pytest.raises(DataError, match="every row has the label 'a'"):
        textclf_core.inspect_data(data=[("text", "a")] * 10)


def test_torch_is_imported_only_for_a_model(reviews: Path) -> None:
    code = (
        "import atexit, sys; from textclf_core.cli import main; "
        "atexit.register(lambda: print('torch' in sys.modules)); "
        f"main(['data', '--plugin', 'files:path={reviews}'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"

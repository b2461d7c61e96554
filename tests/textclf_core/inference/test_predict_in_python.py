"""``Run.predict`` takes what ``textclf predict`` takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core

MINE = """
import numpy

class Even:
    def scores(self, data):
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        pass

@dataclass(frozen=True)
class Mine:
    @hookimpl
    def textclf_train(self, data):
        return Even()

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Even()
"""


@pytest.fixture
def run(reviews: Path, tmp_path: Path) -> textclf_core.Run:
    return textclf_core.run(["tfidf-logreg", f"files:path={reviews}"], output=tmp_path / "runs", quiet=True)


def test_rows_come_back_with_all_their_columns(run: textclf_core.Run) -> None:
    rows = [{"number": 1, "review": "dull"}, {"number": 2, "review": "bright"}]
    scored = run.predict(rows, text="review")
    assert [{key: row[key] for key in ("number", "review")} for row in scored] == rows
    assert [row["score"] for row in scored] == [row["score"] for row in run.predict(["dull", "bright"])]
    assert run.predict([{"review": "dull"}])[0]["review"] == "dull"


def test_rows_without_the_column_are_an_error(run: textclf_core.Run) -> None:
    with pytest.raises(textclf_core.UsageError, match="no column 'body'"):
        run.predict([{"number": 1, "review": "dull"}], text="body")


def test_a_device_that_is_none_is_an_error(run: textclf_core.Run) -> None:
    with pytest.raises(textclf_core.UsageError, match="device 'gpu' can't be used"):
        run.predict(["dull"], device="gpu")


def test_a_plugin_of_ones_own_loads_from_its_file(
    reviews: Path, plugin_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = plugin_file(MINE)
    run = textclf_core.run(["mine", f"files:path={reviews}"], plugin_files=[path], output=tmp_path / "runs", quiet=True)
    with pytest.raises(textclf_core.UsageError, match="mine"):
        run.predict(["dull"])
    assert run.predict(["dull"], plugin_files=[path])[0]["score"] == 0.5

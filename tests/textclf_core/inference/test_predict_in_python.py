"""``Run.predict`` takes what ``textclf predict`` takes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from datasets import Dataset, DatasetDict, IterableDataset

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


def test_texts_and_tables_of_every_type_are_scored(run: textclf_core.Run) -> None:
    expected = [(row["text"], row["prediction"], row["score"]) for row in run.predict(["dull", "bright"])]
    columns = {"text": ["dull", "bright"], "number": [1, 2]}
    given = [
        pd.DataFrame(columns, index=["x", "x"]),
        Dataset.from_dict(columns),
        Dataset.from_dict(columns).with_format("numpy"),
        Dataset.from_dict(columns).to_iterable_dataset(),
        IterableDataset.from_generator(lambda: iter(Dataset.from_dict(columns))),
        pa.table(columns),
        columns,
        pd.Series(columns["text"]),
        np.array(columns["text"]),
        Dataset.from_dict(columns)["text"],
        (text for text in columns["text"]),
    ]
    for data in given:
        scored = run.predict(data)
        assert [(row["text"], row["prediction"], row["score"]) for row in scored] == expected
        assert [row["number"] for row in scored if "number" in row] in ([1, 2], [])
    assert run.predict("dull") == run.predict({"text": "dull"}) == run.predict(["dull"])
    assert run.predict({"text": "dull", "of": {"a": 1}})[0] == run.predict("dull")[0] | {"of": {"a": 1}}
    assert run.predict([]) == run.predict({"text": []}) == run.predict(pd.DataFrame({"text": []})) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"dull", "a bytes can't be predicted: pass a text, a list"),
        ({"dull", "bright"}, "a set can't be predicted"),
        (5, "a int can't be predicted"),
        (None, "a NoneType can't be predicted"),
        (Path("reviews.csv"), "a .*Path can't be predicted"),
        (DatasetDict({"test": Dataset.from_dict({"text": ["dull"]})}), "a DatasetDict of 'test' holds several tables"),
        ({"test": pd.DataFrame({"text": ["dull"]})}, "a dict of 'test' holds several tables"),
        (["dull", {"text": "dull"}], "item 1 is a str and item 2 is a row"),
        ({"text": ["dull"], "number": [1, 2]}, "the same length, but 'text' has 1, 'number' has 2"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "two columns are called 'text'"),
        (pd.DataFrame([["a", "b", "c"]], columns=["text", "", ""]), "two columns are called ''"),
        ([{"text": "dull", 1: "a", "1": "b"}], "two columns are called '1'"),
    ],
)
def test_data_of_other_types_are_refused_by_name(run: textclf_core.Run, data: object, message: str) -> None:
    with pytest.raises(textclf_core.UsageError, match=message):
        run.predict(data)


@pytest.mark.parametrize("item", [5, b"dull", ["dull", "bright"], 2.5])
def test_an_item_that_is_no_text_is_refused_with_its_type(run: textclf_core.Run, item: object) -> None:
    with pytest.raises(textclf_core.DataError, match=rf"row 2: .*, which is of type {type(item).__name__}, not a text"):
        run.predict(["dull", item])


def test_a_long_value_is_shortened_in_the_error(run: textclf_core.Run) -> None:
    with pytest.raises(textclf_core.DataError) as error:
        run.predict([list("abc" * 1000)])
    assert len(str(error.value)) < 200


def test_the_name_of_a_file_is_no_text(run: textclf_core.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reviews.csv").write_text("text\ndull\n")
    with pytest.raises(textclf_core.UsageError, match=r"'reviews\.csv' is the name of a file"):
        run.predict("reviews.csv")
    assert len(run.predict(["reviews.csv"])) == 1


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_a_missing_text_is_an_empty_one(run: textclf_core.Run, missing: object) -> None:
    scored = run.predict(pd.DataFrame({"text": ["dull", missing, ""]}))
    assert scored[1] == scored[2] | {"text": None}


def test_a_rows_own_score_is_kept(run: textclf_core.Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    [row] = run.predict([{"text": "bright", "score": 7, "model_score": 8}])
    assert (row["score"], row["model_score"]) == (7, 8)
    assert row["model_model_score"] > 0.5
    assert "the model's is 'model_model_score'" in caplog.text


def test_rows_without_the_column_are_an_error(run: textclf_core.Run) -> None:
    with pytest.raises(textclf_core.UsageError, match="no column 'body'"):
        run.predict([{"number": 1, "review": "dull"}], text="body")


@pytest.mark.parametrize(("text", "message"), [("", "no column ''"), (5, "a text or a list of texts, not 5")])
def test_a_name_that_is_no_columns_is_an_error(run: textclf_core.Run, text: Any, message: str) -> None:
    with pytest.raises(textclf_core.UsageError, match=message):
        run.predict([{"review": "dull", "other": "a"}], text=text)


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

"""Data that is already in memory."""

from __future__ import annotations

import csv
import enum
import io
import logging
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, IterableDataset, Value
from rich.console import Console

from textclf_core.data import from_memory
from textclf_core.errors import DataError
from textclf_core.types.progress import Progress

COLUMNS = {"review": ["slow start", "NA"], "stars": [2, 5]}


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS, index=[7, 3]),
        pa.table(COLUMNS),
        Dataset.from_dict(COLUMNS),
        Dataset.from_dict(COLUMNS).with_format("torch"),
        Dataset.from_dict({"review": ["NA", "slow start"], "stars": [5, 2]}).select([1, 0]),
        DatasetDict(train=Dataset.from_dict(COLUMNS)),
        COLUMNS,
        {name: np.array(values) for name, values in COLUMNS.items()},
        {name: pd.Series(values) for name, values in COLUMNS.items()},
        [{"review": "slow start", "stars": 2}, {"review": "NA", "stars": 5}],
        [{"review": "slow start", "stars": np.int64(2)}, {"review": "NA", "stars": np.int64(5)}],
        [("slow start", 2), ("NA", 5)],
        [["slow start", 2], ["NA", 5]],
        {"train": pd.DataFrame(COLUMNS)},
        {"train": [("slow start", 2), ("NA", 5)]},
        pd.DataFrame(COLUMNS, index=pd.MultiIndex.from_tuples([("a", 1), ("a", 1)])),
        pa.Table.from_pandas(pd.DataFrame(COLUMNS, index=[7, 3])),
        pa.table(COLUMNS).to_batches()[0],
        pa.table(COLUMNS).to_reader(),
        pa.table({"review": pa.array(COLUMNS["review"], pa.string_view()), "stars": COLUMNS["stars"]}),
        pa.table({"review": pa.array(COLUMNS["review"]).dictionary_encode(), "stars": COLUMNS["stars"]}),
        np.array([("slow start", 2), ("NA", 5)], dtype=object),
        (row for row in [("slow start", 2), ("NA", 5)]),
        iter([{"review": "slow start", "stars": 2}, {"review": "NA", "stars": 5}]),
        Dataset.from_dict(COLUMNS).to_iterable_dataset(),
        IterableDataset.from_generator(
            lambda: iter([{"review": "slow start", "stars": 2}, {"review": "NA", "stars": 5}])
        ),
        {"Training": (row for row in [("slow start", 2), ("NA", 5)])},
    ],
    ids=lambda data: type(data).__name__,
)
def test_every_way_to_hold_rows_gives_the_same_data(data: object) -> None:
    splits = from_memory(data)
    assert list(splits) == ["train"]
    assert splits["train"].features == Features({"text": Value("string"), "label": ClassLabel(names=["2", "5"])})
    assert splits["train"][:] == {"text": ["slow start", "NA"], "label": [0, 1]}


def test_splits_of_several_kinds_go_together() -> None:
    splits = from_memory({"train": pd.DataFrame(COLUMNS), "test": pa.table({"review": ["x"], "stars": [5]})})
    assert {name: len(split) for name, split in splits.items()} == {"train": 2, "test": 1}
    assert splits["test"]["label"][:] == [1]


def test_the_columns_can_be_named() -> None:
    splits = from_memory(pd.DataFrame({"a": ["p", "q"], "b": ["r", "s"], "c": [1, 2]}), text="b", label="a")
    assert splits["train"][0] == {"text": "r", "label": 0, "c": 1}


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
def test_a_gap_in_a_frame_is_an_empty_text(gap: Any) -> None:
    frame = pd.DataFrame({"text": pd.Series(["a", gap], dtype=object), "label": ["x", "y"]})
    assert from_memory(frame)["train"]["text"][:] == ["a", ""]


def test_a_gap_in_the_labels_of_a_frame_is_an_error_that_names_the_row() -> None:
    frame = pd.DataFrame({"text": ["a", "b"], "label": [1, np.nan]})
    with pytest.raises(DataError, match=r"train \(in memory\), row 2: there is no label \(column 'label'\)"):
        from_memory(frame)


def test_a_column_of_dates_is_carried_along() -> None:
    frame = pd.DataFrame({"text": ["a"], "label": ["x"], "day": pd.to_datetime(["2024-05-06"])})
    assert "2024-05-06" in from_memory(frame)["train"][0]["day"]


def test_a_categorical_column_of_a_frame_is_read_by_its_names() -> None:
    frame = pd.DataFrame({"text": ["a", "b"], "label": pd.Categorical(["low", "high"])})
    assert from_memory(frame)["train"].features["label"].names == ["high", "low"]


def test_validation_may_have_another_usual_name() -> None:
    assert list(from_memory({"train": COLUMNS, "dev": COLUMNS})) == ["train", "validation"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Train", "Test"), ["train", "test"]),
        (("training", "valid", "holdout"), ["train", "validation", "test"]),
        (("TRAIN", "Dev", "Testing"), ["train", "validation", "test"]),
        (("train_df", "my-dev-set", "test (2024)"), ["train", "validation", "test"]),
    ],
)
@pytest.mark.parametrize(
    "make", [dict, pd.DataFrame, Dataset.from_dict, lambda columns: list(zip(*columns.values(), strict=True))]
)
def test_splits_may_have_other_usual_names(names: tuple[str, ...], expected: list[str], make: Any) -> None:
    assert list(from_memory({name: make(COLUMNS) for name in names})) == expected


def test_a_split_of_another_name_is_dropped_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    assert list(from_memory({"Train": pd.DataFrame(COLUMNS), "extra": pd.DataFrame(COLUMNS)})) == ["train"]
    assert "the split 'extra' is dropped" in caplog.text


def test_a_splits_own_name_goes_before_others_that_contain_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    splits = from_memory({"train_large": pd.DataFrame(COLUMNS), "train": pd.DataFrame({"text": ["c"], "label": [2]})})
    assert splits["train"]["text"][:] == ["c"]
    assert "the split 'train_large' is dropped" in caplog.text
    with pytest.raises(DataError, match="there are two train splits, one of them 'train_r2'"):
        from_memory({"train_r1": pd.DataFrame(COLUMNS), "train_r2": pd.DataFrame(COLUMNS)})


def test_columns_may_have_names_that_contain_a_splits() -> None:
    columns = {"train_text": ["a", "b"], "train_label": ["x", "y"]}
    assert list(from_memory(columns, "train_text", "train_label")) == ["train"]


def test_a_column_may_have_the_name_of_a_split() -> None:
    columns = {"text": ["a", "b"], "label": ["x", "y"], "test": [[1, 2], [3]]}
    assert from_memory(columns)["train"].column_names == ["text", "label", "test"]


def test_categories_of_views_are_read_by_their_names() -> None:  # as polars gives them
    names = pa.array(["low", "high"], pa.string_view())
    labels = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.uint32()), names)
    table = pa.table({"text": ["a", "b", "c"], "label": labels})
    assert from_memory(table.slice(0, 2))["train"].features["label"].names == ["high", "low"]
    with pytest.raises(DataError, match="row 3: there is no label"):
        from_memory(table)


def test_a_frame_of_polars() -> None:
    polars = pytest.importorskip("polars", reason="polars isn't installed")
    frame = polars.DataFrame({"review": ["slow start", "NA"], "stars": ["2", "5"]})
    frame = frame.with_columns(polars.col("stars").cast(polars.Categorical))
    assert from_memory(frame)["train"][:] == from_memory(COLUMNS)["train"][:]


def test_the_label_names_of_an_iterable_dataset_are_kept() -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["spam", "ham"])})
    data = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features).to_iterable_dataset()
    assert from_memory(data)["train"].features["label"].names == ["spam", "ham"]


def test_the_rows_of_a_generator_are_counted_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textclf_core.types.progress._SECONDS_BETWEEN_LINES", 0.0)
    output = io.StringIO()
    rows = ((f"text {number}", number % 2) for number in range(2500))
    assert len(from_memory(rows, progress=Progress(Console(file=output)))["train"]) == 2500
    assert [line.split(",")[0] for line in output.getvalue().splitlines()] == [
        "read train: 1000 rows",
        "read train: 2000 rows",
    ]


class Verdict(enum.StrEnum):
    BAD = "bad"
    GOOD = "good"


class Stars(enum.IntEnum):
    ONE = 1
    FIVE = 5


class Own(str):
    """A text of a type of one's own."""


@pytest.mark.parametrize(("labels", "names"), [([*Verdict], ["bad", "good"]), ([*Stars], ["1", "5"])])
def test_members_of_an_enum_that_are_texts_or_numbers_are_labels(labels: list[object], names: list[str]) -> None:
    data = from_memory([(Own("a"), labels[0]), (Own("b"), labels[1])])["train"]
    assert (data["text"][:], data.features["label"].names) == (["a", "b"], names)


def test_a_list_of_texts_is_a_test_split_without_labels() -> None:
    data = from_memory({"train": [("a", 1), ("b", 0)], "test": ["c", "d"]})
    assert (list(data), data.unlabelled) == (["train"], 2)


def test_pairs_of_words_and_tags_are_words() -> None:
    data = from_memory([(["Ada", "left"], ["B-PER", "O"]), (("Omar",), ("B-PER",))])["train"]
    assert (data["tokens"][:], data["label"][:]) == ([["Ada", "left"], ["Omar"]], [[1, 0], [1]])


def test_pairs_of_spacy_are_read() -> None:
    of_text = from_memory([("a", {"cats": {"good": 1, "bad": 0}}), ("b", {"cats": {"good": 0, "bad": 1}})])["train"]
    assert (of_text.features["label"].names, of_text["label"][:]) == (["bad", "good"], [1, 0])
    of_words = from_memory([("Ada left", {"entities": [(0, 3, "PER")]}), ("no", {"entities": []})])["train"]
    assert (of_words["tokens"][:], of_words["label"][:]) == ([["Ada", "left"], ["no"]], [[1, 0], [0]])


def test_a_column_of_a_type_that_cant_be_read_is_named() -> None:
    table = pa.table({"text": ["a"], "label": pa.array([[("x", 1)]], pa.map_(pa.string(), pa.int8()))})
    with pytest.raises(DataError, match=r"train \(in memory\): the column 'label' holds map<.*>, which can't"):
        from_memory(table)


def test_the_splits_have_their_source_as_description() -> None:
    assert from_memory(COLUMNS)["train"].info.description == "data in memory"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (7, "train: a builtins.int can't be read as data; pass a pandas or polars DataFrame"),
        ("reviews.csv", "the file or folder 'reviews.csv' is read by a dataset plugin, named in plugins="),
        (["a", "b"], "can't infer which column is the label"),
        ([], "train: the list is empty"),
        ([("a", 1), ("b",)], r"train, row 2: expected a \(text, label\) pair, .* got \('b',\)"),
        ([{"text": "a", "label": 1}, ("b", 2)], "train, row 1: expected a"),
        ({"text": ["a", "b"], "label": [1]}, "must have the same length, but text has 2, label has 1"),
        (DatasetDict(test=Dataset.from_dict(COLUMNS)), "there is no train split; the splits are: test"),
        ({"train": COLUMNS, "dev": COLUMNS, "valid": COLUMNS}, "there are two validation splits"),
        ({"dev": pd.DataFrame(COLUMNS), "test": COLUMNS}, "there is no train split; the splits are: dev, test"),
        ({"reviews": pd.DataFrame(COLUMNS)}, "there is no train split; the splits are: reviews"),
        (iter(()), "train: the list is empty"),
        (csv.reader(["text,label", "a,x"]), r"train, row 1: \['text', 'label'\] is a header"),
        ([pd.DataFrame(COLUMNS)] * 2, "train, row 1: a DataFrame in a list; join tables to one"),
        (pd.Series(["a"], name="text"), "can't infer which column is the label"),
        ([("a", 1), list(range(10_000))], r"got \[0, 1, 2, 3, 4, \.\.\.\]$"),
        (pd.DataFrame([["a", "b", 1]], columns=["text", "text", "label"]), "two columns are named 'text'"),
        (pa.array(["a"]), "can't be read as a table"),
        (
            {str(n): [0] * (1 + n % 2) for n in range(700)},
            "but 0 has 1, 1 has 2, 2 has 1, 3 has 2, 4 has 1 and 695 more",
        ),
    ],
)
def test_what_cant_be_read_is_an_error(data: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_memory(data)

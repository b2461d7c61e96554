"""Data that is already in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from textclf_core.data import from_memory
from textclf_core.errors import DataError

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


def test_the_splits_have_their_source_as_description() -> None:
    assert from_memory(COLUMNS)["train"].info.description == "data in memory"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (7, "train: a builtins.int can't be read as data; pass a pandas DataFrame"),
        ("reviews.csv", "a builtins.str can't be read as data"),
        ([], "train: the list is empty"),
        ([("a", 1), ("b",)], r"train, row 2: expected a \(text, label\) pair, .* got \('b',\)"),
        ([{"text": "a", "label": 1}, ("b", 2)], "train, row 1: expected a"),
        ({"text": ["a", "b"], "label": [1]}, "must have the same length, but text has 2, label has 1"),
        (DatasetDict(test=Dataset.from_dict(COLUMNS)), "there is no train split; the splits are: test"),
        ({"train": COLUMNS, "dev": COLUMNS, "valid": COLUMNS}, "there are two validation splits"),
    ],
)
def test_what_cant_be_read_is_an_error(data: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_memory(data)

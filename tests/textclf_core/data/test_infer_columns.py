"""Telling text from label, and naming the labels."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, Sequence, Value

from textclf_core.data import Source, labelled
from textclf_core.errors import DataError


def source(where: str = "reviews.csv", **columns: list[Any]) -> Source:
    return Source(Dataset.from_dict(columns), where)


def label_names(*labels: Any) -> list[str]:
    data = labelled({"train": source(text=["a"] * len(labels), label=list(labels))})["train"]
    names: list[str] = data.features["label"].names
    assert [names[id] for id in data["label"]] == [
        str(label).lower() if isinstance(label, bool) else str(label) for label in labels
    ]
    return names


def test_string_labels_are_sorted() -> None:
    assert label_names("spam", "ham", "spam") == ["ham", "spam"]


def test_integer_labels_are_named_by_their_digits_in_their_order() -> None:
    assert label_names(10, 2, -1) == ["-1", "2", "10"]


def test_integers_that_came_as_strings_are_in_their_order_too() -> None:
    assert label_names("10", "9") == ["9", "10"]


def test_strings_that_only_look_like_integers_are_sorted_as_strings() -> None:
    assert label_names("010", "9") == ["010", "9"]


def test_boolean_labels_are_false_and_true() -> None:
    assert label_names(True, False) == ["false", "true"]


def test_na_and_null_are_labels_like_any_other() -> None:
    assert label_names("null", "NA") == ["NA", "null"]


def test_whole_floats_are_integers_since_a_data_frame_with_a_gap_makes_them_so() -> None:
    data = labelled({"train": source(text=["a", "b"], label=[2.0, 1.0])})
    assert data["train"].features["label"].names == ["1", "2"]


def test_a_class_label_keeps_its_names_and_ids() -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["pos", "neg"])})
    given = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features)
    data = labelled({"train": Source(given, "given")})["train"]
    assert data.features["label"].names == ["pos", "neg"]
    assert data["label"][:] == [0, 1]


def test_splits_share_label_names() -> None:
    data = labelled({"train": source(text=["a", "b"], label=["x", "z"]), "test": source(text=["c"], label=["z"])})
    assert data["test"].features == data["train"].features
    assert data["test"]["label"][:] == [1]


def test_other_columns_are_carried_along() -> None:
    data = labelled({"train": source(id=[7, 8], review=["a", "b"], stars=["x", "y"])})["train"]
    assert data[1] == {"text": "b", "label": 1, "id": 8}


def test_a_column_whose_name_is_taken_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    data = labelled({"train": source(text=["t1"], body=["b1"], label=["x"])}, text="body")["train"]
    assert data[0] == {"text": "b1", "label": 0}
    assert "the column 'text' is dropped" in caplog.text


@pytest.mark.parametrize(
    "columns",
    [
        {"Review": ["a"], "Stars": [1]},
        {"id": ["7"], "sentence": ["a"], "sentiment": ["x"]},
        {"words": ["a"], "label": [1], "id": [7]},
        {"text": ["a"], "outcome": ["x"]},
    ],
)
def test_obvious_columns_are_guessed_and_logged(
    columns: dict[str, list[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "textclf")
    data = labelled({"train": source(**columns)})["train"]
    assert data["text"][:] == ["a"]
    assert "reviews.csv: the texts are taken from the column" in caplog.text


def test_columns_named_text_and_label_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    labelled({"train": source(text=["a"], label=["x"], sentence=["b"], topic=["y"])})
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"a": ["s"], "b": ["t"]},
            "which column is the text and which is the label; the columns are: a, b. Set text=COL",
        ),
        ({"review": ["s"], "comment": ["t"], "label": [1]}, "which column is the text; .* Set text=COLUMN$"),
        ({"text": ["s"], "topic": ["t"], "intent": ["u"]}, "which column is the label; .* Set label=COLUMN$"),
    ],
)
def test_columns_that_arent_obvious_are_asked_for(columns: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        labelled({"train": source(**columns)})


def test_a_column_that_isnt_there_is_named_with_the_nearest() -> None:
    with pytest.raises(
        DataError, match=r"no column 'reviw' \(text=reviw\); the columns are: review, y.* Did you mean 'review'"
    ):
        labelled({"train": source(review=["a"], y=[1])}, text="reviw", label="y")


def test_a_column_that_another_split_lacks_is_named_with_its_file() -> None:
    with pytest.raises(DataError, match=r"test\.csv: there is no column 'label'; the columns are: text"):
        labelled({"train": source(text=["a"], label=["x"]), "test": source("test.csv", text=["b"], verdict=["x"])})
    with pytest.raises(DataError, match=r"dev\.csv: there is no column 'label'; the columns are: text"):
        labelled({"train": source(text=["a"], label=["x"]), "validation": source("dev.csv", text=["b"])})


@pytest.mark.parametrize(
    ("trained", "tested", "left"),
    [
        (["x", "y"], ["x", None, " ", "-1"], 1),
        ([0, 1], [-1, 1, 0, None], 2),
        ([0, -1], [-1, 0, -1, None], 3),  # -1 is a label in train
        ([["x"], ["y"]], [["x"], [], None, None], 2),  # a row without labels is labelled
    ],
)
def test_rows_of_test_without_a_label_are_left_out_and_counted(
    trained: list[object], tested: list[object], left: int
) -> None:
    rows = {"text": list("abcd"), "label": tested}
    splits = labelled({"train": source(text=["k", "l"], label=trained), "test": source("test.csv", **rows)})
    assert (len(splits["test"]), splits.unlabelled) == (left, 4 - left)


@pytest.mark.parametrize("columns", [{}, {"label": [None, None]}, {"label": [-1, -1]}])
def test_a_test_split_without_any_label_is_left_out(columns: dict[str, list[object]]) -> None:
    splits = labelled({"train": source(text=["a", "b"], label=[0, 1]), "test": source(text=["c", "d"], **columns)})
    assert (list(splits), splits.unlabelled) == (["train"], 2)


def test_every_row_without_a_label_is_counted_and_the_first_is_named_by_its_line() -> None:
    gaps = Source(Dataset.from_dict({"text": ["a", "b", "c"], "label": ["x", "", None]}), "r.csv", (2, 3, 7))
    validation = source("dev.csv", text=["d"], label=[None])
    with pytest.raises(DataError) as error:
        labelled({"train": gaps, "validation": validation})
    assert str(error.value) == (
        "r.csv, line 3, and 1 more rows: there is no label (column 'label'); remove the row, or label it\n"
        "dev.csv, row 1: there is no label (column 'label'); remove the row, or label it"
    )


def test_an_unlabelled_row_of_a_class_label_is_no_class() -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["x", "y"])})
    given = Dataset.from_dict({"text": ["a", "b"], "label": [0, -1]}, features=features)
    with pytest.raises(DataError, match="given, row 2: there is no label"):
        labelled({"train": Source(given, "given")})


def test_a_score_is_no_class() -> None:
    with pytest.raises(
        DataError, match=r"\(column 'label'\): the labels are scores, not classes: 2\.5 isn't a whole number"
    ):
        labelled({"train": source(text=["a", "b"], label=[1.0, 2.5])})


def test_numbers_are_no_texts() -> None:
    with pytest.raises(DataError, match="the column 'text' holds int64, not text"):
        labelled({"train": source(text=[1, 2], label=["x", "y"])}, text="text")


def test_lists_of_lists_are_no_labels() -> None:
    features = Features({"text": Value("string"), "label": Sequence(Sequence(Value("int64")))})
    given = Dataset.from_dict({"text": ["a"], "label": [[[0, 1]]]}, features=features)
    with pytest.raises(
        DataError, match="the column 'label' holds lists of List; expected a string or an integer for each label"
    ):
        labelled({"train": Source(given, "given")})


def test_empty_texts_are_kept_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    data = labelled({"train": source(text=["a", " ", None], label=["x", "y", "x"])})
    assert data["train"]["text"][:] == ["a", " ", ""]
    assert "reviews.csv: 2 texts are empty (the first: row 2), kept" in caplog.text


def test_empty_texts_are_dropped_if_asked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    data = labelled({"train": source(text=["a", " ", "b"], label=["x", "y", "y"])}, empty="drop")
    assert data["train"]["text"][:] == ["a", "b"]
    assert "reviews.csv: 1 text is empty (the first: row 2), dropped" in caplog.text

"""Checking, holding out, counting and hashing."""

from __future__ import annotations

import logging
from collections import Counter

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from textclf_core.data import prepare, task_of
from textclf_core.errors import DataError
from textclf_core.reports.data_read import other_rows
from textclf_core.testing import tiny_data

NAMES = ("bad", "fair", "good")


def split(texts: list[str | None], labels: list[int | None], description: str = "") -> Dataset:
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(NAMES))})
    data = Dataset.from_dict({"text": texts, "label": labels}, features=features)
    data.info.description = description
    return data


def train_of(rows: int, labels: int = 3) -> Dataset:
    return split([f"sentence {row}" for row in range(rows)], [row % labels for row in range(rows)])


def rows_of(data: Dataset) -> list[tuple[str, int]]:
    return list(zip(data["text"][:], data["label"][:], strict=True))


def test_given_splits_are_left_as_they_are() -> None:
    data = tiny_data(rows=32)
    prepared = prepare(data, data_seed=0)
    assert {name: rows_of(prepared.data[name]) for name in prepared.data} == {
        name: rows_of(data[name]) for name in data
    }
    assert [facts.origin for facts in prepared.record.splits] == ["given"] * 3


def test_missing_splits_take_a_tenth_of_every_label_each() -> None:
    prepared = prepare(DatasetDict(train=train_of(300)), data_seed=0)
    assert [(facts.name, facts.rows, facts.origin) for facts in prepared.record.splits] == [
        ("train", 240, "given"),
        ("validation", 30, "held out from train"),
        ("test", 30, "held out from train"),
    ]
    assert prepared.record.splits[1].label_counts == prepared.record.splits[2].label_counts == dict.fromkeys(NAMES, 10)


def test_carving_loses_no_row_and_doubles_none() -> None:
    train = train_of(100)
    prepared = prepare(DatasetDict(train=train), data_seed=0)
    assert sorted(row for part in prepared.data.values() for row in rows_of(part)) == sorted(rows_of(train))


def test_rows_keep_their_order() -> None:
    train = train_of(100)
    place = {text: index for index, text in enumerate(train["text"])}
    for part in prepare(DatasetDict(train=train), data_seed=0).data.values():
        places = [place[text] for text in part["text"]]
        assert places == sorted(places)


def test_the_data_seed_decides_what_is_held_out() -> None:
    data = DatasetDict(train=train_of(100))
    assert prepare(data, 0).fingerprint == prepare(data, 0).fingerprint
    assert rows_of(prepare(data, 0).data["test"]) != rows_of(prepare(data, 1).data["test"])


def test_a_given_test_split_is_never_validation() -> None:
    test = split(["only in test"], [0])
    prepared = prepare(DatasetDict(train=train_of(100), test=test), data_seed=0)
    assert rows_of(prepared.data["test"]) == [("only in test", 0)]
    assert "only in test" not in prepared.data["validation"]["text"]
    assert prepared.record.splits[1].origin == "held out from train"


def test_the_same_test_rows_are_held_out_whether_validation_is_given_or_not() -> None:
    given = prepare(DatasetDict(train=train_of(100), validation=split(["v"], [0])), data_seed=3)
    both = prepare(DatasetDict(train=train_of(100)), data_seed=3)
    assert rows_of(given.data["test"]) == rows_of(both.data["test"])


def test_duplicates_of_a_text_stay_on_one_side() -> None:
    texts = [f"sentence {row % 60}" for row in range(180)]
    train = split(texts, [row % 60 % 3 for row in range(180)])
    prepared = prepare(DatasetDict(train=train), data_seed=0)
    sides = Counter(text for part in prepared.data.values() for text in set(part["text"]))
    assert set(sides.values()) == {1}
    assert all(facts.rows for facts in prepared.record.splits)


def test_a_text_that_fills_more_than_a_tenth_stays_in_train() -> None:
    train = split(["again"] * 80 + [f"sentence {row}" for row in range(120)], [0] * 100 + [1] * 100)
    prepared = prepare(DatasetDict(train=train), data_seed=0)
    assert [facts.rows for facts in prepared.record.splits] == [160, 20, 20]
    assert prepared.data["train"]["text"][:].count("again") == 80


def test_held_out_splits_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    prepare(DatasetDict(train=train_of(300)), data_seed=4)
    assert caplog.messages == [
        "there is no test split: 30 of train's 300 rows were held out for it (data seed 4); scores on it aren't "
        "comparable with published ones",
        "there is no validation split: 30 of train's 300 rows were held out for it (data seed 4)",
    ]


def test_too_few_rows_to_hold_out_are_an_error() -> None:
    with pytest.raises(
        DataError, match="train has 4 rows with 4 different texts: too few to hold out test and validation"
    ):
        prepare(DatasetDict(train=train_of(4)), data_seed=0)


def test_facts_count_labels_empty_texts_and_duplicates() -> None:
    data = DatasetDict(
        train=split(["a", "a", "", "b"], [0, 0, 2, 2]),
        validation=split(["c"], [0]),
        test=split(["a", "b", "d", None], [0, 2, 2, 0]),
    )
    train, _, test = prepare(data, 0).record.splits
    assert (train.label_counts, train.empty_texts, train.duplicates, train.shared_with_train) == (
        {"bad": 2, "fair": 0, "good": 2},
        1,
        1,
        0,
    )
    assert (test.empty_texts, test.duplicates, test.shared_with_train) == (1, 0, 3)


def test_texts_with_different_labels_are_counted_once_each() -> None:
    data = DatasetDict(
        train=split(["a", "a", "b", "c", "c"], [0, 1, 1, 2, 2]),
        validation=split(["b", "d"], [0, 1]),
        test=split(["a", "e"], [2, 0]),
    )
    assert prepare(data, 0).record.conflicting_texts == 2


def test_rows_of_test_without_a_label_are_left_out_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="textclf")
    data = DatasetDict(train=train_of(60), validation=train_of(6), test=split(["x", "y", "z"], [-1, 1, None]))
    prepared = prepare(data, 0)
    assert rows_of(prepared.data["test"]) == [("y", 1)]
    assert prepared.record.splits[2].unlabelled == 2
    assert "test: 2 rows without a label are left out of the scores; `textclf predict RUN" in caplog.text


def test_a_test_split_without_labels_is_replaced_by_rows_of_train() -> None:
    test = Dataset.from_dict({"text": ["x", "y"]})
    prepared = prepare(DatasetDict(train=train_of(60), validation=train_of(6), test=test), 0)
    of_test = prepared.record.splits[2]
    assert (of_test.rows, of_test.origin, of_test.unlabelled) == (6, "held out from train", 2)


def test_texts_shared_with_train_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    part = split(["a", "b"], [0, 1])
    prepare(DatasetDict(train=part, validation=split(["x"], [0]), test=split(["b", "y"], [0, 1])), 0)
    assert caplog.messages == ["1 of the 2 texts in test are also in train"]


def test_test_texts_that_are_in_validation_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    train, part = split(["a", "b"], [0, 1]), split(["x", "y", "z"], [0, 1, 0])
    prepared = prepare(DatasetDict(train=train, validation=part, test=part), 0)
    assert "3 of the 3 texts in test are also in validation, by which a run makes its choices" in caplog.messages
    assert [one.shared_with_validation for one in prepared.record.splits] == [None, None, 3]
    rows = dict(other_rows(prepared.record))
    assert rows["repeated"] == "3 of 3 texts of test are also in validation"


def test_at_most_five_labels_that_train_lacks_are_named() -> None:
    names = [f"label {number}" for number in range(12)]
    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    train = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features)
    test = Dataset.from_dict({"text": names, "label": list(range(12))}, features=features)
    with pytest.raises(DataError) as error:
        prepare(DatasetDict(train=train, test=test), 0)
    assert len(str(error.value).splitlines()) == 6
    assert str(error.value).endswith("test: 5 more labels don't occur in train")


def test_a_missing_text_becomes_an_empty_one() -> None:
    part = split(["a", None], [0, 1])
    prepared = prepare(DatasetDict(train=part, validation=part, test=part), 0)
    assert prepared.data["train"]["text"][:] == ["a", ""]
    assert prepared.data["train"].features == part.features


@pytest.mark.parametrize(
    "other",
    [
        split(["a", "c"], [0, 1]),  # a text
        split(["a", "b"], [1, 0]),  # the labels
        split(["b", "a"], [1, 0]),  # the order
        split(["a", "b", "b"], [0, 1, 1]),  # the number
    ],
)
def test_the_fingerprint_differs_where_the_rows_do(other: Dataset) -> None:
    first = split(["a", "b"], [0, 1])
    rest = {"validation": first, "test": first}
    before, after = (prepare(DatasetDict(train=train, **rest), 0) for train in (first, other))
    assert before.fingerprint != after.fingerprint
    assert before.record.splits[0].sha256 != after.record.splits[0].sha256
    assert before.record.splits[1].sha256 == after.record.splits[1].sha256


def test_the_source_is_the_description_of_the_splits() -> None:
    data = DatasetDict(
        train=split(["a", "b"], [0, 1], "one.csv"),
        validation=split(["c"], [0], "one.csv"),
        test=split(["d"], [0], "two.csv"),
    )
    assert prepare(data, 0).record.source == "one.csv; two.csv"


def test_a_split_of_another_name_is_excluded_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    data = tiny_data(rows=32)
    assert set(prepare(DatasetDict({**data, "extra": data["train"]}), 0).data) == {"train", "validation", "test"}
    assert "the split 'extra' is dropped" in caplog.text


def test_the_task_is_in_the_features() -> None:
    task = task_of(DatasetDict(train=train_of(3)))
    assert task.label_names == NAMES
    assert task.text_columns == ("text",)


def test_without_a_column_text_all_strings_are_the_texts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    features = Features(
        {"premise": Value("string"), "claim": Value("string"), "label": ClassLabel(names=["no", "yes"])}
    )
    pairs = Dataset.from_dict({"premise": ["a"], "claim": ["b"], "label": [0]}, features=features)
    assert task_of(DatasetDict(train=pairs)).text_columns == ("premise", "claim")
    assert "the texts are taken from 'premise' and 'claim'" in caplog.text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (DatasetDict(test=train_of(3)), "there is no train split; the splits are: test"),
        (DatasetDict(train=split([], [])), "train has no rows"),
        (DatasetDict(train=train_of(9), test=split([], [])), "test has no rows"),
        (DatasetDict(train=split(["a", "b"], [1, 1])), "train: every row has the label 'fair'; a classifier needs two"),
        (
            DatasetDict(train=train_of(9, labels=2), test=split(["x", "y", "z"], [0, 2, 2], "t.csv")),
            r"test \(t.csv\): 2 rows have the label 'good', which doesn't occur in train; the first is row 2",
        ),
        (
            DatasetDict(train=split(["a", "b", "c"], [0, None, -1])),
            "train: 2 rows have no label; the first is row 2",
        ),
        (
            DatasetDict(train=train_of(9), test=Dataset.from_dict({"text": ["a"], "label": [0]})),
            "test: the column 'label' has another type than in train",
        ),
    ],
)
def test_data_that_cant_be_used_are_refused(data: DatasetDict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        prepare(data, data_seed=0)


def test_missing_texts_and_labels_are_reported_at_once() -> None:
    with pytest.raises(DataError) as error:
        prepare(DatasetDict(train=Dataset.from_dict({"stars": [1]})), data_seed=0)
    assert str(error.value) == (
        "train has no text column; its columns are stars\n"
        "train needs a column 'label' of type ClassLabel, or of lists of it; it has the columns stars"
    )


def test_faults_of_all_splits_are_reported_at_once() -> None:
    data = DatasetDict(train=train_of(9, labels=2), validation=split(["x"], [2]), test=split([], []))
    with pytest.raises(DataError) as error:
        prepare(data, data_seed=0)
    assert len(str(error.value).splitlines()) == 2

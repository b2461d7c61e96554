"""A training sample for each seed."""

from __future__ import annotations

import pytest
from datasets import Dataset

from textclf_core.data import from_memory, prepare, with_own_sample
from textclf_core.data.sampling import TrainSize
from textclf_core.errors import DataError, UsageError
from textclf_core.testing import tiny_data


def texts(data: Dataset) -> list[str]:
    return list(data["text"][:])


def test_train_and_validation_are_drawn_anew_from_both_and_test_stays() -> None:
    whole = prepare(tiny_data(96), 0)
    one, same, other = (with_own_sample(whole, None, 0, seed) for seed in (4, 4, 5))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    for drawn in (one, other):
        assert [split.rows for split in drawn.record.splits] == [split.rows for split in whole.record.splits]
        assert [split.origin for split in drawn.record.splits] == ["drawn for this seed"] * 2 + ["given"]
        pool = sorted(texts(drawn.data["train"]) + texts(drawn.data["validation"]))
        assert pool == sorted(texts(whole.data["train"]) + texts(whole.data["validation"]))
        assert texts(drawn.data["test"]) == texts(whole.data["test"])
        assert drawn.record.splits[1].label_counts == whole.record.splits[1].label_counts
    assert set(texts(one.data["validation"])) != set(texts(other.data["validation"]))


def test_another_data_seed_draws_other_samples() -> None:
    whole = prepare(tiny_data(96), 0)
    assert with_own_sample(whole, None, 0, 1).fingerprint != with_own_sample(whole, None, 1, 1).fingerprint


def test_the_record_has_what_the_sample_was_drawn_from() -> None:
    whole = prepare(tiny_data(96), 7)
    drawn = with_own_sample(whole, TrainSize(per_class=8), 7, 1).record
    assert drawn.drawn_from is not None
    assert drawn.drawn_from.rows == 96 + 24
    assert drawn.drawn_from.fingerprint == whole.fingerprint
    assert drawn.drawn_from.data_seed == 7
    assert drawn.train_size == "8/class"


def test_few_shot_samples_of_a_seed_are_nested_and_those_of_two_seeds_differ() -> None:
    whole = prepare(tiny_data(96), 0)
    small, large, other = (
        set(texts(with_own_sample(whole, TrainSize(per_class=size), 0, seed).data["train"]))
        for size, seed in ((4, 0), (8, 0), (8, 1))
    )
    assert small < large
    assert large != other


def test_groups_stay_on_one_side_of_a_drawn_split() -> None:
    rows = [{"text": f"text {row}", "label": "ab"[row % 2], "author": row // 10} for row in range(200)]
    whole = prepare(from_memory(rows, group="author"), 0)
    for seed in range(3):
        drawn = with_own_sample(whole, None, 0, seed).data
        assert not set(drawn["train"]["author"][:]) & set(drawn["validation"]["author"][:])


def test_of_the_past_a_sample_is_drawn_and_validation_stays_the_future() -> None:
    rows = [{"text": f"text {row}", "label": "ab"[row % 2], "day": row} for row in range(200)]
    whole = prepare(from_memory(rows, time="day"), 0)
    one, other = (with_own_sample(whole, TrainSize(share=0.5), 0, seed) for seed in (0, 1))
    assert texts(one.data["validation"]) == texts(whole.data["validation"])
    assert max(one.data["train"]["day"]) < min(one.data["validation"]["day"])
    assert texts(one.data["train"]) != texts(other.data["train"])
    assert one.record.drawn_from is not None
    assert one.record.drawn_from.rows == 160
    with pytest.raises(UsageError, match="--vary data: by time=day, train is all of the past, the same at every seed"):
        with_own_sample(whole, None, 0, 0)


def test_all_splits_are_drawn_anew_from_all_rows_if_asked() -> None:
    whole = prepare(tiny_data(96), 0)
    one, same, other = (with_own_sample(whole, None, 0, seed, with_test=True) for seed in (4, 4, 5))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    every = sorted(text for split in whole.data.values() for text in texts(split))
    for drawn in (one, other):
        assert [split.rows for split in drawn.record.splits] == [split.rows for split in whole.record.splits]
        assert {split.origin for split in drawn.record.splits} == {"drawn for this seed"}
        assert drawn.record.splits[2].label_counts == whole.record.splits[2].label_counts
        assert sorted(text for split in drawn.data.values() for text in texts(split)) == every
        source = drawn.record.drawn_from
        assert source is not None
        assert (source.rows, source.with_test, source.fingerprint) == (len(every), True, whole.fingerprint)
    assert set(texts(one.data["test"])) != set(texts(other.data["test"]))
    few = with_own_sample(whole, TrainSize(per_class=4), 0, 4, with_test=True)
    assert texts(few.data["test"]) == texts(one.data["test"])
    assert len(few.data["train"]) == 8


def test_groups_stay_in_one_split_of_a_draw() -> None:
    rows = [{"text": f"text {row}", "label": "ab"[row % 2], "author": row // 10} for row in range(300)]
    whole = prepare(from_memory(rows, group="author"), 0)
    drawn = with_own_sample(whole, None, 0, 1, with_test=True).data
    authors = [set(drawn[name]["author"][:]) for name in ("train", "validation", "test")]
    assert sum(map(len, authors)) == len(set.union(*authors)) == 30


def test_the_future_is_not_drawn_as_test() -> None:
    rows = [{"text": f"text {row}", "label": "ab"[row % 2], "day": row} for row in range(200)]
    whole = prepare(from_memory(rows, time="day"), 0)
    with pytest.raises(UsageError, match="--vary data=all: by time=day, test is the future of train"):
        with_own_sample(whole, TrainSize(share=0.5), 0, 0, with_test=True)


def test_columns_that_only_train_has_are_left_out() -> None:
    splits = tiny_data(96)
    splits["train"] = splits["train"].add_column("note", ["x"] * 96)
    drawn = with_own_sample(prepare(splits, 0), None, 0, 0).data
    assert drawn["train"].column_names == drawn["validation"].column_names == ["text", "label"]


def test_too_few_rows_to_draw_from_are_refused() -> None:
    rows = {"text": ["a", "b"], "label": ["x", "y"]}
    whole = prepare(from_memory({"train": rows, "validation": rows, "test": rows}), 0)
    with pytest.raises(
        DataError, match="--vary data: train and validation have 4 rows, too few to draw validation anew"
    ):
        with_own_sample(whole, None, 0, 0)
    with pytest.raises(DataError, match="data=all: train, validation and test have 6 rows, too few to draw test anew"):
        with_own_sample(whole, None, 0, 0, with_test=True)


def test_groups_that_have_another_type_in_a_split_are_refused() -> None:
    """Without the column in the pool, rows of a group would be in several splits."""
    rows = [{"text": f"text {row}", "label": "ab"[row % 2], "author": row // 10} for row in range(200)]
    test = [{"text": f"new {row}", "label": "ab"[row % 2], "author": f"new {row // 10}"} for row in range(40)]
    whole = prepare(from_memory({"train": rows, "test": test}, group="author"), 0)
    with_own_sample(whole, None, 0, 0)
    with pytest.raises(
        DataError, match="--vary data=all: group=author is int64 in train and int64 in validation and string in test"
    ):
        with_own_sample(whole, None, 0, 0, with_test=True)

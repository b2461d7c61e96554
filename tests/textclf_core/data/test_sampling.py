"""Samples of train for learning curves."""

from __future__ import annotations

import itertools

import pytest

from textclf_core.data import prepare, with_train_size
from textclf_core.data.sampling import TrainSize, parse_train_sizes, sample_rows
from textclf_core.errors import DataError, UsageError
from textclf_core.testing import tiny_data

LABELS = [0] * 30 + [1] * 10
NAMES = ("bad", "good")


def test_sizes_are_read_as_written() -> None:
    sizes = parse_train_sizes("16/class, 10%,100%")
    assert sizes == (TrainSize(per_class=16), TrainSize(share=0.1), TrainSize(share=1.0))
    assert [str(size) for size in sizes] == ["16/class", "10%", "100%"]


@pytest.mark.parametrize("text", ["16", "0/class", "0%", "101%", "a/class", "", "10%,10%"])
def test_a_size_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="--train-size"):
        parse_train_sizes(text)


def test_each_label_gives_its_share() -> None:
    rows = sample_rows(LABELS, TrainSize(share=0.2), 0, NAMES)
    assert [sum(LABELS[row] == label for row in rows) for label in (0, 1)] == [6, 2]
    assert rows == sorted(rows)
    assert [
        sum(LABELS[row] == label for row in sample_rows(LABELS, TrainSize(per_class=4), 0, NAMES)) for label in (0, 1)
    ] == [
        4,
        4,
    ]


def test_smaller_samples_are_part_of_larger_ones() -> None:
    sizes = [TrainSize(per_class=2), TrainSize(per_class=5), TrainSize(share=0.5), TrainSize(share=1)]
    samples = [set(sample_rows(LABELS, size, 3, NAMES)) for size in sizes]
    assert all(smaller < larger for smaller, larger in itertools.pairwise(samples))
    assert samples[-1] == set(range(40))


def test_the_data_seed_decides_the_sample() -> None:
    one, same, other = (sample_rows(LABELS, TrainSize(per_class=3), seed, NAMES) for seed in (0, 0, 1))
    assert one == same != other


def test_too_few_rows_of_a_label() -> None:
    with pytest.raises(DataError, match="the label 'good' has only 10 rows in train, 11 are needed"):
        sample_rows(LABELS, TrainSize(per_class=11), 0, NAMES)


def test_validation_and_test_stay_and_the_fingerprint_changes() -> None:
    whole = prepare(tiny_data(64), 0)
    small = with_train_size(whole, TrainSize(per_class=4), 0)
    assert [split.rows for split in small.record.splits] == [8, 16, 16]
    assert small.record.splits[1:] == whole.record.splits[1:]
    assert small.fingerprint != whole.fingerprint
    assert small.record.train_size == "4/class"

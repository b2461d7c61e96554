"""Batches grouped by length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from textclf_core.training.batching import LengthGroupedBatches, batches_by_length, batches_of_equal_length


def long_tailed(rows: int = 10_000) -> list[int]:
    """Lengths as reviews have them: most short, a few of hundreds of tokens."""
    return np.random.default_rng(0).lognormal(mean=3.5, sigma=0.5, size=rows).clip(3, 512).astype(int).tolist()


def padding(batches: Sequence[Sequence[int]], lengths: Sequence[int]) -> float:
    """The share of tokens that are padding."""
    padded = sum(len(batch) * max(lengths[row] for row in batch) for batch in batches)
    return 1 - sum(lengths) / padded


@pytest.mark.parametrize("rows", [1, 16, 17, 2000])
def test_every_example_comes_once_an_epoch(rows: int) -> None:
    batches = LengthGroupedBatches(long_tailed(rows), batch_size=16, seed=0)
    assert sorted(row for batch in batches.epoch(0) for row in batch) == list(range(rows))


@pytest.mark.parametrize(("rows", "sizes"), [(32, [16, 16]), (33, [16, 16, 1]), (5, [5])])
def test_all_batches_are_full_but_for_the_last(rows: int, sizes: list[int]) -> None:
    batches = LengthGroupedBatches(long_tailed(rows), batch_size=16, seed=0)
    assert [len(batch) for batch in batches.epoch(0)] == sizes
    assert len(batches) == len(sizes)


def test_only_the_last_of_many_pools_has_a_smaller_batch() -> None:
    sizes = [len(batch) for batch in LengthGroupedBatches(long_tailed(2500), batch_size=16, seed=0).epoch(0)]
    assert sizes == [16] * 156 + [4]


def test_the_seed_decides_the_order() -> None:
    lengths = long_tailed(500)
    first, again, other = (LengthGroupedBatches(lengths, 16, seed).epoch(0) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("rows", [100, 2000])
def test_each_epoch_has_other_batches(rows: int) -> None:
    batches = LengthGroupedBatches(long_tailed(rows), 16, seed=0)
    first, second = ({frozenset(batch) for batch in batches.epoch(epoch)} for epoch in (0, 1))
    assert not first & second


def balanced(strata: Sequence[int], epochs: int = 1) -> list[Counter[int]]:
    """How often each row comes, by epoch."""
    batches = LengthGroupedBatches(long_tailed(len(strata)), 16, seed=0, strata=strata)
    return [Counter(row for batch in batches.epoch(epoch) for row in batch) for epoch in range(epochs)]


def test_a_balanced_epoch_has_as_many_rows_and_equally_many_of_each_stratum() -> None:
    strata = [0] * 70 + [1] * 25 + [2] * 6
    [rows] = balanced(strata)
    assert rows.total() == 101
    of_stratum = Counter({name: sum(rows[row] for row in range(101) if strata[row] == name) for name in range(3)})
    assert sorted(of_stratum.values()) == [33, 34, 34]


def test_rows_of_a_small_stratum_come_equally_often_and_those_of_a_large_one_take_turns() -> None:
    strata = [0] * 90 + [1] * 10
    first, second = balanced(strata, epochs=2)
    assert {first[row] for row in range(90, 100)} == {5}
    assert {first[row] for row in range(90)} == {0, 1}
    assert {row for row in first if row < 90} != {row for row in second if row < 90}
    assert balanced(strata, epochs=2) == [first, second]


def test_batches_do_not_come_by_length() -> None:
    lengths = long_tailed(800)
    means = [np.mean([lengths[row] for row in batch]) for batch in LengthGroupedBatches(lengths, 16, seed=0).epoch(0)]
    rises = sum(after > before for before, after in pairwise(means))
    assert 0.3 < rises / len(means) < 0.7


def test_padding_is_rare_where_random_batches_are_a_third_padding() -> None:
    lengths = long_tailed()
    shuffled = np.random.default_rng(1).permutation(len(lengths)).tolist()
    at_random = [shuffled[start : start + 16] for start in range(0, len(shuffled), 16)]
    assert padding(at_random, lengths) > 0.3
    assert padding(LengthGroupedBatches(lengths, 16, seed=0).epoch(0), lengths) < 0.05


def test_batches_for_prediction_come_longest_first_and_hold_every_example() -> None:
    lengths = [5, 40, 7, 40, 6]
    assert batches_by_length(lengths, 80) == [[1, 3], [2, 4, 0]]


def test_a_batch_for_prediction_holds_so_many_padded_tokens_or_one_example() -> None:
    lengths = [5, 40, 7, 40, 6]
    assert batches_by_length(lengths, 14) == [[1], [3], [2, 4], [0]]
    lengths = long_tailed()
    for batch in batches_by_length(lengths, 1024):
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= 1024


def test_batches_of_one_length_hold_every_example_and_are_never_padded() -> None:
    lengths = long_tailed()
    batches = batches_of_equal_length(lengths, 1024)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len({lengths[row] for row in batch}) == 1
        assert len(batch) == 1 or len(batch) * lengths[batch[0]] <= 1024


def test_batches_of_one_length_fit_into_the_memory_that_those_before_them_left() -> None:
    lengths = long_tailed()
    for batches in (batches_of_equal_length(lengths), batches_by_length(lengths, 1024)):
        tokens = [len(batch) * max(lengths[row] for row in batch) for batch in batches]
        assert tokens == sorted(tokens, reverse=True)

"""Scores by slice of the test set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from made_runs import comparison, plugin, reviews, write_run
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from textclf_core.errors import UsageError
from textclf_core.reports.analysis import Analysis
from textclf_core.reports.slices import (
    SliceScore,
    slice_scores,
    slices_of,
    usual_slices,
    worst_sentence,
    worst_slice,
    write_score,
)


def texts(lengths: list[int], **columns: list[object]) -> Dataset:
    rows = {"text": [" ".join(["word"] * one) for one in lengths], "label": [row % 2 for row in range(len(lengths))]}
    return Dataset.from_dict(rows | columns)


def probabilities(predictions: NDArray[np.int64], classes: int = 2) -> NDArray[np.float32]:
    return (0.1 + 0.7 * np.eye(classes)[predictions]).astype(np.float32)


def one_contender(folder: Path, data: Dataset) -> Analysis:
    write_run(folder, "full", data=data)
    return comparison(folder)


def names_and_rows(analysis: Analysis, *wanted: str) -> list[tuple[str, int]]:
    return [(one.name, int(one.rows.sum())) for one in slices_of(analysis, wanted)]


def test_length_makes_quartiles_named_by_the_shortest_and_the_longest(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([1, 2, 3, 4, 10, 11, 12, 13]))
    assert names_and_rows(analysis, "length") == [
        ("length 1 to 2 words", 2), ("length 3 to 4 words", 2), ("length 10 to 11 words", 2),
        ("length 12 to 13 words", 2),
    ]  # fmt: skip


def test_texts_of_one_length_make_fewer_slices(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([1] * 6 + [9, 9]))
    assert names_and_rows(analysis, "length") == [("length 1 word", 6), ("length 9 words", 2)]


def test_a_column_makes_a_slice_of_each_value_with_the_missing_ones_last(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([3] * 4, source=["web", None, "book", "web"]))
    assert names_and_rows(analysis, "source") == [("source book", 1), ("source web", 2), ("source missing", 1)]


def test_a_column_of_numbers_is_in_their_order(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([3] * 4, stars=[10, 9, 10, 2]))
    assert [name for name, _ in names_and_rows(analysis, "stars")] == ["stars 2", "stars 9", "stars 10"]


def test_a_condition_makes_one_slice(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([3, 40, 50, 60], source=["web", "web", "book", "web"]))
    assert names_and_rows(analysis, "length > 30 and source == 'web'") == [("length > 30 and source == 'web'", 2)]


def test_a_column_called_length_is_meant_by_its_name(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([3, 3, 3, 3], length=["short", "long", "long", "long"]))
    assert names_and_rows(analysis, "length") == [("length long", 3), ("length short", 1)]


def test_a_column_with_a_blank_in_its_name_is_found_by_it(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([3, 3], **{"Star rating": [1, 2]}))
    assert names_and_rows(analysis, "Star rating") == [("Star rating 1", 1), ("Star rating 2", 1)]


def test_a_column_of_many_values_is_refused_with_a_condition_to_write(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([3] * 20, author=[f"a{row:02d}" for row in range(20)]))
    with pytest.raises(UsageError, match=r"--slice author: this column has 20 different values.*author == 'a00'"):
        slices_of(analysis, ["author"])


def test_unasked_length_and_columns_of_few_values_are_looked_at(tmp_path: Path) -> None:
    data = texts([1, 2, 3, 4] * 5, source=["a", "b"] * 10, same=["x"] * 20, author=[str(row) for row in range(20)])
    slices = usual_slices(one_contender(tmp_path, data))
    assert [one.name for one in slices if not one.name.startswith("length")] == ["source a", "source b"]
    assert sum(one.name.startswith("length") for one in slices) == 4


def test_the_score_of_a_slice_is_f1_on_its_rows_averaged_over_seeds(tmp_path: Path) -> None:
    data = reviews(120)
    rng = np.random.default_rng(3)
    predictions = rng.integers(2, size=(2, 120))
    for seed in (0, 1):
        write_run(tmp_path, "full", seed=seed, data=data, given_scores=probabilities(predictions[seed]))
    analysis = comparison(tmp_path)
    [score] = slice_scores(analysis, analysis.rows[0].line, slices_of(analysis, ["source == 'forum'"]))
    rows, labels = np.array(data["source"]) == "forum", np.array(data["label"])
    assert score.rows == rows.sum()
    assert score.score == pytest.approx(np.mean([f1_score(labels[rows], one[rows]) for one in predictions]))


def test_with_three_labels_the_default_is_the_mean_over_labels(tmp_path: Path) -> None:
    labels = ("bad", "so-so", "good")
    data = reviews(90, labels=labels)
    predictions = np.random.default_rng(1).integers(3, size=90)
    truth, long = np.array(data["label"]), np.array([len(text.split()) > 20 for text in data["text"]])
    for name, metric in (("a", plugin("f1", "metric", average="auto")), ("b", plugin("f1", "metric", average="micro"))):
        write_run(tmp_path / name, "full", data=data, labels=labels, given_scores=probabilities(predictions, 3),
                  metric_plugin=metric)  # fmt: skip
        analysis = comparison(tmp_path / name)
        [score] = slice_scores(analysis, analysis.rows[0].line, slices_of(analysis, ["length > 20"]))
        average = "macro" if name == "a" else "micro"
        assert score.score == pytest.approx(f1_score(truth[long], predictions[long], average=average))


def test_the_interval_is_that_of_the_slices_own_rows(tmp_path: Path) -> None:
    data = reviews(400)
    analysis = one_contender(tmp_path, data)
    small, large = slice_scores(analysis, analysis.rows[0].line, slices_of(analysis, ["id < 40", "id >= 40"]))
    assert small.low is not None
    assert small.high is not None
    assert small.low <= (small.score or 0) <= small.high
    assert (small.high - small.low) > 2 * ((large.high or 0) - (large.low or 0))


def test_the_interval_of_accuracy_is_near_that_of_the_binomial(tmp_path: Path) -> None:
    data = reviews(400)
    right = np.arange(400) % 5 != 0
    predictions = np.where(right, data["label"], 1 - np.array(data["label"]))
    write_run(
        tmp_path, "full", data=data, given_scores=probabilities(predictions), metrics={"f1": 0.8, "accuracy": 0.8}
    )
    analysis = comparison(tmp_path, metric="accuracy")
    [score] = slice_scores(analysis, analysis.rows[0].line, slices_of(analysis, ["id >= 0"]))
    half = 1.96 * (0.8 * 0.2 / 400) ** 0.5
    assert score.score == pytest.approx(0.8)
    assert (score.low, score.high) == (pytest.approx(0.8 - half, abs=0.008), pytest.approx(0.8 + half, abs=0.008))


def test_a_slice_without_rows_has_no_score(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([3, 4]))
    [score] = slice_scores(analysis, analysis.rows[0].line, slices_of(analysis, ["length > 99"]))
    assert (score.rows, score.score, score.low, write_score(score)) == (0, None, None, "-")


def test_a_contender_is_scored_over_the_seeds_that_it_has(tmp_path: Path) -> None:
    data = reviews(60)
    for seed in (0, 1):
        write_run(tmp_path, "full", seed=seed, data=data, accuracy=0.9)
    write_run(tmp_path, "head-only", seed=0, data=data, accuracy=0.7)
    analysis = comparison(tmp_path)
    slices = slices_of(analysis, ["source"])
    assert all(len(slice_scores(analysis, row.line, slices)) == 2 for row in analysis.rows)


def made(slice: str, rows: int, score: float | None) -> SliceScore:
    return SliceScore(label="full", slice=slice, rows=rows, score=score, low=0.5, high=0.74)


def test_the_worst_slice_has_thirty_rows_at_least(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([3, 4]))
    scores = [made("a", 29, 0.1), made("b", 30, 0.62), made("c", 500, 0.8), made("d", 0, None)]
    worst = worst_slice(analysis, scores)
    assert worst is not None
    assert worst.slice == "b"
    assert worst_slice(analysis, scores[:1]) is None


def test_the_worst_slice_is_shown_with_its_interval_and_a_note_on_chance(tmp_path: Path) -> None:
    analysis = one_contender(tmp_path, texts([3, 4]))
    assert worst_sentence(analysis, [made("a", 40, 0.621), made("c", 1500, 0.8)]) == (
        "Worst slice of full: a, f1 0.62 [0.50, 0.74] on 40 test examples. It is the worst of 2: among many slices, "
        "some have a bad score by chance."
    )

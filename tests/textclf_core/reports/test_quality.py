"""Scores by class, confusion and calibration."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from made_runs import reviews, write_run
from sklearn.metrics import (
    brier_score_loss,
    log_loss,
    precision_recall_fscore_support,
)
from sklearn.metrics import (
    confusion_matrix as sklearn_confusion,
)

from textclf_core.errors import UsageError
from textclf_core.reports.quality import (
    ClassScores,
    class_scores,
    line_class_scores,
    line_confusion,
    line_reliability,
    run_class_scores,
    run_confusion,
    run_scores,
)
from textclf_core.reports.stored import ContenderRuns, find_runs, gather
from textclf_core.statistics.calibration import reliability
from textclf_core.statistics.confusion import confusion_matrix
from textclf_core.tasks import kind_of
from textclf_core.types.task import Task

LABELS = ("bad", "good")
# Four rows of which three are bad: two of these are seen, and one of two "good" is right.
REFERENCES = np.array([0, 0, 0, 1])
PREDICTIONS = np.array([0, 0, 1, 1])


def only_line(folder: Path) -> ContenderRuns:
    [[line]] = gather(find_runs([folder])).values()
    return line


def scores_of(references: np.ndarray, predictions: np.ndarray, names: tuple[str, ...]) -> tuple[ClassScores, ...]:
    true, predicted = ([names[label] for label in labels] for labels in (references, predictions))
    return class_scores(kind_of(Task(names)).counts_by_class(true, predicted, "default"))


def test_confusion_of_a_hand_worked_case() -> None:
    assert confusion_matrix(REFERENCES, PREDICTIONS, 2).tolist() == [[2, 1], [0, 1]]


def test_class_scores_of_a_hand_worked_case() -> None:
    bad, good = scores_of(REFERENCES, PREDICTIONS, LABELS)
    assert (bad.label, bad.precision, bad.recall, bad.f1, bad.support) == ("bad", 1.0, 2 / 3, 0.8, 3)
    assert (good.label, good.precision, good.recall, good.f1, good.support) == ("good", 0.5, 1.0, 2 / 3, 1)


def test_a_class_without_a_row_has_no_scores() -> None:
    absent = scores_of(REFERENCES, PREDICTIONS, (*LABELS, "mixed"))[2]
    assert (absent.precision, absent.recall, absent.f1, absent.support) == (None, None, None, 0)


@pytest.mark.parametrize("case", range(60))
def test_class_scores_and_confusion_agree_with_sklearn(case: int) -> None:
    rng = np.random.default_rng(case)
    classes = int(rng.integers(2, 7))
    references, predictions = rng.integers(classes, size=(2, int(rng.integers(1, 80))))
    found = scores_of(references, predictions, tuple(map(str, range(classes))))
    expected = precision_recall_fscore_support(references, predictions, labels=range(classes), zero_division=0.0)
    for numbers, name in zip(expected, ("precision", "recall", "f1", "support"), strict=True):
        ours = [getattr(one, name) for one in found]
        there = [one.support > 0 for one in found]
        assert [value is not None for value in ours] == (there if name != "support" else [True] * classes)
        np.testing.assert_allclose(
            [value for value in ours if value is not None], numbers[[v is not None for v in ours]]
        )
    np.testing.assert_array_equal(
        confusion_matrix(references, predictions, classes),
        sklearn_confusion(references, predictions, labels=range(classes)),
    )


def test_calibration_of_a_hand_worked_case() -> None:
    # Confidences .6 and .6 (one right) lie in (.5, .6]; .9 and .8 (both right) in (.8, .9] and (.7, .8].
    scores = np.array([[0.6, 0.4], [0.4, 0.6], [0.1, 0.9], [0.2, 0.8]])
    found = reliability(np.array([0, 0, 1, 1]), scores, bins=10)
    assert [(one.rows, one.confidence, one.accuracy) for one in found.bins if one.rows] == [
        (2, pytest.approx(0.6), 0.5),
        (1, pytest.approx(0.8), 1.0),
        (1, pytest.approx(0.9), 1.0),
    ]
    # (2 |.5 - .6| + |1 - .8| + |1 - .9|) / 4
    assert found.ece == pytest.approx(0.125)
    # (2 * .16 + 2 * .36 + 2 * .01 + 2 * .04) / 4
    assert found.brier == pytest.approx(0.285)
    assert found.log_loss == pytest.approx(-(math.log(0.6) + math.log(0.4) + math.log(0.9) + math.log(0.8)) / 4)


def test_a_bin_holds_its_upper_edge_and_the_last_one_what_rounding_adds() -> None:
    scores = np.array([[0.5, 0.5], [0.75, 0.25], [np.nextafter(1, 2), 0]])
    found = reliability(np.array([0, 0, 0]), scores, bins=4)
    assert [one.rows for one in found.bins] == [0, 1, 1, 1]


def test_an_empty_bin_has_neither_confidence_nor_accuracy() -> None:
    first = reliability(np.array([0]), np.array([[0.9, 0.1]]), bins=2).bins[0]
    assert (first.rows, first.confidence, first.accuracy) == (0, None, None)


@pytest.mark.parametrize("case", range(40))
def test_calibration_agrees_with_its_definition_and_sklearn(case: int) -> None:
    rng = np.random.default_rng(case)
    classes, rows, bins = int(rng.integers(2, 6)), 120, 15
    scores = rng.dirichlet(np.ones(classes), size=rows).astype(np.float32)
    references = rng.integers(classes, size=rows)
    found = reliability(references, scores, bins)
    confidence, right = scores.astype(float).max(axis=1), scores.argmax(axis=1) == references
    expected = 0.0
    for bin in range(bins):
        inside = (bin / bins < confidence) & (confidence <= (bin + 1) / bins)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert found.ece == pytest.approx(expected)
    probabilities = scores.astype(float) / scores.astype(float).sum(axis=1, keepdims=True)
    assert found.log_loss == pytest.approx(log_loss(references, probabilities, labels=range(classes)), rel=1e-5)
    if classes == 2:
        # scikit-learn looks at the positive class alone, which halves it.
        assert found.brier == pytest.approx(2 * brier_score_loss(references, scores[:, 1].astype(float)), rel=1e-5)


def test_a_score_of_zero_for_the_truth_costs_much_but_not_everything() -> None:
    assert reliability(np.array([1]), np.array([[1.0, 0.0]])).log_loss == pytest.approx(-math.log(2**-23))


def test_stored_scores_come_back_as_they_were(tmp_path: Path) -> None:
    data = reviews(6)
    given = np.array([[0.9, 0.1], [0.25, 0.75], [0.5, 0.5], [0.1, 0.9], [1, 0], [0, 1]], dtype=np.float32)
    write_run(tmp_path, "full", data=data, given_scores=given)
    np.testing.assert_array_equal(run_scores(only_line(tmp_path).runs[0]), given)


def test_a_contenders_confusion_is_the_sum_over_its_seeds(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path, "full", seed=seed)
    line = only_line(tmp_path)
    first, second = (run_confusion(run) for run in line.runs)
    np.testing.assert_array_equal(line_confusion(line, (0, 1)), first + second)
    np.testing.assert_array_equal(line_confusion(line, (1,)), second)


def test_a_contenders_class_scores_are_means_over_its_seeds(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path, "full", seed=seed, data=reviews(100))
    line = only_line(tmp_path)
    each = [run_class_scores(run)[1] for run in line.runs]
    good = line_class_scores(line, (0, 1))[1]
    assert each[0].f1 != each[1].f1
    assert good.f1 == pytest.approx((each[0].f1 + each[1].f1) / 2)
    assert good.support == 50


def test_errors_of_two_models_in_opposite_directions_do_not_cancel(tmp_path: Path) -> None:
    data = reviews(10)
    right, wrong = np.full((2, 10, 2), 0.3, dtype=np.float32)
    right[np.arange(10), data["label"]] = 0.7
    wrong[np.arange(10), 1 - np.asarray(data["label"])] = 0.7
    write_run(tmp_path, "full", seed=0, data=data, given_scores=right)
    write_run(tmp_path, "full", seed=1, data=data, given_scores=wrong)
    found = line_reliability(only_line(tmp_path), (0, 1))
    # All right at 70%: 0.3. None right: 0.7. Together half are right at 70%, which alone would be 0.2.
    assert found.ece == pytest.approx(0.5)
    assert [(one.rows, one.accuracy) for one in found.bins if one.rows] == [(20, 0.5)]


def test_a_contender_without_the_seeds_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, "full")
    with pytest.raises(UsageError, match="full has no run at seed 3, 4"):
        line_confusion(only_line(tmp_path), (3, 4))

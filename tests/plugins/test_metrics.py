"""The metrics, against numbers worked by hand."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from textclf_core.errors import UsageError
from textclf_core.plugins import Catalogue, activate
from textclf_core.types.task import Task

TWO = Task(("negative", "positive"))
THREE = Task(("low", "middle", "high"))

# Of label 1: 3 right, 1 wrongly predicted, 2 missed. Of label 0: 4 right, 2 wrongly predicted, 1 missed.
TWO_REFERENCES = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
TWO_PREDICTIONS = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]

# low: 2 right of 2, predicted 3 times; middle: 1 of 2, predicted once; high: 1 of 2, predicted twice.
THREE_REFERENCES = [0, 0, 1, 1, 2, 2]
THREE_PREDICTIONS = [0, 0, 1, 2, 2, 0]


def score(spec: str, references: list[int], predictions: list[int], task: Task) -> dict[str, float]:
    """Score as a run does, with every warning an error."""
    plugins = activate([spec], Catalogue.discover())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [numbers] = plugins.hook.textclf_compute_metrics(
            references=np.array(references),
            predictions=np.array(predictions),
            scores=np.eye(task.num_labels, dtype=np.float32)[predictions],
            task=task,
            data=None,
        )
    assert all(type(number) is float for number in numbers.values())
    return dict(numbers)


def test_f1_of_two_labels_is_that_of_label_1() -> None:
    # precision 3/4, recall 3/5
    assert score("f1", TWO_REFERENCES, TWO_PREDICTIONS, TWO) == {"f1": pytest.approx(2 / 3)}


def test_f1_of_three_labels_is_the_mean_over_labels() -> None:
    # low: precision 2/3, recall 1: 4/5. middle: precision 1, recall 1/2: 2/3. high: both 1/2: 1/2.
    expected = (4 / 5 + 2 / 3 + 1 / 2) / 3
    assert score("f1", THREE_REFERENCES, THREE_PREDICTIONS, THREE) == {"f1": pytest.approx(expected)}


@pytest.mark.parametrize(
    ("average", "expected"),
    [
        ("binary", 2 / 3),
        ("macro", (2 / 3 + 8 / 11) / 2),  # label 0: precision 4/6, recall 4/5
        ("micro", 7 / 10),
    ],
)
def test_f1_takes_an_average(average: str, expected: float) -> None:
    numbers = score(f"f1:average={average}", TWO_REFERENCES, TWO_PREDICTIONS, TWO)
    assert numbers == {"f1": pytest.approx(expected)}


def test_weighted_f1_counts_labels_by_their_examples() -> None:
    # label 0 three times, all right but one; label 1 once, and predicted twice
    numbers = score("f1:average=weighted", [0, 0, 0, 1], [0, 0, 1, 1], TWO)
    assert numbers == {"f1": pytest.approx((3 * 4 / 5 + 1 * 2 / 3) / 4)}


@pytest.mark.parametrize("plugin", ["f1", "precision-recall"])
def test_a_binary_average_of_three_labels_is_refused(plugin: str) -> None:
    with pytest.raises(
        UsageError, match=rf"{plugin}: average=binary needs a task with two labels.* 3 \(low, middle, high\)"
    ):
        score(f"{plugin}:average=binary", THREE_REFERENCES, THREE_PREDICTIONS, THREE)


def test_f1_is_zero_where_nothing_is_predicted_positive() -> None:
    assert score("f1", [1, 0], [0, 0], TWO) == {"f1": 0.0}


@pytest.mark.parametrize("predictions", [[0, 0], [0, 1]])
def test_f1_precision_and_recall_of_a_label_without_a_row_are_no_numbers(predictions: list[int]) -> None:
    for plugin in ("f1", "precision-recall"):
        assert all(math.isnan(number) for number in score(plugin, [0, 0], predictions, TWO).values())


def test_a_label_without_a_row_is_no_part_of_the_mean_and_one_never_predicted_is_0() -> None:
    references, predictions = [0, 0, 1, 1], [0, 2, 0, 0]  # label 1 is never predicted, label 2 has no row
    assert score("f1", references, predictions, THREE) == {"f1": pytest.approx((2 / 5 + 0) / 2)}
    expected = {"precision": pytest.approx(1 / 3 / 2), "recall": pytest.approx(1 / 2 / 2)}
    assert score("precision-recall", references, predictions, THREE) == expected


def test_accuracy_is_the_share_that_is_right() -> None:
    assert score("accuracy", TWO_REFERENCES, TWO_PREDICTIONS, TWO) == {"accuracy": 0.7}


def test_precision_and_recall_of_two_labels_are_those_of_label_1() -> None:
    numbers = score("precision-recall", TWO_REFERENCES, TWO_PREDICTIONS, TWO)
    assert numbers == {"precision": pytest.approx(3 / 4), "recall": pytest.approx(3 / 5)}


def test_precision_and_recall_of_three_labels_are_means_over_labels() -> None:
    numbers = score("precision-recall", THREE_REFERENCES, THREE_PREDICTIONS, THREE)
    assert numbers == {"precision": pytest.approx((2 / 3 + 1 + 1 / 2) / 3), "recall": pytest.approx(2 / 3)}


def test_mcc_is_the_correlation_of_the_two_label_columns() -> None:
    # (3 * 4 - 1 * 2) / sqrt(4 * 5 * 5 * 6)
    assert score("mcc", TWO_REFERENCES, TWO_PREDICTIONS, TWO) == {"mcc": pytest.approx(10 / 600**0.5)}


@pytest.mark.parametrize(("references", "predictions"), [([0, 1], [1, 0]), ([0, 1, 1], [0, 1, 1])])
def test_mcc_is_1_if_all_is_right_and_minus_1_if_all_is_wrong(references: list[int], predictions: list[int]) -> None:
    expected = 1.0 if references == predictions else -1.0
    assert score("mcc", references, predictions, TWO) == {"mcc": pytest.approx(expected)}


@pytest.mark.parametrize(("references", "predictions"), [([0, 1], [1, 1]), ([0, 0], [0, 1]), ([0, 0], [0, 0])])
def test_mcc_is_zero_where_one_side_has_one_label(references: list[int], predictions: list[int]) -> None:
    assert score("mcc", references, predictions, TWO) == {"mcc": 0.0}


def test_metrics_leave_nothing_in_the_users_cache(tmp_path: Path) -> None:
    code = (
        "import numpy as np; from textclf_plugins.metrics.accuracy import Accuracy; "
        "from textclf_core.types.task import Task; "
        "task = Task(('no', 'yes')); "
        "print(Accuracy().textclf_compute_metrics(np.array([1, 0]), np.array([1, 1]), task))"
    )
    environment = {"HF_HOME": str(tmp_path), "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert process.stdout == "{'accuracy': 0.5}\n"
    assert [path for path in tmp_path.rglob("*") if "metrics" in path.name] == []

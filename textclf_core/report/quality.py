"""How good predictions are beyond one number: scores by class, confusion, calibration. From stored predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.data.entities import EntityCounts, entity_types
from textclf_core.errors import UsageError
from textclf_core.report.outcomes import entities_by_type, entity_scheme
from textclf_core.statistics.calibration import BINS, Reliability, reliability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.report.stored import Line, StoredRun


@dataclass(frozen=True, kw_only=True)
class ClassScores:
    """The scores of one class; a mean over seeds where they are a contender's.

    Where the labels are tags of entities, a class is a type of these, and its rows are entities.

    Attributes:
        label: the class.
        precision: of the rows predicted to be of it, the share that are; 0 if none was predicted.
        recall: of the rows that are of it, the share predicted to be; 0 if there are none.
        f1: the harmonic mean of the two; 0 if both are.
        support: how many rows are of it.
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int


def confusion_matrix(references: NDArray[np.int64], predictions: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return how often each class was taken for each: int64, (classes, classes), a row a true class.

    Args:
        references: true label ids, (rows,).
        predictions: predicted label ids, (rows,).
        classes: how many labels there are.
    """
    return np.bincount(references * classes + predictions, minlength=classes * classes).reshape(classes, classes)


def class_scores(
    references: NDArray[np.int64], predictions: NDArray[np.int64], labels: Sequence[str]
) -> tuple[ClassScores, ...]:
    """Return the scores of each class, in the order of the labels.

    Args:
        references: true label ids, (rows,); of several labels a row zeros and ones, (rows, labels).
        predictions: the predicted ones, in the same shape.
        labels: the names of the labels, by id.
    """
    right, support, predicted = _label_counts(references, predictions, len(labels))
    return tuple(
        ClassScores(
            label=label,
            precision=_ratio(right[index], predicted[index]),
            recall=_ratio(right[index], support[index]),
            f1=_ratio(2 * right[index], support[index] + predicted[index]),
            support=int(support[index]),
        )
        for index, label in enumerate(labels)
    )


def _label_counts(
    references: NDArray[np.int64], predictions: NDArray[np.int64], labels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return of each label the rows rightly given it, those that have it, and those given it."""
    if references.ndim > 1:
        counts = (references & predictions, references, predictions)
        right, support, predicted = (one.sum(axis=0).astype(np.float64) for one in counts)
        return right, support, predicted
    matrix = confusion_matrix(references, predictions, labels).astype(np.float64)
    return matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)


def run_confusion(run: StoredRun) -> NDArray[np.int64]:
    """Return the confusion matrix of a run's test split: int64, (classes, classes), a row a true class.

    Where each word has a label, it counts words. Where a text may have several labels, none is taken for another: there
    is a matrix for each, (labels, 2, 2), not to have it before having it, as scikit-learn's
    ``multilabel_confusion_matrix``.
    """
    references, predictions = run.label_ids("label"), run.label_ids("prediction")
    if run.of_sets:
        of_labels = zip(references.T, predictions.T, strict=True)
        return np.stack([confusion_matrix(true, predicted, classes=2) for true, predicted in of_labels])
    return confusion_matrix(references, predictions, classes=len(run.record.data.label_names))


def line_confusion(line: Line, seeds: Sequence[int]) -> NDArray[np.int64]:
    """Return the confusion matrices of a contender's runs at these seeds, those that it has, summed."""
    matrices = [run_confusion(run) for run in _runs(line, seeds)]
    return np.asarray(np.sum(matrices, axis=0))


def line_class_scores(line: Line, seeds: Sequence[int]) -> tuple[ClassScores, ...]:
    """Return the scores of each class on test, each a mean over the contender's runs at these seeds."""
    by_run = [run_class_scores(run) for run in _runs(line, seeds)]
    return tuple(
        ClassScores(
            label=of_class[0].label,
            precision=_mean([scores.precision for scores in of_class]),
            recall=_mean([scores.recall for scores in of_class]),
            f1=_mean([scores.f1 for scores in of_class]),
            support=of_class[0].support,
        )
        for of_class in zip(*by_run, strict=True)
    )


def run_class_scores(run: StoredRun) -> tuple[ClassScores, ...]:
    """Return the scores of each class on a run's test split; of entities, those of each type."""
    names = run.record.data.label_names
    if entity_scheme(run.record) is None:
        return class_scores(run.label_ids("label"), run.label_ids("prediction"), names)
    totals = {kind: EntityCounts() for kind in entity_types(names)}
    for row in entities_by_type(run):
        for kind, counts in row.items():
            totals[kind] += counts
    return tuple(
        ClassScores(label=kind, precision=one.precision, recall=one.recall, f1=one.f1, support=one.true)
        for kind, one in totals.items()
    )


def line_reliability(line: Line, seeds: Sequence[int], bins: int = BINS) -> Reliability:
    """Return the calibration of a contender on test at these seeds.

    The bins hold the predictions of all its runs, where a text may have several labels one for each of them; the three
    numbers are means over the runs, since errors of two models in opposite directions would cancel in a common bin.
    """
    by_run = [(run.label_ids("label"), run_scores(run)) for run in _runs(line, seeds)]
    each = [reliability(references, scores, bins) for references, scores in by_run]
    pooled = reliability(
        np.concatenate([references for references, _ in by_run]), np.concatenate([scores for _, scores in by_run]), bins
    )
    return Reliability(
        bins=pooled.bins,
        ece=_mean([one.ece for one in each]),
        brier=_mean([one.brier for one in each]),
        log_loss=_mean([one.log_loss for one in each]),
    )


def run_scores(run: StoredRun) -> NDArray[np.float32]:
    """Return the scores of a run's test split: float32, (rows, classes), or (words, classes) of all rows' words."""
    nested = run.test["scores"].combine_chunks().flatten()
    flat = (nested.flatten() if run.of_words else nested).to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, len(run.record.data.label_names))


def _runs(line: Line, seeds: Sequence[int]) -> list[StoredRun]:
    runs = [run for run in line.runs if run.record.seed in seeds]
    if not runs:
        raise UsageError(f"{line.label}: it has no run at seed {', '.join(map(str, seeds))}.")
    return runs


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))

"""Detailed scores from stored predictions: scores by class, confusion matrices, calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.errors import UsageError
from textclf_core.reports.outcomes import entity_mode
from textclf_core.statistics.calibration import BINS, Reliability, reliability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.reports.stored import ContenderRuns, StoredRun
    from textclf_core.tasks.report_kind import ClassCounts


@dataclass(frozen=True, kw_only=True)
class ClassScores:
    """The scores of one class, as means over seeds for a contender.

    For entity tags, the classes are the entity types, and the rows are entities. A class without a row has no scores:
    they are ``None``.

    Attributes:
        label: the class.
        precision: the share of rows predicted as this class that belong to it; 0 if none was predicted.
        recall: the share of rows of this class that are predicted as it.
        f1: the harmonic mean of precision and recall; 0 if both are 0.
        support: the number of rows of this class.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def class_scores(counts: Iterable[ClassCounts]) -> tuple[ClassScores, ...]:
    """Return the scores of each class from its counts."""
    return tuple(
        ClassScores(
            label=one.label,
            precision=_ratio(one.right, one.predicted) if one.true else None,
            recall=_ratio(one.right, one.true) if one.true else None,
            f1=_ratio(2 * one.right, one.true + one.predicted) if one.true else None,
            support=one.true,
        )
        for one in counts
    )


def run_confusion(run: StoredRun) -> NDArray[np.int64]:
    """Return the confusion matrix, or matrices, of a run's test split; see :meth:`ReportKind.confusion`."""
    return run.kind.confusion(run.names("label"), run.names("prediction"))


def line_confusion(contender: ContenderRuns, seeds: Sequence[int]) -> NDArray[np.int64]:
    """Return the sum of the confusion matrices of a contender's runs at these seeds."""
    matrices = [run_confusion(run) for run in _runs(contender, seeds)]
    return np.asarray(np.sum(matrices, axis=0))


def line_class_scores(contender: ContenderRuns, seeds: Sequence[int]) -> tuple[ClassScores, ...]:
    """Return the scores of each class on test, as means over the contender's runs at these seeds."""
    by_run = [run_class_scores(run) for run in _runs(contender, seeds)]
    return tuple(
        ClassScores(
            label=of_class[0].label,
            precision=_mean_if_any([scores.precision for scores in of_class]),
            recall=_mean_if_any([scores.recall for scores in of_class]),
            f1=_mean_if_any([scores.f1 for scores in of_class]),
            support=of_class[0].support,
        )
        for of_class in zip(*by_run, strict=True)
    )


def run_class_scores(run: StoredRun) -> tuple[ClassScores, ...]:
    """Return the scores of each class, or entity type, on a run's test split."""
    counts = run.kind.counts_by_class(run.names("label"), run.names("prediction"), entity_mode(run.record))
    return class_scores(counts)


def line_reliability(contender: ContenderRuns, seeds: Sequence[int], bins: int = BINS) -> Reliability:
    """Return the calibration of a contender on test at these seeds.

    The bins contain the predictions of all runs (in a multi-label task, one per label). The three measures are means
    over the runs, since errors of two models in opposite directions would cancel in common bins.
    """
    by_run = [(run.label_ids("label"), run_scores(run)) for run in _runs(contender, seeds)]
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
    """Return the scores of a run's test split, float32, shape (rows, classes), or (words, classes) in a token task."""
    return run.kind.stored_scores(run.test["scores"])


def _runs(contender: ContenderRuns, seeds: Sequence[int]) -> list[StoredRun]:
    runs = [run for run in contender.runs if run.record.seed in seeds]
    if not runs:
        raise UsageError(f"{contender.label} has no run at seed {', '.join(map(str, seeds))}.")
    return runs


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _mean_if_any(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return _mean(numbers) if numbers else None


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))

"""Broken metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from broken import broken
from textclf_core import hookimpl
from textclf_core.tasks import check_kind

if TYPE_CHECKING:
    from textclf_core import Task


@dataclass(frozen=True)
class GoodMetric:
    """The share of right predictions."""

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        return check_kind(task, "single-label")

    @hookimpl
    def textclf_compute_metrics(self, references: Any, predictions: Any) -> dict[str, float]:
        return {"right": float((references == predictions).mean())}


@broken("measures_each_task", "failed at")
@dataclass(frozen=True)
class DoesntRefuse:
    """It takes every task, and knows one label for each text."""

    @hookimpl
    def textclf_compute_metrics(self, references: Any, predictions: Any) -> dict[str, float]:
        return {"right": float((references == predictions).mean())}


@broken("measures_each_task", "must return a dict of numbers")
@dataclass(frozen=True)
class ReturnsText(GoodMetric):
    """A number in words."""

    @hookimpl
    def textclf_compute_metrics(self, references: Any, predictions: Any) -> Any:
        return {"right": f"{(references == predictions).mean():.0%}"}


@broken("measures_each_task", "check the computation")
@dataclass(frozen=True)
class AlwaysNan(GoodMetric):
    """Nothing over nothing."""

    @hookimpl
    def textclf_compute_metrics(self, references: Any) -> dict[str, float]:
        return {"right": float("nan")}


@broken("takes_rows_in_any_order", "use no row's place")
@dataclass(frozen=True)
class ReadsTheFirstRows(GoodMetric):
    """The share of right ones among the first ten."""

    @hookimpl
    def textclf_compute_metrics(self, references: Any, predictions: Any) -> dict[str, float]:
        weights = 1 / (1 + range_of(references))
        return {"right": float(((references == predictions) * weights).sum())}


def range_of(values: Any) -> Any:
    import numpy as np

    return np.arange(len(values))


@broken("tells_right_from_wrong", "compare predictions (or scores) with references")
@dataclass(frozen=True)
class IgnoresPredictions(GoodMetric):
    """The share of the first label."""

    @hookimpl
    def textclf_compute_metrics(self, references: Any) -> dict[str, float]:
        return {"right": float((references == 0).mean())}


@broken("gives_the_same_again", "keep no state")
@dataclass(frozen=True)
class RemembersCalls(GoodMetric):
    """The mean over all calls."""

    values: ClassVar[list[float]] = []

    @hookimpl
    def textclf_compute_metrics(self, references: Any, predictions: Any) -> dict[str, float]:
        self.values.append(float((references == predictions).mean()))
        return {"right": len(self.values) + sum(self.values)}


@broken("survives_a_missing_label", "failed at")
@dataclass(frozen=True)
class DividesByNone(GoodMetric):
    """The share of the positive ones that were found."""

    @hookimpl
    def textclf_compute_metrics(self, references: Any, predictions: Any) -> dict[str, float]:
        positive = int((references == 1).sum())
        return {"found": int(((references == 1) & (predictions == 1)).sum()) / positive}


@broken("survives_a_missing_label", "return the same names")
@dataclass(frozen=True)
class NamesWhatItSees(GoodMetric):
    """One number for each label that occurs."""

    @hookimpl
    def textclf_compute_metrics(self, references: Any, predictions: Any) -> dict[str, float]:
        right = references == predictions
        return {f"right_{label}": float(right[references == label].mean()) for label in sorted(set(references))}


@broken("leaves_its_arrays_alone", "work on a copy")
@dataclass(frozen=True)
class SortsInPlace(GoodMetric):
    """The scores of the first label, sorted."""

    @hookimpl
    def textclf_compute_metrics(self, references: Any, predictions: Any, scores: Any) -> dict[str, float]:
        right = float((references == predictions).mean())
        scores.sort(axis=0)
        return {"right": right}

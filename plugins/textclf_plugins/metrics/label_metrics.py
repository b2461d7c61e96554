"""Metrics over label ids, as ``evaluate.Metric`` classes that need no hub.

Imported when metrics are computed, not when plugins are listed, since ``evaluate`` takes seconds to import.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable

import evaluate
import numpy as np
from datasets import Features, List, Value
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, precision_score, recall_score

_MULTILABEL = "multilabel"
"""The name of this configuration in evaluate's own metrics."""


class LabelMetric(evaluate.Metric):  # type: ignore[misc]  # evaluate ships no types
    """A metric of predictions and references, both int64: label ids, or rows of zeros and ones (``multilabel``).

    A subclass gives the metric's name (``number``), its description, and the function of references and predictions.
    """

    number: str
    description: str
    function: Callable[..., float]

    def __init__(self, config_name: str | None = None) -> None:
        # Even with keep_in_memory, evaluate creates a folder in the user's cache, which may be read-only.
        with tempfile.TemporaryDirectory() as directory:
            super().__init__(config_name=config_name, keep_in_memory=True, cache_dir=directory)

    @classmethod
    def of(cls, references: NDArray[np.int64], predictions: NDArray[np.int64], **options: object) -> float:
        """Return the metric of label ids, (rows,), or of zeros and ones, (rows, labels)."""
        metric = cls(_MULTILABEL if references.ndim > 1 else None)
        found: dict[str, float] = metric.compute(references=references, predictions=predictions, **options)
        return found[cls.number]

    def _info(self) -> evaluate.MetricInfo:
        of_one = List(Value("int64")) if self.config_name == _MULTILABEL else Value("int64")
        return evaluate.MetricInfo(
            description=type(self).description,
            citation="",
            inputs_description="predictions, references: int64, (examples,) or, if multi-label, (examples, labels)",
            features=Features({"predictions": of_one, "references": of_one}),
        )

    def _compute(
        self, predictions: NDArray[np.int64], references: NDArray[np.int64], **options: object
    ) -> dict[str, float]:
        return {self.number: float(type(self).function(references, predictions, **options))}


class AccuracyMetric(LabelMetric):
    """Accuracy."""

    number = "accuracy"
    description = "The share of the predictions that are correct."
    function = staticmethod(accuracy_score)


class F1Metric(LabelMetric):
    """F1; takes scikit-learn's ``average`` and ``zero_division``."""

    number = "f1"
    description = "The harmonic mean of precision and recall."
    function = staticmethod(f1_score)


class PrecisionMetric(LabelMetric):
    """Precision; takes scikit-learn's ``average`` and ``zero_division``."""

    number = "precision"
    description = "The share of the predicted positives that are positive."
    function = staticmethod(precision_score)


class RecallMetric(LabelMetric):
    """Recall; takes scikit-learn's ``average`` and ``zero_division``."""

    number = "recall"
    description = "The share of the positives that are predicted."
    function = staticmethod(recall_score)


def _mcc(references: NDArray[np.int64], predictions: NDArray[np.int64]) -> float:
    # 0 by definition where one side has a single label; scikit-learn would warn.
    if len(np.unique(references)) == 1 or len(np.unique(predictions)) == 1:
        return 0.0
    return float(matthews_corrcoef(references, predictions))


class MCCMetric(LabelMetric):
    """Matthews correlation coefficient."""

    number = "mcc"
    description = "Matthews correlation coefficient of predictions and references."
    function = staticmethod(_mcc)

"""The statistics for label ids and a metric's name, for tests that care about neither plugins nor stored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from textclf_core import statistics
from textclf_core.statistics import Comparison, Difference, SummedModel
from textclf_core.statistics.crossing import Crossing
from textclf_core.statistics.crossing import crossing as crossing_of_models
from textclf_core.statistics.joint_error import JointError
from textclf_core.types.metric import MetricInfo, RowSums, ScoredRows
from textclf_plugins.metrics.sums import F1, accuracy_sums, averaged_sums, counted_sums, mcc_sums

METRICS = ("accuracy", "f1-binary", "f1-macro", "f1-micro", "f1-weighted")
SET_METRICS = ("accuracy", "f1-macro", "f1-micro", "f1-weighted", "f1-samples")

Outcomes = NDArray[np.int64] | list[NDArray[np.int64]]


def scored_rows(
    references: Outcomes, predictions: Outcomes, scores: Any = None, **columns: Sequence[Any]
) -> ScoredRows:
    """Return rows of test."""
    scores = np.zeros((len(references), 2), dtype=np.float32) if scores is None else scores
    return ScoredRows(references, predictions, scores, lambda: Dataset.from_dict(columns))


@cache
def sums_of(name: str, labels: int = 2, *, several: bool = False) -> RowSums:
    """Return a metric as a function of sums: ``f1-macro`` is F1 with the average ``macro``.

    For ``f1-entity``, references are each row's number of entities, and predictions its (right, predicted) numbers.
    """
    if name == "accuracy":
        return accuracy_sums()
    if name == "mcc":
        return mcc_sums(labels)
    if name == "f1-entity":
        return counted_sums(F1, lambda rows: np.column_stack([rows.predictions, rows.references]).astype(np.float64))
    return averaged_sums(F1, name.removeprefix("f1-"), labels, several=several)


@cache
def info_of(name: str) -> MetricInfo:
    """Return the description of such a metric."""
    return MetricInfo(name=name, better="higher", low=-1 if name == "mcc" else 0, high=1, sums=sums_of(name))


def model_of(name: str, references: Outcomes, predictions: Outcomes, labels: int = 2) -> SummedModel:
    """Return one model's outcomes."""
    several = isinstance(references, np.ndarray) and references.ndim > 1
    return SummedModel(sums_of(name, labels, several=several), scored_rows(references, predictions))


def models_of(
    references: Outcomes, predictions: Mapping[Any, Sequence[Outcomes]], name: str
) -> dict[Any, list[SummedModel]]:
    """Return the models of contenders, given the predictions of each seed."""
    labels = 1 + int(max(np.max(references), *(np.max(of_one) for of_one in predictions.values())))
    if isinstance(references, np.ndarray) and references.ndim > 1:
        labels = references.shape[1]
    return {
        contender: [model_of(name, references, of_seed, max(2, labels)) for of_seed in of_one]
        for contender, of_one in predictions.items()
    }


def compare(
    references: NDArray[np.int64],
    predictions: Mapping[str, NDArray[np.int64]],
    name: str,
    *,
    stratified: bool = False,
    **options: Any,
) -> Comparison:
    """Compare contenders by their predictions, int64, (seeds, rows) or (seeds, rows, labels)."""
    models = models_of(references, predictions, name)
    return statistics.compare(models, info_of(name), labels=references if stratified else None, **options)


def paired_difference(
    references: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64], name: str, **options: Any
) -> Difference:
    """Return the difference of two contenders."""
    models = models_of(references, {"first": first, "second": second}, name)
    return statistics.paired_difference(models["first"], models["second"], info_of(name), **options)


def crossing(
    references: NDArray[np.int64],
    first: Mapping[int, NDArray[np.int64]],
    second: Mapping[int, NDArray[np.int64]],
    name: str,
    **options: Any,
) -> Crossing | None:
    """Return where two curves cross."""
    curves = [models_of(references, curve, name) for curve in (first, second)]
    return crossing_of_models(*curves, info_of(name), labels=references, **options)


def joint_error(
    references: NDArray[np.int64], predictions: Mapping[str, NDArray[np.int64]], name: str, **options: Any
) -> JointError:
    """Return the joint error of the contenders' scores."""
    return statistics.joint_error(models_of(references, predictions, name), info_of(name), **options)


def turned(info: MetricInfo) -> MetricInfo:
    """Return the metric of which lower values are better: 1 minus it."""
    assert info.sums is not None
    sums = info.sums
    flipped = RowSums(
        sums.terms,
        lambda totals: 1 - sums.score(totals),
        None if (gradient := sums.gradient) is None else lambda totals: -gradient(totals),
        sums.support,
    )
    return replace(info, better="lower", sums=flipped)

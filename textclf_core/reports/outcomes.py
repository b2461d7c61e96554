"""The test rows as the statistics take them: models with their metric, and what counts as one draw."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.plugins import ActivePlugin, Catalogue
from textclf_core.plugins.calling import errors_of
from textclf_core.plugins.metrics import DescribedMetric, described_metrics, find_metric
from textclf_core.records.predictions import OWN_COLUMNS
from textclf_core.reports.recorded_plugins import recorded_plugins
from textclf_core.statistics import JackknifedModel, Model, SummedModel
from textclf_core.tasks import kind_of
from textclf_core.types.metric import MetricInfo, ScoredRows
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.records.schema import Record
    from textclf_core.reports.stored import ContenderRuns, StoredRun
    from textclf_core.tasks.entities import Mode


def described_by(run: StoredRun) -> dict[str, MetricInfo]:
    """Return the metrics that a run's plugins describe, by name."""
    own, catalogue = _metric_plugins(run)
    found = described_metrics(own, own, catalogue, run.record.data.task)
    return {one.info.name: one.info for one in found}


def metric_of(name: str | None, run: StoredRun) -> DescribedMetric:
    """Return the metric with a name for a run: of its own plugins with their options, or of any other.

    Args:
        name: the name; that of the default metric if ``None``.
        run: a stored run.

    Raises:
        UsageError: no plugin describes such a metric for the run's task.
    """
    own, catalogue = _metric_plugins(run)
    return find_metric(name, own.values(), catalogue, run.record.data.task)


def _metric_plugins(run: StoredRun) -> tuple[dict[str, ActivePlugin], Catalogue]:
    """Return a run's metric plugins that are installed, by name, and all that are available.

    One that isn't installed matters only if nobody else has the metric.
    """
    built, _, catalogue = recorded_plugins(plugin for plugin in run.record.plugins if "metric" in plugin.roles)
    return {plugin.name: plugin for plugin in built}, catalogue


def scored_rows(run: StoredRun, *, decided: bool = False) -> ScoredRows:
    """Return a run's test rows in the forms of ``textclf_compute_metrics``.

    Args:
        run: the run.
        decided: whether to leave out rows without an answer.

    Raises:
        UsageError: rows were left unanswered, and aren't left out.
    """
    names = run.decided_names if decided else run.names
    true, predicted = names("label"), names("prediction")
    table = run.test.filter(run.test["prediction"].is_valid()) if decided else run.test

    @cache
    def columns() -> Dataset:
        from datasets import Dataset

        return Dataset(table.select([name for name in table.column_names if name not in OWN_COLUMNS]).combine_chunks())

    return ScoredRows(
        run.kind.answers(true, true),
        run.kind.answers(true, predicted),
        run.kind.answer_scores(true, table["scores"]),
        columns,
    )


def models_of(contender: ContenderRuns, metric: DescribedMetric) -> tuple[Model, ...]:
    """Return a contender's trained models, one a seed, on the test rows."""
    return tuple(model_of(metric, scored_rows(run)) for run in contender.runs)


def model_of(metric: DescribedMetric, rows: ScoredRows) -> Model:
    """Return a model's answers as the statistics take them."""
    if metric.info.sums is None:
        return JackknifedModel(metric.compute, rows, by_labels=metric.by_labels)
    with errors_of(metric.plugin, f"the sums of {metric.info.name}"):
        return SummedModel(metric.info.sums, rows)


def labels_of(run: StoredRun) -> NDArray[np.int64] | None:
    """Return the label of each test row, int64, shape (rows,); ``None`` if a row has no single one."""
    true = run.names("label")
    labels = run.kind.answers(true, true)
    return labels if isinstance(labels, np.ndarray) and labels.ndim == 1 else None


def check_defined(metric: DescribedMetric, rows: ScoredRows, where: str) -> None:
    """Check that a metric has a value for right predictions of these rows, and may have unknown labels among them.

    Args:
        metric: the metric.
        rows: the rows, whose predictions and scores don't matter.
        where: the split and its source.

    Raises:
        UsageError: it has none, as the F1 of a label that no row has, or it must know all labels and some are unknown.
    """
    labels, number = rows.references, metric.task.num_labels
    if kind_of(metric.task).independent_labels and metric.plugin.needs.known_labels and (labels == NO_LABEL).any():
        raise UsageError(
            f"--metric {metric.info.name}: it must know of each text which labels it has, and entries of {where} are "
            "unknown. Compare by another metric, or leave out these rows or labels."
        )
    if np.isfinite(model_of(metric, replace(rows, predictions=labels, scores=_certain(labels, number))).score):
        return
    flat = kind_of(metric.task).flat(labels)
    counts = flat.sum(axis=0) if flat.ndim > 1 else np.bincount(flat, minlength=number)
    missing = [repr(name) for name, count in zip(metric.task.label_names, counts, strict=True) if not count]
    raise UsageError(
        f"--metric {metric.info.name}: it has no value on {where}, even if all predictions are right"
        f"{f', since no row has the label {missing[0]}' if missing else ''}. Compare by another metric, or add rows."
    )


def _certain(labels: Any, number: int) -> Any:
    """Return scores that are sure of the labels."""
    if isinstance(labels, list):
        return [np.eye(number, dtype=np.float32)[row] for row in labels]
    return labels.astype(np.float32) if labels.ndim > 1 else np.eye(number, dtype=np.float32)[labels]


def clusters_of(run: StoredRun, column: str | None) -> NDArray[np.int64]:
    """Return which test rows count as one draw, as ids, int64, shape (rows,): those with one text.

    Args:
        run: any run on the data.
        column: a column whose equal values are one draw, such as an author, and rows without a value one each; if
            ``None``, that of the data's groups, or else the texts.

    Raises:
        UsageError: the predictions don't have the column.
    """
    column = column or run.record.data.group_column
    if column is not None and column not in run.test.column_names:
        known = [name for name in run.test.column_names if name not in ("split", "label", "prediction", "scores")]
        raise UsageError(
            f"--cluster {column}: the runs' predictions have no such column.{did_you_mean(column, known)} The columns "
            f"are {', '.join(known)}."
        )
    names = run.record.data.text_columns if column is None else (column,)
    ids: dict[str, int] = {}
    # By their representation, since lists aren't hashable.
    rows = enumerate(zip(*(run.test[name].to_pylist() for name in names), strict=True))
    keys = (repr(number if row == (None,) else row) for number, row in rows)
    return np.array([ids.setdefault(key, len(ids)) for key in keys], dtype=np.int64)


def entity_mode(record: Record) -> Mode:
    """Return the option ``mode`` of the run's metrics: how they read tags in an order that the scheme doesn't allow."""
    modes = (plugin.options.get("mode") for plugin in record.plugins if "metric" in plugin.roles)
    return "strict" if "strict" in modes else "default"

"""What of each test row enters a comparison: its label and the predicted one, or how many entities were found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.data.entities import EntityCounts, Mode, Scheme, count_entities, scheme_of
from textclf_core.statistics.metrics import entity_outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.records.schema import Record
    from textclf_core.report.stored import Line, StoredRun
    from textclf_core.statistics import Metric


def references_of(run: StoredRun, metric: Metric) -> NDArray[np.int64]:
    """Return what a metric takes for the references of a run's test rows, int64, (rows,), or (rows, labels)."""
    if metric == "f1-entity":
        return np.asarray(_entity_counts(run)[2])
    if metric == "accuracy-words":
        return np.array([len(row) for row in run.test["label"].to_pylist()], dtype=np.int64)
    return run.label_ids("label")


def outcomes_of(line: Line, metric: Metric, seeds: Sequence[int]) -> NDArray[np.int64]:
    """Return what a metric takes for a contender's predictions, int64: for each seed the shape of the references."""
    runs = {run.record.seed: run for run in line.runs}
    if metric == "f1-entity":
        return np.stack([entity_outcomes(*_entity_counts(runs[seed])[:2]) for seed in seeds])
    if metric == "accuracy-words":
        return np.stack([_right_words(runs[seed]) for seed in seeds])
    return line.predictions(seeds)


def entity_scheme(record: Record) -> Scheme | None:
    """Return the scheme of a run's labels; ``None`` if they are no tags of entities."""
    return scheme_of(record.data.label_names) if record.data.task_kind == "tokens" else None


def entities_by_type(run: StoredRun) -> list[dict[str, EntityCounts]]:
    """Return the counts of each test row by type, as the run's own metric reads the tags."""
    scheme = entity_scheme(run.record)
    if scheme is None:
        return []
    rows = zip(run.test["label"].to_pylist(), run.test["prediction"].to_pylist(), strict=True)
    return [count_entities(true, predicted, scheme, entity_mode(run.record)) for true, predicted in rows]


def entity_mode(record: Record) -> Mode:
    """Return how the run's metrics read tags in an order that the scheme doesn't allow: their option ``mode``."""
    modes = (plugin.options.get("mode") for plugin in record.plugins if "metric" in plugin.roles)
    return "strict" if "strict" in modes else "default"


def _entity_counts(run: StoredRun) -> NDArray[np.int64]:
    """Return how many entities each row has that were found, predicted, and true: int64, (3, rows)."""
    totals = [sum(row.values(), EntityCounts()) for row in entities_by_type(run)]
    return np.array([[one.right, one.predicted, one.true] for one in totals], dtype=np.int64).reshape(-1, 3).T


def _right_words(run: StoredRun) -> NDArray[np.int64]:
    rows = zip(run.test["label"].to_pylist(), run.test["prediction"].to_pylist(), strict=True)
    counts = [sum(one == other for one, other in zip(true, found, strict=True)) for true, found in rows]
    return np.array(counts, dtype=np.int64)

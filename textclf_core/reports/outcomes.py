"""The test rows' references and predictions as the statistics take them: label ids, or counts of entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.records.schema import Record
    from textclf_core.reports.stored import ContenderRuns, StoredRun
    from textclf_core.statistics import Metric
    from textclf_core.tasks.entities import Mode


def references_of(run: StoredRun, metric: Metric) -> NDArray[np.int64]:
    """Return the references of a run's test rows for a metric, int64, shape (rows,) or (rows, labels)."""
    return run.kind.references(metric, run.names("label"), entity_mode(run.record))


def outcomes_of(contender: ContenderRuns, metric: Metric, seeds: Sequence[int]) -> NDArray[np.int64]:
    """Return a contender's predictions for a metric, int64, shape (seeds, *shape of the references)."""
    by_seed = {run.record.seed: run for run in contender.runs}
    runs = [by_seed[seed] for seed in seeds]
    return np.stack(
        [
            run.kind.outcomes(metric, run.names("label"), run.names("prediction"), entity_mode(run.record))
            for run in runs
        ]
    )


def entity_mode(record: Record) -> Mode:
    """Return the option ``mode`` of the run's metrics: how they read tags in an order that the scheme doesn't allow."""
    modes = (plugin.options.get("mode") for plugin in record.plugins if "metric" in plugin.roles)
    return "strict" if "strict" in modes else "default"

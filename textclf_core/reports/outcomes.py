"""What of each test row enters a comparison: its label and the predicted one, or how many entities were found in it."""

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
    """Return what a metric takes for the references of a run's test rows, int64, (rows,), or (rows, labels)."""
    return run.kind.references(metric, run.names("label"), entity_mode(run.record))


def outcomes_of(line: ContenderRuns, metric: Metric, seeds: Sequence[int]) -> NDArray[np.int64]:
    """Return what a metric takes for a contender's predictions, int64: for each seed the shape of the references."""
    by_seed = {run.record.seed: run for run in line.runs}
    runs = [by_seed[seed] for seed in seeds]
    return np.stack(
        [
            run.kind.outcomes(metric, run.names("label"), run.names("prediction"), entity_mode(run.record))
            for run in runs
        ]
    )


def entity_mode(record: Record) -> Mode:
    """Return how the run's metrics read tags in an order that the scheme doesn't allow: their option ``mode``."""
    modes = (plugin.options.get("mode") for plugin in record.plugins if "metric" in plugin.roles)
    return "strict" if "strict" in modes else "default"

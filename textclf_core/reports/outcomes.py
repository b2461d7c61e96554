"""The test rows' references and predictions as the statistics take them: label ids, or counts of entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.records.schema import Record
    from textclf_core.reports.stored import ContenderRuns, StoredRun
    from textclf_core.statistics import Metric
    from textclf_core.tasks.entities import Mode


def references_of(run: StoredRun, metric: Metric) -> NDArray[np.int64]:
    """Return the references of a run's test rows for a metric, int64, shape (rows,) or (rows, labels)."""
    return run.kind.references(metric, run.names("label"), entity_mode(run.record))


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

"""Predictions of a run, one row an example, stored so that reports and statistics need nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from textclf_core.errors import RunError
from textclf_core.records import PREDICTIONS_FILE

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.task import Task


@dataclass(frozen=True)
class Predictions:
    """A split and the classifier's scores for it: float32, (rows, labels)."""

    data: Dataset
    scores: NDArray[np.float32]

    @property
    def references(self) -> NDArray[np.int64]:
        """The true label ids, int64, (rows,)."""
        return np.asarray(self.data["label"], dtype=np.int64)

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The labels with the highest score, int64, (rows,)."""
        return np.asarray(self.scores.argmax(axis=-1), dtype=np.int64)


def write_predictions(predictions: dict[str, Predictions], task: Task, directory: Path) -> None:
    """Write ``predictions.parquet``.

    Columns: ``split``, ``id`` (the row in its split, from 0), the split's own columns, ``label`` and ``prediction``
    (names), ``scores`` (list of float32, in the order of the label names). A column of the data whose name is one of
    these is left out.

    Raises:
        RunError: the scores aren't probabilities for every row.
    """
    tables = []
    names = pa.array(task.label_names)
    for name, split in predictions.items():
        expected = (len(split.data), task.num_labels)
        if split.scores.shape != expected or not np.isfinite(split.scores).all():
            raise RunError(
                f"the classifier's scores for {name} must be finite and of shape {expected}, got {split.scores.shape}."
            )
        columns = {
            "split": pa.array([name] * len(split.data)),
            "id": pa.array(np.arange(len(split.data), dtype=np.int64)),
            "label": names.take(pa.array(split.references)),
            "prediction": names.take(pa.array(split.predictions)),
            "scores": pa.array(list(split.scores.astype(np.float32)), type=pa.list_(pa.float32())),
        }
        own = {key: value for key, value in _columns(split.data).items() if key not in columns}
        tables.append(pa.table(columns | own))
    pq.write_table(pa.concat_tables(tables, promote_options="default"), directory / PREDICTIONS_FILE)


def read_predictions(directory: Path) -> pa.Table:
    """Return the predictions of the run in ``directory``."""
    return pq.read_table(directory / PREDICTIONS_FILE)


def _columns(data: Dataset) -> dict[str, pa.ChunkedArray]:
    table = data.with_format("arrow")[:]
    return {name: table.column(name) for name in table.column_names}

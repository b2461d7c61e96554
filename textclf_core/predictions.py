"""Predictions of a run, one row an example, stored so that reports and statistics need nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from textclf_core.errors import RunError
from textclf_core.postprocessing import NO_ANSWER
from textclf_core.records import PREDICTIONS_FILE

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.task import Task


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of a split.

    Attributes:
        data: the rows.
        scores: float32, (rows, labels).
        predictions: the label ids chosen, int64, (rows,); -1 for rows that it leaves unanswered.
    """

    data: Dataset
    scores: NDArray[np.float32]
    predictions: NDArray[np.int64]

    @property
    def references(self) -> NDArray[np.int64]:
        """The true label ids, int64, (rows,)."""
        return np.asarray(self.data["label"], dtype=np.int64)

    @property
    def coverage(self) -> float:
        """The share of the rows that are answered."""
        return float((self.predictions != NO_ANSWER).mean())

    def answered(self) -> Predictions:
        """Return the rows that are answered."""
        rows = np.flatnonzero(self.predictions != NO_ANSWER)
        return Predictions(self.data.select(rows), self.scores[rows], self.predictions[rows])


def check_scores(scores: NDArray[np.float32], rows: int, task: Task, split: str) -> None:
    """Refuse what can't be the scores of a split.

    Raises:
        RunError: they aren't finite numbers for each row and label.
    """
    expected = (rows, task.num_labels)
    if scores.shape != expected or not np.isfinite(scores).all():
        raise RunError(
            f"the classifier's scores for {split} must be finite and of shape {expected}, got {scores.shape}."
        )


def write_predictions(predictions: dict[str, Predictions], task: Task, directory: Path) -> None:
    """Write ``predictions.parquet``.

    Columns: ``split``, ``id`` (the row in its split, from 0), the split's own columns, ``label`` and ``prediction``
    (names; no prediction where a row was left unanswered), ``scores`` (list of float32, in the order of the label
    names). A column of the data whose name is one of these is left out.

    Raises:
        RunError: the scores aren't probabilities for every row.
    """
    tables = []
    names = pa.array(task.label_names)
    for name, split in predictions.items():
        check_scores(split.scores, len(split.data), task, name)
        columns = {
            "split": pa.array([name] * len(split.data)),
            "id": pa.array(np.arange(len(split.data), dtype=np.int64)),
            "label": names.take(pa.array(split.references)),
            "prediction": names.take(pa.array(split.predictions, mask=split.predictions == NO_ANSWER)),
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

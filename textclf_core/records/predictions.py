"""Predictions of a run, one row an example, stored so that reports and statistics need nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from textclf_core.errors import RunError
from textclf_core.records.schema import PREDICTIONS_FILE
from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.classifier import Labels, Scores
    from textclf_core.types.task import Task


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of a split.

    Attributes:
        data: the rows.
        scores: float32, (rows, labels); in a task of tokens a list of arrays, one a row, (words, labels).
        predictions: the label ids chosen, int64, (rows,); -1 for rows that it leaves undecided. In a multi-label task
            zeros and ones, (rows, labels); in one of tokens a list, (words,).
        task: the labels.
    """

    data: Dataset
    scores: Scores
    predictions: Labels
    task: Task

    @classmethod
    def invented(cls, task: Task) -> Predictions:
        """Return one right prediction of each label, with a score of 1."""
        from datasets import Dataset

        column, scores, labels = kind_of(task).invented(
            range(task.num_labels), np.eye(task.num_labels, dtype=np.float32)
        )
        return cls(Dataset.from_dict({"label": column}), scores, labels, task)

    @property
    def references(self) -> Labels:
        """The true label ids, int64, in the shape of the predictions."""
        labels: Labels = kind_of(self.task).label_array(self.data["label"][:])
        return labels

    @property
    def coverage(self) -> float:
        """The share of the rows that are decided; words, and rows that may have several labels or none, all are."""
        return float(kind_of(self.task).decided(self.predictions).mean())

    def decided(self) -> Predictions:
        """Return the rows that are decided."""
        decided = kind_of(self.task).decided(self.predictions)
        if decided.all():
            return self
        rows = np.flatnonzero(decided)
        scores, predictions = np.asarray(self.scores), np.asarray(self.predictions)
        return Predictions(self.data.select(rows), scores[rows], predictions[rows], self.task)


def check_scores(scores: Scores, data: Dataset, task: Task, split: str, trainer: str = "the trainer") -> None:
    """Refuse what can't be the scores of a split.

    Args:
        scores: what a classifier gave.
        data: the rows of the split.
        task: the labels.
        split: its name.
        trainer: what made the classifier, for the error.

    Raises:
        RunError: they aren't finite numbers for each row, or each word, and label.
    """
    problem = f"the scores that the classifier of {trainer} gave for {split}"
    if fault := kind_of(task).scores_fault(scores, data):
        raise RunError(f"{problem} {fault}")
    for word, found in (("NaN", np.isnan), ("infinite", np.isinf)):
        if rows := sum(bool(found(row).any()) for row in scores):
            raise RunError(f"{problem} are {word} in {rows} of {len(data)} rows.")


def write_predictions(predictions: dict[str, Predictions], directory: Path) -> None:
    """Write ``predictions.parquet``.

    Columns: ``split``, ``id`` (the row in its split, from 0), the split's own columns, ``label`` and ``prediction``
    (names; no prediction where a row was left undecided), ``scores`` (list of float32, in the order of the label
    names). A column of the data whose name is one of these is left out. In a multi-label task ``label`` and
    ``prediction`` are lists of names. In a task of tokens, the three hold such a value for each word, in a list, and
    ``spans`` holds the predicted entities where the labels are tags of such: ``start`` and ``end`` (words, from 0, the
    end not included), ``type`` and ``score`` (mean of its words').

    Raises:
        RunError: the scores aren't probabilities for every row.
    """
    tables = []
    for name, split in predictions.items():
        check_scores(split.scores, split.data, split.task, name)
        columns = {
            "split": pa.array([name] * len(split.data)),
            "id": pa.array(np.arange(len(split.data), dtype=np.int64)),
            **kind_of(split.task).prediction_columns(split.references, split.predictions, split.scores),
        }
        tables.append(_with_own(columns, split.data))
    pq.write_table(pa.concat_tables(tables, promote_options="default"), directory / PREDICTIONS_FILE)


def read_predictions(directory: Path) -> pa.Table:
    """Return the predictions of the run in ``directory``."""
    return pq.read_table(directory / PREDICTIONS_FILE)


def _with_own(columns: dict[str, pa.Array], data: Dataset) -> pa.Table:
    own = {key: value for key, value in _columns(data).items() if key not in columns}
    return pa.table(columns | own)


def _columns(data: Dataset) -> dict[str, pa.ChunkedArray]:
    table = data.with_format("arrow")[:]
    return {name: table.column(name) for name in table.column_names}

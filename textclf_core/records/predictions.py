"""The stored predictions of a run, one row per example, with everything that reports and statistics need."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from textclf_core.errors import RunError
from textclf_core.records.schema import PREDICTIONS_FILE
from textclf_core.tasks import kind_of
from textclf_core.types.metric import ScoredRows

OWN_COLUMNS = ("split", "id", "label", "prediction", "scores", "spans")
"""The columns of stored predictions that aren't those of the data."""

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.classifier import Labels, Scores
    from textclf_core.types.task import Task


@dataclass(frozen=True)
class Predictions:
    """A classifier's scores and predictions for a split.

    Attributes:
        data: the rows.
        scores: float32, shape (rows, labels); in a token task a list of arrays, one per row, shape (words, labels).
        predictions: the chosen label ids, int64, shape (rows,); -1 for unanswered rows. In a multi-label task zeros and
            ones, shape (rows, labels); in a token task a list of arrays, shape (words,).
        task: the labels.
    """

    data: Dataset
    scores: Scores
    predictions: Labels
    task: Task

    @classmethod
    def invented(cls, task: Task, data: Dataset) -> Predictions:
        """Return made-up predictions, one correct row per label with a score of 1, beside the columns of ``data``."""
        column, scores, labels = kind_of(task).invented(
            range(task.num_labels), np.eye(task.num_labels, dtype=np.float32)
        )
        rows = data.select(np.arange(len(column)) % len(data)).remove_columns("label")
        return cls(rows.add_column("label", column), scores, labels, task)

    @property
    def references(self) -> Labels:
        """The true label ids, int64, of the same shape as the predictions; ``NO_LABEL`` where one is unknown."""
        labels: Labels = kind_of(self.task).label_array(self.data["label"][:])
        return labels

    @property
    def scored_rows(self) -> ScoredRows:
        """The rows with a decision, in the forms of ``textclf_compute_metrics``."""
        split = self.decided()
        kind, labels = kind_of(self.task), split.references
        references, predictions, scores = (
            kind.scored(labels, given) for given in (labels, split.predictions, split.scores)
        )
        own = [name for name in split.data.column_names if name in OWN_COLUMNS]
        return ScoredRows(references, predictions, scores, lambda: split.data.remove_columns(own))

    @property
    def coverage(self) -> float:
        """The share of rows with a decision; 1 in token and multi-label tasks, where every row has one."""
        return float(kind_of(self.task).decided(self.predictions).mean())

    def decided(self) -> Predictions:
        """Return the rows with a decision."""
        decided = kind_of(self.task).decided(self.predictions)
        if decided.all():
            return self
        rows = np.flatnonzero(decided)
        scores, predictions = np.asarray(self.scores), np.asarray(self.predictions)
        return Predictions(self.data.select(rows), scores[rows], predictions[rows], self.task)


def check_scores(scores: Scores, data: Dataset, task: Task, split: str, trainer: str = "the trainer") -> None:
    """Check a classifier's scores for a split.

    Args:
        scores: the scores that the classifier returned.
        data: the rows of the split.
        task: the labels.
        split: the name of the split.
        trainer: the trainer of the classifier, for the error message.

    Raises:
        RunError: the scores aren't finite numbers for each row (or word) and label.
    """
    problem = f"the scores that the classifier of {trainer} returned for {split}"
    if fault := kind_of(task).scores_fault(scores, data):
        raise RunError(f"{problem} {fault}")
    for word, found in (("NaN", np.isnan), ("infinite", np.isinf)):
        if rows := sum(bool(found(row).any()) for row in scores):
            raise RunError(f"{problem} are {word} in {rows} of {len(data)} rows.")


def write_predictions(predictions: dict[str, Predictions], directory: Path) -> None:
    """Write ``predictions.parquet``.

    Columns: ``split``, ``id`` (the row's number in its split, from 0), ``label`` and ``prediction`` (names; null for an
    unanswered row), ``scores`` (list of float32, in the order of the label names), and the columns of the data, except
    those with one of these names. In a multi-label task ``label`` and ``prediction`` are lists of names, and if it is
    unknown whether some rows have a label, ``unknown_labels`` holds the names of these labels. In a token
    task, the three columns hold a list with a value for each word, and if the labels are entity tags, ``spans`` holds
    the predicted entities: ``start`` and ``end`` (words, from 0, end excluded), ``type`` and ``score`` (the mean score
    of the words).

    Raises:
        RunError: the scores aren't probabilities for every row.
    """
    columns = {}
    for name, split in predictions.items():
        check_scores(split.scores, split.data, split.task, name)
        columns[name] = {
            "split": pa.array([name] * len(split.data)),
            "id": pa.array(np.arange(len(split.data), dtype=np.int64)),
            **kind_of(split.task).prediction_columns(split.references, split.predictions, split.scores),
        }
    taken = set().union(*columns.values())
    tables = [_with_own(columns[name], split.data, taken) for name, split in predictions.items()]
    pq.write_table(pa.concat_tables(tables, promote_options="default"), directory / PREDICTIONS_FILE)


def read_predictions(directory: Path) -> pa.Table:
    """Return the stored predictions of the run in ``directory``."""
    return pq.read_table(directory / PREDICTIONS_FILE)


def _with_own(columns: dict[str, pa.Array], data: Dataset, taken: Collection[str]) -> pa.Table:
    own = {key: value for key, value in _columns(data).items() if key not in taken}
    return pa.table(columns | own)


def _columns(data: Dataset) -> dict[str, pa.ChunkedArray]:
    table = data.with_format("arrow")[:]
    return {name: table.column(name) for name in table.column_names}

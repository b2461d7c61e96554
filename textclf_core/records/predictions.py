"""Predictions of a run, one row an example, stored so that reports and statistics need nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from textclf_core.data.entities import Scheme, scheme_of, spans_of
from textclf_core.errors import RunError
from textclf_core.records.schema import PREDICTIONS_FILE
from textclf_core.types.indicators import indicators, names_of_sets
from textclf_core.types.postprocessing import NO_ANSWER

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.types.classifier import Labels, Scores
    from textclf_core.types.task import Task

_NAMES = pa.list_(pa.string())
_SPANS = pa.list_(
    pa.struct([("start", pa.int64()), ("end", pa.int64()), ("type", pa.string()), ("score", pa.float64())])
)


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of a split.

    Attributes:
        data: the rows.
        scores: float32, (rows, labels); in a task of tokens a list of arrays, one a row, (words, labels).
        predictions: the label ids chosen, int64, (rows,); -1 for rows that it leaves unanswered. In a multi-label task
            zeros and ones, (rows, labels); in one of tokens a list, (words,).
    """

    data: Dataset
    scores: Scores
    predictions: Labels

    @property
    def references(self) -> NDArray[np.int64] | list[NDArray[np.int64]]:
        """The true label ids, int64, in the shape of the predictions."""
        if isinstance(self.scores, list):
            return [np.asarray(row, dtype=np.int64) for row in self.data["label"][:]]
        if self.of_sets:
            return indicators(self.data["label"][:], self.scores.shape[1])
        return np.asarray(self.data["label"], dtype=np.int64)

    @property
    def of_sets(self) -> bool:
        """Whether a row may have several labels."""
        return not isinstance(self.predictions, list) and self.predictions.ndim > 1

    @property
    def coverage(self) -> float:
        """The share of the rows that are answered; words, and rows that may have several labels or none, all are."""
        if isinstance(self.predictions, list) or self.of_sets:
            return 1.0
        return float((self.predictions != NO_ANSWER).mean())

    def answered(self) -> Predictions:
        """Return the rows that are answered."""
        if isinstance(self.scores, list) or isinstance(self.predictions, list) or self.of_sets:
            return self
        rows = np.flatnonzero(self.predictions != NO_ANSWER)
        return Predictions(self.data.select(rows), self.scores[rows], self.predictions[rows])


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
    said = f"the scores that the classifier of {trainer} gave for {split}"
    if isinstance(scores, list) and task.kind == "tokens":
        wanted = f"a float32 array of shape (words, {task.num_labels}) for each of {len(data)} rows"
        if len(scores) != len(data):
            raise RunError(f"{said} must be {wanted}, not {len(scores)} of them.")
        for number, (row, labels) in enumerate(zip(scores, data["label"][:], strict=True), 1):
            if came := _other_than(row, (len(labels), task.num_labels)):
                raise RunError(f"{said} must be {wanted}, but that of row {number} is {came}.")
    else:
        expected = (len(data), task.num_labels)
        if came := _other_than(scores, expected):
            raise RunError(f"{said} must be a float32 array of shape {expected}, not {came}.")
    for word, found in (("NaN", np.isnan), ("infinite", np.isinf)):
        if rows := sum(bool(found(row).any()) for row in scores):
            raise RunError(f"{said} are {word} in {rows} of {len(data)} rows.")


def _other_than(scores: object, shape: tuple[int, int]) -> str | None:
    """Return in words what isn't an array of decimal numbers of this shape; ``None`` where it is."""
    if not isinstance(scores, np.ndarray):
        return f"a {type(scores).__name__}"
    if scores.shape != shape or not np.issubdtype(scores.dtype, np.floating):
        return f"one of {scores.dtype} of shape {scores.shape}"
    return None


def write_predictions(predictions: dict[str, Predictions], task: Task, directory: Path) -> None:
    """Write ``predictions.parquet``.

    Columns: ``split``, ``id`` (the row in its split, from 0), the split's own columns, ``label`` and ``prediction``
    (names; no prediction where a row was left unanswered), ``scores`` (list of float32, in the order of the label
    names). A column of the data whose name is one of these is left out. In a multi-label task ``label`` and
    ``prediction`` are lists of names. In a task of tokens, the three hold such a value for each word, in a list, and
    ``spans`` holds the predicted entities where the labels are tags of such: ``start`` and ``end`` (words, from 0, the
    end not included), ``type`` and ``score`` (mean of its words').

    Raises:
        RunError: the scores aren't probabilities for every row.
    """
    tables = []
    for name, split in predictions.items():
        check_scores(split.scores, split.data, task, name)
        if isinstance(split.scores, list):
            tables.append(_with_own(_columns_of_words(name, split.scores, split, task), split.data))
            continue
        columns = {
            "split": pa.array([name] * len(split.data)),
            "id": pa.array(np.arange(len(split.data), dtype=np.int64)),
            "label": _named(np.asarray(split.references), task),
            "prediction": _named(np.asarray(split.predictions), task),
            "scores": pa.array(list(split.scores.astype(np.float32)), type=pa.list_(pa.float32())),
        }
        tables.append(_with_own(columns, split.data))
    pq.write_table(pa.concat_tables(tables, promote_options="default"), directory / PREDICTIONS_FILE)


def _named(labels: NDArray[np.int64], task: Task) -> pa.Array:
    """Return the names of label ids, (rows,), or of zeros and ones, (rows, labels)."""
    if labels.ndim > 1:
        return pa.array(names_of_sets(labels, task.label_names), _NAMES)
    return pa.array(task.label_names).take(pa.array(labels, mask=labels == NO_ANSWER))


def _columns_of_words(
    name: str, scores: list[NDArray[np.float32]], split: Predictions, task: Task
) -> dict[str, pa.Array]:
    predicted = [[task.label_names[label] for label in row] for row in split.predictions]
    columns = {
        "split": pa.array([name] * len(scores)),
        "id": pa.array(np.arange(len(scores), dtype=np.int64)),
        "label": pa.array([[task.label_names[label] for label in row] for row in split.references], _NAMES),
        "prediction": pa.array(predicted, _NAMES),
        "scores": pa.array([row.tolist() for row in scores], pa.list_(pa.list_(pa.float32()))),
    }
    if scheme := scheme_of(task.label_names):
        spans = [scored_spans(tags, row, scheme) for tags, row in zip(predicted, scores, strict=True)]
        columns["spans"] = pa.array([[asdict(span) for span in row] for row in spans], _SPANS)
    return columns


@dataclass(frozen=True)
class ScoredSpan:
    """A predicted entity: words ``start`` to ``end`` - 1, its type, and the mean of its words' scores."""

    start: int
    end: int
    type: str
    score: float


def scored_spans(tags: Sequence[str], scores: NDArray[np.float32], scheme: Scheme) -> list[ScoredSpan]:
    """Return the entities in a sentence's predicted tags, each with its score.

    Args:
        tags: the predicted tag of each word.
        scores: float32, (words, labels).
        scheme: of the tags.
    """
    best = scores.max(axis=1) if len(scores) else scores
    return [
        ScoredSpan(span.start, span.end, span.type, float(best[span.start : span.end].mean()))
        for span in spans_of(tags, scheme)
    ]


def read_predictions(directory: Path) -> pa.Table:
    """Return the predictions of the run in ``directory``."""
    return pq.read_table(directory / PREDICTIONS_FILE)


def _with_own(columns: dict[str, pa.Array], data: Dataset) -> pa.Table:
    own = {key: value for key, value in _columns(data).items() if key not in columns}
    return pa.table(columns | own)


def _columns(data: Dataset) -> dict[str, pa.ChunkedArray]:
    table = data.with_format("arrow")[:]
    return {name: table.column(name) for name in table.column_names}

"""Scoring rows as they come, with a trained classifier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from textclf_core.errors import DataError, UsageError
from textclf_core.postprocessing import NO_ANSWER, answers_of

if TYPE_CHECKING:
    from textclf_core.classifier import Classifier
    from textclf_core.task import Task

# Rows read before the first is scored: enough to make batches of similar length, little enough to stream.
CHUNK_ROWS = 512


def score_rows(
    classifier: Classifier, task: Task, rows: Iterable[dict[str, Any]], text: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield each row with its ``prediction`` (a label name) and its ``score`` (that label's probability), in order.

    Where the classifier gives no answer, ``prediction`` is ``None`` and ``score`` is the highest of the row. Rows are
    read in chunks of 512, so a stream of any length takes the same memory.

    Args:
        classifier: a trained classifier.
        task: its task.
        rows: values by column name.
        text: the column that holds the text; ``text``, or the only column, if not given.

    Raises:
        UsageError: the rows have no such column.
        DataError: a text is missing.
    """
    from datasets import Dataset

    [own_name] = task.text_columns
    iterator = iter(rows)
    done = 0
    column = text
    while chunk := list(islice(iterator, CHUNK_ROWS)):
        column = column or _text_column(chunk[0], own_name)
        texts = []
        for number, row in enumerate(chunk, done + 1):
            if not isinstance(row.get(column), str):
                if column not in row:
                    raise UsageError(
                        f"row {number}: there is no column {column!r}; it has {', '.join(row)}. Use --text."
                    )
                raise DataError(f"row {number}: {column!r} holds {row[column]!r}, not a text.")
            texts.append(row[column])
        answers = answers_of(classifier, Dataset.from_dict({own_name: texts}))
        for row, label, label_scores in zip(chunk, answers.labels, answers.scores, strict=True):
            answered = label != NO_ANSWER
            yield {
                **row,
                "prediction": task.label_names[label] if answered else None,
                "score": round(float(label_scores[label] if answered else label_scores.max()), 6),
            }
        done += len(chunk)


def _text_column(row: dict[str, Any], own_name: str) -> str:
    if own_name in row:
        return own_name
    if len(row) == 1:
        return next(iter(row))
    raise UsageError(f"which column holds the text? The rows have {', '.join(row)}. Use --text COLUMN.")

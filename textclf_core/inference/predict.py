"""Scoring a stream of rows with a trained classifier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from textclf_core.errors import DataError, UsageError
from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from textclf_core.inference.store import Engine
    from textclf_core.plugins import Catalogue
    from textclf_core.tasks.kind import TaskKind
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task

# Rows read before the first is scored: enough for batches of similar length, few enough for streaming.
CHUNK_ROWS = 512


def open_classifier(
    run: Path, catalogue: Catalogue, *, device: str = "auto", engine: Engine = "torch"
) -> tuple[Classifier, Task]:
    """Load the classifier of a run onto a device; return it with its task.

    Args:
        run: the run directory, or a folder that ``textclf export`` wrote.
        catalogue: the available plugins, which must include the one that loads it.
        device: a torch device, or ``auto``, which is the CPU for the ONNX engines.
        engine: the engine that computes the scores.

    Raises:
        TextclfError: as for :func:`~textclf_core.inference.store.load_classifier`, or the device doesn't exist.
    """
    from textclf_core.inference.store import load_classifier
    from textclf_core.system.environment import resolve_device

    place = "cpu" if engine != "torch" and device == "auto" else resolve_device(device)
    return load_classifier(run, catalogue, place, engine)


def score_rows(
    classifier: Classifier, task: Task, rows: Iterable[dict[str, Any]], text: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield each row, in order, with its ``prediction`` (a label name) and ``score`` (that label's probability).

    For an unanswered row, ``prediction`` is ``None`` and ``score`` is the row's highest score.

    In a multi-label task, rows get ``labels`` instead: a list of dicts with ``label`` and ``score``, the highest score
    first. The list of a text without labels is empty.

    In a token task, a text is a list of words or is split into words at white space, and rows get ``entities`` instead:
    a list of dicts, in the order of the text, with ``text``, ``type``, ``start`` and ``end`` (characters of the text,
    from 0, end excluded; a list of words counts as joined by blanks) and ``score`` (the mean probability of the
    entity's words). If the labels aren't entity tags, rows get ``labels``, one per word.

    Rows are read in chunks of 512, so the memory doesn't depend on the length of the stream.

    Args:
        classifier: a trained classifier.
        task: its task.
        rows: values by column name.
        text: the text column; if not given, the column with its name in training, the column ``text``, or the only
            column. For a model with several text columns, a comma-separated list in the order of training; their names
            in training if not given.

    Raises:
        UsageError: a column doesn't exist, or the number of named columns isn't the number that the model reads.
        DataError: a text is missing.
    """
    iterator = iter(rows)
    done = 0
    columns: tuple[str, ...] = ()
    kind = kind_of(task)
    while chunk := list(islice(iterator, CHUNK_ROWS)):
        columns = columns or _text_columns(chunk[0], task, text)
        for number, row in enumerate(chunk, done + 1):
            _check_texts(row, columns, number, kind)
        texts = {own: [row[name] for row in chunk] for own, name in zip(task.text_columns, columns, strict=True)}
        yield from kind.predicted(classifier, chunk, texts)
        done += len(chunk)


def named_texts(texts: Sequence[str] | str, task: Task) -> dict[str, str]:
    """Return a row's texts by the names of the task's text columns.

    Raises:
        UsageError: their number isn't that of the text columns.
    """
    columns = task.text_columns
    if isinstance(texts, str) or len(texts) != len(columns):
        raise UsageError(f"the model reads {len(columns)} texts per row ({', '.join(columns)}), but got {texts!r}.")
    return dict(zip(columns, texts, strict=True))


def _check_texts(row: dict[str, Any], columns: Sequence[str], number: int, kind: TaskKind) -> None:
    for column in columns:
        if column not in row:
            raise UsageError(f"row {number}: there is no column {column!r}, only {', '.join(row)}. Use --text.")
        if not kind.can_be_predicted(row[column]):
            raise DataError(f"row {number}: {column!r} holds {row[column]!r}, not a text.")


def _text_columns(row: dict[str, Any], task: Task, text: str | None) -> tuple[str, ...]:
    """Return a row's columns with the texts of the task's text columns, in the task's order."""
    from textclf_core.data.infer_columns import column_names

    own = task.text_columns
    given = column_names(text, list(row))
    if given and len(given) != len(own):
        wanted = f"{len(own)} text columns ({', '.join(own)})" if len(own) > 1 else "one text column"
        raise UsageError(f"the model reads {wanted}, but --text {text} names {len(given)}.")
    if given:
        return given
    if len(own) > 1:
        if missing := [name for name in own if name not in row]:
            raise UsageError(
                f"the model reads the columns {', '.join(own)}, but the rows have no {' and no '.join(missing)}, only "
                f"{', '.join(row)}. Name the columns in that order: --text {','.join('COLUMN' for _ in own)}."
            )
        return own
    for name in (*own, "text"):
        if name in row:
            return (name,)
    if len(row) == 1:
        return (next(iter(row)),)
    raise UsageError(f"can't infer the text column; the rows have {', '.join(row)}. Use --text COLUMN.")

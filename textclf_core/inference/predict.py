"""Scoring rows as they come, with a trained classifier."""

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

# Rows read before the first is scored: enough to make batches of similar length, little enough to stream.
CHUNK_ROWS = 512


def open_classifier(
    run: Path, catalogue: Catalogue, *, device: str = "auto", engine: Engine = "torch"
) -> tuple[Classifier, Task]:
    """Return the classifier of the run in ``run``, ready to score on a device, and its task.

    Args:
        run: the run's directory, or a folder that ``textclf export`` wrote.
        catalogue: has the plugin that loads it.
        device: a torch device, or ``auto``, which is the CPU for the engines of ONNX.
        engine: what is to compute the scores.

    Raises:
        TextclfError: as :func:`~textclf_core.inference.store.load_classifier` does, or there is no such device.
    """
    from textclf_core.inference.store import load_classifier
    from textclf_core.system.environment import resolve_device

    place = "cpu" if engine != "torch" and device == "auto" else resolve_device(device)
    return load_classifier(run, catalogue, place, engine)


def score_rows(
    classifier: Classifier, task: Task, rows: Iterable[dict[str, Any]], text: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield each row with its ``prediction`` (a label name) and its ``score`` (that label's probability), in order.

    Where the classifier gives no answer, ``prediction`` is ``None`` and ``score`` is the highest of the row.

    In a multi-label task a row gets instead its ``labels``, a list of dicts, the highest score first: ``label`` and
    ``score``. The list of a text without labels is empty.

    In a task of tokens a text is split into words at white space, or comes as a list of words, and a row gets instead
    its ``entities``, a list of dicts in the order of the text: ``text``, ``type``, ``start`` and ``end`` (characters of
    the text, from 0, the end not included; words that come as a list count as joined by a blank) and ``score`` (the
    mean of its words' probabilities). Where the labels are no tags of entities it gets ``labels``, one a word.

    Rows are read in chunks of 512, so a stream of any length takes the same memory.

    Args:
        classifier: a trained classifier.
        task: its task.
        rows: values by column name.
        text: the column that holds the text; its name in training, ``text``, or the only column, if not given. Where
            the model reads several, as many names with commas between, in the order of training; their names in
            training, if not given.

    Raises:
        UsageError: the rows have no such column, or another number of columns is named than the model reads.
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
    """Return a row's texts under the names of the task's text columns.

    Raises:
        UsageError: there are more or fewer.
    """
    columns = task.text_columns
    if isinstance(texts, str) or len(texts) != len(columns):
        raise UsageError(f"the model reads {len(columns)} texts a row ({', '.join(columns)}), not {texts!r}.")
    return dict(zip(columns, texts, strict=True))


def _check_texts(row: dict[str, Any], columns: Sequence[str], number: int, kind: TaskKind) -> None:
    for column in columns:
        if column not in row:
            raise UsageError(f"row {number}: there is no column {column!r}; it has {', '.join(row)}. Use --text.")
        if not kind.can_be_predicted(row[column]):
            raise DataError(f"row {number}: {column!r} holds {row[column]!r}, not a text.")


def _text_columns(row: dict[str, Any], task: Task, text: str | None) -> tuple[str, ...]:
    """Return the columns of a row that hold the texts of the task's columns, in their order."""
    from textclf_core.data.infer_columns import column_names

    own = task.text_columns
    given = column_names(text, list(row))
    if given and len(given) != len(own):
        wanted = f"{len(own)} columns ({', '.join(own)})" if len(own) > 1 else "one column of texts"
        raise UsageError(f"the model reads {wanted}, and --text {text} names {len(given)}.")
    if given:
        return given
    if len(own) > 1:
        if missing := [name for name in own if name not in row]:
            raise UsageError(
                f"the model reads the columns {', '.join(own)}, and the rows have no {' and no '.join(missing)}, only "
                f"{', '.join(row)}. Use --text {','.join('COLUMN' for _ in own)}, in that order."
            )
        return own
    for name in (*own, "text"):
        if name in row:
            return (name,)
    if len(row) == 1:
        return (next(iter(row)),)
    raise UsageError(f"which column holds the text? The rows have {', '.join(row)}. Use --text COLUMN.")

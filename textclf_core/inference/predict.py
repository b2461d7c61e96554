"""Scoring a stream of rows with a trained classifier."""

from __future__ import annotations

import logging
import math
import reprlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from textclf_core.data.label_forms import list_in_text
from textclf_core.data.read_options import SEPARATORS
from textclf_core.errors import DataError, UsageError, did_you_mean
from textclf_core.inference.checked_scores import checked
from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from textclf_core.data.guessed_columns import Columns
    from textclf_core.tasks.kind import TaskKind
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

# Rows read before the first is scored: enough for batches of similar length, few enough for streaming.
CHUNK_ROWS = 512


def score_rows(
    classifier: Classifier,
    task: Task,
    rows: Iterable[Mapping[str, Any]],
    text: Columns = None,
    columns: Iterable[str] = (),
    where: str = "",
) -> Iterator[dict[str, Any]]:
    """Yield each row, in order, with its ``prediction`` (a label name) and ``score`` (that label's probability).

    For an unanswered row, ``prediction`` is ``None`` and ``score`` is the row's highest score.

    In a multi-label task, rows get ``labels`` instead: a list of dicts with ``label`` and ``score``, the highest score
    first. The list of a text without labels is empty.

    In a token task, a text is a list of words or is split into words at white space, and rows get ``entities`` instead:
    a list of dicts, in the order of the text, with ``text``, ``type``, ``start`` and ``end`` (characters of the text,
    from 0, end excluded; a list of words counts as joined by blanks) and ``score`` (the mean probability of the
    entity's words). If the labels aren't entity tags, rows get ``labels``, one per word.

    A row's own column with one of these names is kept, and the prediction's is named ``model_score`` and so on, which
    is logged. A missing text is an empty one; their number is logged at the end, and that of texts that are longer than
    the classifier reads.

    Rows are read in chunks of 512, so the memory doesn't depend on the length of the stream.

    Args:
        classifier: a trained classifier.
        task: its task.
        rows: values by column name.
        text: the text column; if not given, the column with its name in training, the column ``text``, or the only
            column. For a model with several text columns, all of them in the order of training; their names
            in training if not given.
        columns: the names of columns, as far as they are known before the rows are read.
        where: where the rows come from, for error messages.

    Raises:
        UsageError: a column doesn't exist, or the number of named columns isn't the number that the model reads.
        DataError: a cell isn't a text.
        RunError: a score isn't a number.
    """
    iterator = iter(rows)
    known = tuple(columns)
    read = text_columns(known, task, text) if known else ()
    names: Mapping[str, str] = {}
    done = missing = parsed = 0
    kind = kind_of(task)
    of_words = _takes_words(kind)
    classifier, scoring = checked(classifier, task)
    while chunk := list(islice(iterator, CHUNK_ROWS)):
        before, known = known, tuple(dict.fromkeys(chain(known, *chunk)))
        read = read or text_columns(known, task, text)
        if not names or known != before:
            names = predicted_names(task, known)
            for name in names.keys() - names.values():
                logger.info("the rows have a column %r, which is kept; the model's is %r", name, names[name])
        cells = [[_cell(row.get(name)) for row in chunk] for name in read]
        if of_words:
            given, cells = cells, [[_words_as_text(cell) for cell in column] for column in cells]
            parsed += sum(one is not other for one, other in zip(given[0], cells[0], strict=True))
        missing += sum(any(cell is None for cell in row) for row in zip(*cells, strict=True))
        texts = {
            own: [_readable(kind, cell, name, where, number) for number, cell in enumerate(column, done + 1)]
            for own, name, column in zip(task.text_columns, read, cells, strict=True)
        }
        for row, predicted in zip(chunk, kind.predicted(classifier, texts), strict=True):
            yield {**row, **{names[name]: value for name, value in predicted.items()}}
        done += len(chunk)
    scoring.log_truncated()
    if parsed:
        logger.info("%d of %d texts are lists of words written as text; they are read as these words", parsed, done)
    if missing:
        of_columns = ", ".join(map(repr, read))
        logger.info("%d of %d rows have no text (%s); they are scored as empty texts", missing, done, of_columns)


def predicted_names(task: Task, columns: Collection[str]) -> dict[str, str]:
    """Return the names under which predictions are added to rows with these columns, which keep their own names."""
    names = {}
    for name in kind_of(task).predicted_types:
        free = name
        while free in columns:
            free = f"model_{free}"
        names[name] = free
    return names


def text_columns(columns: Sequence[str], task: Task, text: Columns) -> tuple[str, ...]:
    """Return the columns with the texts of the task's text columns, in the task's order.

    Raises:
        UsageError: they can't be inferred, or those that ``text`` names don't exist.
    """
    from textclf_core.data.guessed_columns import column_names

    own = task.text_columns
    there = ", ".join(columns)
    given = column_names(text, columns)
    if given and len(given) != len(own):
        wanted = f"{len(own)} text columns ({', '.join(own)})" if len(own) > 1 else "one text column"
        raise UsageError(
            f"the model reads {wanted}, but --text {','.join(given)} (in Python: text=) names {len(given)}."
        )
    if (absent := next((name for name in given if name not in columns), None)) is not None:
        raise UsageError(
            f"there is no column {absent!r}, only {there}. Name another by --text (in Python: text=)."
            f"{did_you_mean(absent, columns)}"
        )
    if given:
        return given
    if len(own) > 1:
        if missing := [name for name in own if name not in columns]:
            raise UsageError(
                f"the model reads the columns {', '.join(own)}, but the rows have no {' and no '.join(missing)}, only "
                f"{there}. Name the columns in that order: --text {','.join('COLUMN' for _ in own)} (in Python: text=)."
            )
        return own
    for name in (*own, "text"):
        if name in columns:
            return (name,)
    if len(columns) != 1:
        raise UsageError(
            f"can't infer the text column; the rows have {there}. Use --text COLUMN (in Python: text=COLUMN)."
        )
    [only] = columns
    if any(separator in only for separator in SEPARATORS.values()):
        raise UsageError(
            f"can't infer the text column: the rows have one column, {only!r}, which looks like several. Name the "
            "separator (--separator) or the column (--text); if there is no header: --header none --columns text."
        )
    logger.info("the texts are in the only column, %r (a file without a header: --header none --columns text)", only)
    return (only,)


def _cell(value: object) -> object:
    """Return a cell, or ``None`` if it is missing."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _takes_words(kind: TaskKind) -> bool:
    """Return whether a text may be a list of words."""
    return kind.readable([]) is not None


def _words_as_text(cell: object) -> object:
    """Return the words of a list that is written as text, as in CSV; any other cell as it is."""
    if not isinstance(cell, str) or not cell.lstrip().startswith("["):
        return cell
    found = list_in_text(cell.strip())
    return found if found and all(word is None or isinstance(word, str) for word in found) else cell


def _readable(kind: TaskKind, value: object, column: str, where: str, number: int) -> Any:
    text = kind.readable(value)
    if text is None:
        wanted = "a text or a list of words" if _takes_words(kind) else "a text"
        what = f"{reprlib.repr(value)}, which is of type {type(value).__name__}, not {wanted}"
        place = f"{where}, row {number}" if where else f"row {number}"
        raise DataError(f"{place}: the column {column!r} holds {what}.")
    return text

"""Scoring the rows of a file or stream, and writing them with their predictions."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from textclf_core.data.arrow_columns import column_types
from textclf_core.data.other_tables import JSON_BEGIN
from textclf_core.data.read_options import SEPARATORS, ReadOptions
from textclf_core.data.reading import Format, Table, open_table
from textclf_core.errors import shortened
from textclf_core.inference.predict import predicted_names, score_rows, text_columns
from textclf_core.inference.written_rows import write_json_lines, write_parquet, write_separated
from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")


@dataclass(frozen=True)
class Input:
    """The rows to score.

    Attributes:
        source: a file or a binary stream.
        format: its format.
        options: how it is written.
        repeatable: whether it can be read from its start again.
    """

    source: Path | BinaryIO
    format: Format
    options: ReadOptions
    repeatable: bool

    @property
    def where(self) -> str:
        """The name of the source, for error messages."""
        return str(self.source) if isinstance(self.source, Path) else "standard input"

    def open(self) -> Table:
        """Open the file, or the stream at its start if it is repeatable."""
        if self.repeatable and not isinstance(self.source, Path):
            self.source.seek(0)
        return open_table(self.source, self.format, self.options)


def score_input(
    classifier: Classifier, task: Task, given: Input, output: Path | IO[str], format: str, text: str | None = None
) -> None:
    """Write the rows of the input, in order, with their predictions.

    All columns are known before the first row is written, so JSON is read twice, and a stream of it is copied into a
    temporary file. Only JSON from a stream to a stream is written as it comes, since each row has its own keys there. A
    file is written beside its place and then renamed, so an older one is replaced only by a whole new one.

    Args:
        classifier: a trained classifier.
        task: its task.
        given: the rows.
        output: the file or stream to write.
        format: the format of the output: csv, tsv, jsonl, or, for a file, parquet.
        text: the text column; see :func:`~textclf_core.inference.predict.score_rows`.

    Raises:
        TextclfError: the input can't be read (:func:`~textclf_core.data.reading.iter_rows`) or scored (``score_rows``).
    """
    if not isinstance(output, Path):
        _write(classifier, task, given, output, format, text)
        return
    with _repeatable(given) as again, _replacing(output) as partial:
        if format == "parquet":
            _write(classifier, task, again, partial, format, text)
            return
        with partial.open("w", encoding="utf-8", newline="") as stream:
            _write(classifier, task, again, stream, format, text)


def _write(
    classifier: Classifier, task: Task, given: Input, output: Path | IO[str], format: str, text: str | None
) -> None:
    table = given.open()
    types = table.types
    if types is None and given.repeatable:
        types = column_types(row for _, row in table.rows)
        table = given.open()
    rows: Iterator[dict[str, Any]] = (row for _, row in table.rows)
    if given.format == "text":
        rows = _lines_checked(rows, task, given.where)
    if types is None and not isinstance(output, Path):
        write_json_lines(score_rows(classifier, task, rows, text, where=given.where), output)
        return
    import pyarrow as pa

    types = types or dict.fromkeys(task.text_columns, pa.string())  # there are no rows
    names = predicted_names(task, types)
    written = {**types, **{names[name]: type for name, type in kind_of(task).predicted_types.items()}}
    scored = score_rows(classifier, task, rows, text_columns(tuple(types), task, text), types, given.where)
    if isinstance(output, Path):
        write_parquet(scored, written, output)
    elif format == "jsonl":
        write_json_lines(scored, output)
    else:
        write_separated(scored, written, output, "," if format == "csv" else "\t")


def _lines_checked(rows: Iterator[dict[str, Any]], task: Task, where: str) -> Iterator[dict[str, Any]]:
    """Yield lines of text, with a warning if the first looks like that of another format."""
    for first in rows:
        line = first["text"]
        cells = {cell.strip(' "\ufeff') for separator in SEPARATORS.values() for cell in line.split(separator)}
        format = "jsonl" if JSON_BEGIN.match(line) else "csv" if cells & {"text", *task.text_columns} else None
        if format:
            what = "JSON" if format == "jsonl" else "a header"
            logger.warning(
                "%s: the first line, %s, looks like %s, but each line is scored as a text; --format %s reads a table",
                where,
                shortened(line),
                what,
                format,
            )
        elif line.split()[1:] and line.split()[-1] in task.label_names and kind_of(task).readable([]) is not None:
            logger.warning(
                "%s: the first line, %s, looks like a word and its tag, but each line is scored as a text; "
                "--format jsonl reads the words of a text as a list",
                where,
                shortened(line),
            )
        yield first
        break
    yield from rows


@contextmanager
def _repeatable(given: Input) -> Iterator[Input]:
    """Yield the input; a stream of JSON is copied into a temporary file."""
    if given.repeatable or isinstance(given.source, Path) or given.format != "jsonl":
        yield given
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(given.source, copy)
        yield replace(given, source=copy, repeatable=True)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a file that takes the place of ``path`` when the block ends without an error."""
    place = path.resolve()
    partial = place.with_name(f".{place.name}.{os.getpid()}.partial")
    try:
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        partial.touch()  # nothing is scored if the folder can't be written
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None
    try:
        yield partial
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)

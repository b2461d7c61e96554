"""Files of labelled texts, read row by row: CSV, TSV, JSON lines, Parquet, plain text.

Nothing is guessed about a value: in CSV and TSV "NA", "null" and "01" are the text that they are.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from textclf_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from textclf_core.data.infer_columns import Source

Format = Literal["csv", "tsv", "jsonl", "parquet", "text"]
FORMAT_OF_SUFFIX: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".txt": "text",
}
"""The format of a file, by the end of its name in lower case."""

# Documents longer than the csv module's limit of 131,072 characters are texts like any other.
LONGEST_FIELD = 2**31 - 1


def format_of(path: Path) -> Format:
    """Return the format that the end of a file's name tells.

    Raises:
        DataError: the end of the name tells none.
    """
    if path.suffix.lower() not in FORMAT_OF_SUFFIX:
        raise DataError(f"{path}: the name must end in {', '.join(FORMAT_OF_SUFFIX)} to tell what is in the file")
    return FORMAT_OF_SUFFIX[path.suffix.lower()]


def iter_rows(source: Path | BinaryIO, format: Format | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file or a stream one by one, in order, reading no further than asked (Parquet: all at once).

    Args:
        source: a file, or a binary stream such as ``sys.stdin.buffer``.
        format: how it is written. A file's name tells; a stream needs it said, and can't be Parquet. In ``text``
            every line is a row with the one column ``text``.

    Yields:
        The row's values by column; strings in CSV, TSV and text.

    Raises:
        DataError: with file and line, where the file isn't UTF-8, a row has too few or too many fields, a quote
            stays open, a line isn't a JSON object, or there is no such file.
    """
    for _, row in numbered_rows(source, format):
        yield row


def numbered_rows(source: Path | BinaryIO, format: Format | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield what :func:`iter_rows` does, each row after the number of the line where it starts, counted from 1."""
    if not isinstance(source, Path):
        if format is None or format == "parquet":
            raise DataError(f"standard input is read as csv, tsv, jsonl or text, not {format}: say which it is")
        yield from _rows(source, format, "standard input")
        return
    format = format or format_of(source)
    if not source.is_file():
        raise DataError(f"{source}: there is no such file")
    if format == "parquet":
        batches = _parquet(source).to_batches()
        yield from enumerate((row for batch in batches for row in batch.to_pylist()), 1)
        return
    with source.open("rb") as stream:
        yield from _rows(stream, format, str(source))


def read_file(path: Path) -> Source:
    """Read a whole file into memory.

    Raises:
        DataError: as in :func:`iter_rows`, or the file has no rows.
    """
    from datasets import Dataset

    from textclf_core.data.infer_columns import Source

    lines: tuple[int, ...]
    if format_of(path) == "parquet":
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
        table, lines = _parquet(path), ()
    else:
        numbered = list(numbered_rows(path))
        table, lines = table_of([row for _, row in numbered]), tuple(line for line, _ in numbered)
    if not table.num_rows:
        raise DataError(f"{path}: the file has no rows")
    return Source(Dataset(table), str(path), lines)


def table_of(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as an Arrow table. A key that a row lacks is null there."""
    import pyarrow as pa

    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: arrow_column([row.get(name) for row in rows]) for name in names})


def arrow_column(values: Sequence[Any]) -> pa.Array:
    """Return values as one Arrow column. NaN is null; values of several types and objects become JSON text.

    Lists stay lists where they hold texts, or integers, alone (words and their tags); else they become JSON text too.
    """
    import numpy as np
    import pyarrow as pa

    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    plain = [None if isinstance(value, float) and math.isnan(value) else value for value in plain]
    types = {type(value) for value in plain if value is not None}
    too_long = types == {int} and any(value is not None and not -(2**63) <= value < 2**63 for value in plain)
    if len(types) <= 1 and types <= {str, bool, int, float} and not too_long:
        return pa.array(plain, type=None if types else pa.string())
    lists = [value.tolist() if isinstance(value, np.ndarray) else value for value in plain]
    if any(lists) and all(value is None or isinstance(value, list | tuple) for value in lists):
        inner = {type(item) for value in lists for item in value or () if item is not None}
        if inner in ({str}, {int}):
            return pa.array(lists, pa.list_(pa.string() if inner == {str} else pa.int64()))
    return pa.array(
        [value if value is None or isinstance(value, str) else json.dumps(value, default=str) for value in plain],
        type=pa.string(),
    )


def _rows(stream: BinaryIO, format: Format, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = _decoded(stream, where)
    if format == "text":
        yield from ((number, {"text": line.rstrip("\r\n")}) for number, line in enumerate(lines, 1))
    elif format == "jsonl":
        yield from _json_rows(lines, where)
    else:
        yield from _separated_rows(lines, "," if format == "csv" else "\t", where)


def _decoded(stream: BinaryIO, where: str) -> Iterator[str]:
    """Yield the lines with their ends. Only a line feed ends one, since a text may hold U+0085 or U+2028."""
    for number, line in enumerate(stream, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = f"byte 0x{line[error.start]:02x} at place {error.start + 1}"
            raise DataError(f"{where}, line {number}: not UTF-8 ({byte}); save the file as UTF-8") from None


def _separated_rows(lines: Iterable[str], delimiter: str, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    start = 1
    try:
        for fields in _with_long_fields(reader):
            if header is None and fields:
                header = fields
                twice = sorted({name for name in header if header.count(name) > 1})
                if twice:
                    raise DataError(f"{where}, line {start}: the column {twice[0]!r} stands in the header twice")
            elif header is not None and len(fields) == len(header):
                yield start, dict(zip(header, fields, strict=True))
            elif header is not None and fields:  # a blank line between rows is no row
                raise DataError(
                    f"{where}, line {start}: {_fields(len(fields))}, but the header has {_fields(len(header))} "
                    f"({', '.join(header)}); a field that holds the separator or a line break needs quotes"
                )
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{where}, line {start}: the row that starts here can't be read: {error}") from None
    if header is None:
        raise DataError(f"{where}: the file is empty; a header with the names of the columns was wanted")


def _with_long_fields(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the rows of a reader; while it reads one, and no longer, the process takes fields as long as ours."""
    while True:
        limit = csv.field_size_limit(LONGEST_FIELD)
        try:
            fields = next(reader)
        except StopIteration:
            return
        finally:
            csv.field_size_limit(limit)
        yield fields


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _json_rows(lines: Iterable[str], where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{where}, line {number}: not JSON ({error.msg} at place {error.colno}); one object a line was wanted"
            ) from None
        if not isinstance(row, dict):
            raise DataError(f"{where}, line {number}: a JSON {type(row).__name__}; one object a line was wanted")
        yield number, row


def _parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A ParquetFile, since read_table takes `key=value` folders in the path for columns.
        return pq.ParquetFile(path).read()
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a Parquet file ({error})") from None

"""Reading files of labelled texts row by row: CSV, TSV, JSON, Parquet, Excel, plain text.

Values aren't interpreted: in CSV and TSV, "NA", "null" and "01" are ordinary text.
"""

from __future__ import annotations

import bz2
import gzip
import io
import logging
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar, cast

from textclf_core.data.decoding import decoded_lines
from textclf_core.data.excel import excel_rows
from textclf_core.data.json_rows import json_document, json_lines
from textclf_core.data.raw_rows import ALONE
from textclf_core.data.read_options import ReadOptions
from textclf_core.data.separated import SeparatedTable
from textclf_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from textclf_core.data.source import Source

Format = Literal["csv", "tsv", "json", "jsonl", "parquet", "xlsx", "text"]
FORMAT_OF_SUFFIX: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".txt": "text",
}
"""The format of a file by the suffix of its name, in lower case."""

_ROWS_AT_ONCE = 20_000

# The options that matter to a format; those of separated tables are not listed, since all do.
_USABLE: Mapping[Format, tuple[str, ...]] = {
    "json": ("encoding",),
    "jsonl": ("encoding",),
    "text": ("encoding",),
    "parquet": (),
    "xlsx": ("header", "columns"),
}
_T = TypeVar("_T")

logger = logging.getLogger("textclf")

COMPRESSED = (".gz", ".bz2", ".zst", ".zip")
"""The suffixes of compressed files, which follow that of the format."""


def format_of(path: Path) -> Format:
    """Return the format of a file by the suffix of its name, ignoring that of a compressed file.

    If the name of an archive has no other suffix, that of the one file in it counts.

    Raises:
        DataError: the suffix isn't a known one, or there is no such file.
    """
    plain = plain_name(path)
    if path.suffix.lower() == ".zip" and plain.suffix.lower() not in FORMAT_OF_SUFFIX and path.is_file():
        with _decompressed(path), zipfile.ZipFile(path) as archive:
            plain = Path(_only_member(archive, path))
    if plain.suffix.lower() not in FORMAT_OF_SUFFIX:
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder")
        raise DataError(f"{path}: unknown format; the file's name must end in {', '.join(FORMAT_OF_SUFFIX)}")
    return FORMAT_OF_SUFFIX[plain.suffix.lower()]


def plain_name(path: Path) -> Path:
    """Return a file's path without the suffix of its compression."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSED else path


def iter_rows(
    source: Path | BinaryIO, format: Format | None = None, options: ReadOptions | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file or stream, in order, reading on demand.

    Parquet, ``.json`` and ``.xlsx`` files are read as a whole. A tab-separated file may be read twice, to find out
    whether its cells are quoted.

    Args:
        source: a file, or a binary stream such as ``sys.stdin.buffer``.
        format: the format; by default that of the file's name. A stream needs it, and can't be Parquet or Excel.
            With ``text`` every line is a row with the single column ``text``.
        options: the encoding, separator, quoting and header, if they must not be detected.

    Yields:
        The row's values by column; strings in CSV, TSV and text.

    Raises:
        DataError: names file and line: the file doesn't exist or isn't valid in its encoding, a row has too few or too
            many fields, a quote isn't closed or spans several rows, or a line isn't a JSON object.
    """
    for _, row in open_table(source, format, options).rows:
        yield row


@dataclass(frozen=True)
class Table:
    """A table that is read on demand.

    Attributes:
        types: the columns with the types of their values; ``None`` for JSON and Excel, where each value has its own.
        rows: each row, with the number, from 1, of the line where it starts.
        batches: the same rows, many at once: the numbers of their lines, and their cells by column; ``None`` if the
            format has none. Either ``rows`` or ``batches`` can be read.
    """

    types: Mapping[str, pa.DataType] | None
    rows: Iterator[tuple[int, dict[str, Any]]]
    batches: Iterator[tuple[Sequence[int], Mapping[str, Sequence[str]]]] | None = None


def open_table(source: Path | BinaryIO, format: Format | None = None, options: ReadOptions | None = None) -> Table:
    """Open a file or stream as :func:`iter_rows` does, and read its header.

    An option without an effect on the format is logged.

    Raises:
        DataError: as in :func:`iter_rows`.
    """
    options = options or ReadOptions()
    _warn_of_options(options, format or (format_of(source) if isinstance(source, Path) else None), source)
    if not isinstance(source, Path):
        if format is None or format in ("parquet", "json", "xlsx"):
            raise DataError(f"standard input can be read as csv, tsv, jsonl or text, not {format}; name its format")
        return _table(source, None, format, options, "standard input")
    format = format or format_of(source)
    if not source.is_file():
        raise DataError(f"{source}: there is no such file")
    if format == "parquet":
        table = _parquet(source)
        rows = (row for batch in table.to_batches() for row in batch.to_pylist())
        return Table({field.name: field.type for field in table.schema}, enumerate(rows, 1))
    with ExitStack() as stack:
        found = _table(stack.enter_context(_opened(source)), source, format, options, str(source))
        opened = stack.pop_all()
        batches = None if found.batches is None else _until_read(found.batches, opened)
        return Table(found.types, _until_read(found.rows, opened), batches)


def _warn_of_options(options: ReadOptions, format: Format | None, source: Path | BinaryIO) -> None:
    if format in _USABLE and (unused := options.without_effect(_USABLE[format])):
        where = source if isinstance(source, Path) else "standard input"
        logger.warning("%s: without effect on the format %s: %s", where, format, ", ".join(unused))


def _until_read(values: Iterator[_T], stack: ExitStack) -> Iterator[_T]:
    with stack:
        yield from values


def read_file(path: Path, options: ReadOptions | None = None) -> Source:
    """Read a whole file into memory.

    Raises:
        DataError: as in :func:`iter_rows`, or the file has no rows.
    """
    from datasets import Dataset
    from datasets.fingerprint import generate_random_fingerprint

    from textclf_core.data.arrow_columns import OddValue, check_types, table_of
    from textclf_core.data.source import Source

    lines: Sequence[int] = ()
    odd: dict[str, OddValue] = {}
    if format_of(path) == "parquet":
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
        table = _parquet(path)
        check_types(table, str(path))
    elif format_of(path) in ("csv", "tsv", "text"):
        table, lines = _table_of_texts(open_table(path, options=options))
    else:
        numbered = list(open_table(path, options=options).rows)
        table, odd = table_of([row for _, row in numbered])
        lines = tuple(line for line, _ in numbered)
    if not table.num_rows:
        raise DataError(f"{path}: the file has no rows")
    # By default, the fingerprint is a hash of all rows.
    return Source(Dataset(table, fingerprint=generate_random_fingerprint()), str(path), lines, odd)


def _table_of_texts(opened: Table) -> tuple[pa.Table, Sequence[int]]:
    """Return rows of texts as an Arrow table, and the line of each, without all rows being Python values at once."""
    import pyarrow as pa

    from textclf_core.data.arrow_columns import texts_column

    lines = array("q")
    tables = []
    for starts, columns in opened.batches or _batches(opened.rows):
        if starts:
            lines.extend(starts)
            tables.append(pa.table({name: texts_column(values) for name, values in columns.items()}))
    return pa.concat_tables(tables) if tables else pa.table({}), lines


def _batches(numbered: Iterator[tuple[int, dict[str, str]]]) -> Iterator[tuple[list[int], dict[str, list[str]]]]:
    while rows := list(islice(numbered, _ROWS_AT_ONCE)):
        yield [line for line, _ in rows], {name: [row[name] for _, row in rows] for name in rows[0][1]}


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, decompressing it if necessary."""
    suffix = path.suffix.lower()
    with _decompressed(path):
        if suffix == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(archive, path)) as stream:
                yield cast(BinaryIO, stream)
        elif suffix == ".zst":
            import pyarrow as pa

            with closing(pa.input_stream(str(path), compression="zstd")) as stream:
                yield cast(BinaryIO, io.BytesIO(stream.read()))
        else:
            opener: Any = {".gz": gzip.open, ".bz2": bz2.open}.get(suffix, open)
            with opener(path, "rb") as stream:
                yield stream


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
    if len(names) != 1:
        raise DataError(f"{path}: the archive has {len(names)} files; expected one")
    return names[0]


@contextmanager
def _decompressed(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:  # the last: it is encrypted
        if path.suffix.lower() not in COMPRESSED:
            raise
        raise DataError(f"{path}: the file can't be decompressed: {error}") from None


def _table(stream: BinaryIO, path: Path | None, format: Format, options: ReadOptions, where: str) -> Table:
    import pyarrow as pa

    if format == "xlsx":
        return Table(None, excel_rows(stream, options, where))
    lines = decoded_lines(stream, where, options, on_demand=path is None)
    if format == "text":
        return Table({"text": pa.string()}, _texts(lines))
    if format == "jsonl":
        return Table(None, json_lines(lines, where))
    if format == "json":
        return Table(None, json_document(lines, where))

    def reopen(path: Path) -> Iterator[str]:
        with _opened(path) as again:
            yield from decoded_lines(again, where, options)

    again = None if path is None else lambda: reopen(path)
    table = SeparatedTable(again, lines, "," if format == "csv" else "\t", options, where)
    return Table(dict.fromkeys(table.columns, pa.string()), table.rows(), table.batches())


def _texts(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line as a text; a lone carriage return ends a line if it does so in the first one."""
    first = next(lines, "")
    alone = bool(ALONE.search(first))
    pieces = (piece for line in chain([first], lines) for piece in (ALONE.split(line) if alone else (line,)) if piece)
    for number, line in enumerate(pieces, 1):
        yield number, {"text": line.rstrip("\r\n")}


def _parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from textclf_core.data.arrow_columns import plain_table

    try:
        # A ParquetFile, since read_table treats `key=value` folders in the path as columns.
        table = plain_table(pq.ParquetFile(path, page_checksum_verification=True).read())
        table.validate(full=True)  # that texts are UTF-8
        return table
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file ({error})") from None

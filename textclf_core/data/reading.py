"""Reading files of labelled texts row by row: CSV, TSV, JSON, Parquet, Excel, plain text.

Values aren't interpreted: in CSV and TSV, "NA", "null" and "01" are ordinary text.
"""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar, cast

from textclf_core.data.decoding import decoded_lines
from textclf_core.data.excel import excel_rows
from textclf_core.data.json_rows import json_document, json_lines
from textclf_core.data.separated import ReadOptions, SeparatedTable
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

_OF_TABLES: tuple[Format, ...] = ("csv", "tsv")
_USED_BY: Mapping[str, tuple[Format, ...]] = {
    "encoding": ("csv", "tsv", "json", "jsonl", "text"),
    "separator": _OF_TABLES,
    "quoting": _OF_TABLES,
    "header": (*_OF_TABLES, "xlsx"),
}
"""The formats on which an option of how files are written has an effect."""

_ROWS_AT_ONCE = 20_000
_T = TypeVar("_T")

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


def unused_option(options: ReadOptions, formats: Mapping[str, Format]) -> str | None:
    """Return the fault of an option that has no effect on any of some files; ``None`` if there is none.

    Args:
        options: how the files are written.
        formats: the format of each file, by its name.
    """
    given = {
        "encoding": options.encoding,
        "separator": options.separator,
        "quoting": options.quoting,
        "header": None if options.header else "none",
    }
    for option, value in given.items():
        if value is not None and formats and not set(formats.values()) & set(_USED_BY[option]):
            where, format = next(iter(formats.items()))
            usual = "files of text" if option == "encoding" else "CSV and TSV"
            usual += " (and Excel)" if option == "header" else ""
            return f"{option}={value} has no effect on {where} ({format}); it is for {usual}. Leave it out"
    return None


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

    Raises:
        DataError: as in :func:`iter_rows`.
    """
    options = options or ReadOptions()
    if not isinstance(source, Path):
        if format is None or format in ("parquet", "json", "xlsx"):
            raise DataError(f"standard input can be read as csv, tsv, jsonl or text, not {format}; name its format")
        return _table(source, None, format, options, "standard input")
    format = format or format_of(source)
    if not source.is_file():
        raise DataError(f"{source}: there is no such file or folder")
    if format == "parquet":
        table = _parquet(source)
        rows = (row for batch in table.to_batches() for row in batch.to_pylist())
        return Table({field.name: field.type for field in table.schema}, enumerate(rows, 1))
    with ExitStack() as stack:
        found = _table(stack.enter_context(_opened(source)), source, format, options, str(source))
        opened = stack.pop_all()
        batches = None if found.batches is None else _until_read(found.batches, opened)
        return Table(found.types, _until_read(found.rows, opened), batches)


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
            raise DataError(f"{path}: there is no such file or folder")
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
    return Source(
        Dataset(table, fingerprint=generate_random_fingerprint()), str(path), lines, odd, format=format_of(path)
    )


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
    names = [name for name in names if not PurePosixPath(name).name.startswith(".")]
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
    lines = decoded_lines(stream, where, options.encoding, on_demand=path is None)
    if format == "text":
        rows = ((number, {"text": line.rstrip("\r\n")}) for number, line in enumerate(lines, 1))
        return Table({"text": pa.string()}, rows)
    if format == "jsonl":
        return Table(None, json_lines(lines, where))
    if format == "json":
        return Table(None, json_document(lines, where))

    def reopen(path: Path) -> Iterator[str]:
        with _opened(path) as again:
            yield from decoded_lines(again, where, options.encoding)

    again = None if path is None else lambda: reopen(path)
    table = SeparatedTable(again, lines, "," if format == "csv" else "\t", options, where)
    return Table(dict.fromkeys(table.columns, pa.string()), table.rows(), table.batches())


def _parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from textclf_core.data.arrow_columns import check_names, plain_table

    try:
        with _opened(path) as stream:
            source = io.BytesIO(stream.read()) if path.suffix.lower() in COMPRESSED else path
            # A ParquetFile, since read_table treats `key=value` folders in the path as columns.
            table = pq.ParquetFile(source, page_checksum_verification=True).read()
        check_names(table, str(path))
        table = plain_table(table)
        table.validate(full=True)  # that texts are UTF-8
        return table
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a Parquet file ({error})") from None

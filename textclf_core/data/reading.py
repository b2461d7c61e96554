"""Files of labelled texts, read row by row: CSV, TSV, JSON, Parquet, plain text.

Nothing is guessed about a value: in CSV and TSV "NA", "null" and "01" are the text that they are.
"""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from textclf_core.data.decoding import decoded_lines
from textclf_core.data.json_rows import json_document, json_lines
from textclf_core.data.separated import ReadOptions, separated_rows
from textclf_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from textclf_core.data.source import Source

Format = Literal["csv", "tsv", "json", "jsonl", "parquet", "text"]
FORMAT_OF_SUFFIX: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".txt": "text",
}
"""The format of a file, by the end of its name in lower case."""

COMPRESSED = (".gz", ".bz2", ".zst", ".zip")
"""What may follow that end."""


def format_of(path: Path) -> Format:
    """Return the format that the end of a file's name tells, after that of a compressed file.

    Raises:
        DataError: the end of the name tells none.
    """
    plain = plain_name(path)
    if plain.suffix.lower() not in FORMAT_OF_SUFFIX:
        raise DataError(f"{path}: the name must end in {', '.join(FORMAT_OF_SUFFIX)} to tell what is in the file")
    return FORMAT_OF_SUFFIX[plain.suffix.lower()]


def plain_name(path: Path) -> Path:
    """Return a file's path without the end that says how the file is compressed."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSED else path


def iter_rows(
    source: Path | BinaryIO, format: Format | None = None, options: ReadOptions | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file or a stream one by one, in order, reading no further than asked.

    Parquet and a ``.json`` file are read at once. A file with tabs is read a first time where it has to be seen whether
    its cells stand in quotes.

    Args:
        source: a file, or a binary stream such as ``sys.stdin.buffer``.
        format: how it is written. A file's name tells; a stream needs it said, and can't be Parquet. In ``text``
            every line is a row with the one column ``text``.
        options: what the name and the header don't tell.

    Yields:
        The row's values by column; strings in CSV, TSV and text.

    Raises:
        DataError: with file and line, where the file isn't of its encoding, a row has too few or too many fields, a
            quote stays open or swallows rows, a line isn't a JSON object, or there is no such file.
    """
    for _, row in numbered_rows(source, format, options):
        yield row


def numbered_rows(
    source: Path | BinaryIO, format: Format | None = None, options: ReadOptions | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield what :func:`iter_rows` does, each row after the number of the line where it starts, counted from 1."""
    options = options or ReadOptions()
    if not isinstance(source, Path):
        if format is None or format in ("parquet", "json"):
            raise DataError(f"standard input is read as csv, tsv, jsonl or text, not {format}: say which it is")
        yield from _rows(source, None, format, options, "standard input")
        return
    format = format or format_of(source)
    if not source.is_file():
        raise DataError(f"{source}: there is no such file")
    if format == "parquet":
        batches = _parquet(source).to_batches()
        yield from enumerate((row for batch in batches for row in batch.to_pylist()), 1)
        return
    with _opened(source) as stream:
        yield from _rows(stream, source, format, options, str(source))


def read_file(path: Path, options: ReadOptions | None = None) -> Source:
    """Read a whole file into memory.

    Raises:
        DataError: as in :func:`iter_rows`, or the file has no rows.
    """
    from datasets import Dataset

    from textclf_core.data.arrow_columns import OddValue, table_of
    from textclf_core.data.source import Source

    lines: tuple[int, ...] = ()
    odd: dict[str, OddValue] = {}
    if format_of(path) == "parquet":
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
        table = _parquet(path)
    else:
        numbered = list(numbered_rows(path, options=options))
        table, odd = table_of([row for _, row in numbered])
        lines = tuple(line for line, _ in numbered)
    if not table.num_rows:
        raise DataError(f"{path}: the file has no rows")
    return Source(Dataset(table), str(path), lines, odd)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, the one inside if it is compressed."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
                if len(names) != 1:
                    raise DataError(f"{path}: {len(names)} files are in it; one was wanted")
                with archive.open(names[0]) as stream:
                    yield cast(BinaryIO, stream)
        elif suffix == ".zst":
            import pyarrow as pa

            with closing(pa.input_stream(str(path), compression="zstd")) as stream:
                yield cast(BinaryIO, io.BytesIO(stream.read()))
        else:
            opener: Any = {".gz": gzip.open, ".bz2": bz2.open}.get(suffix, open)
            with opener(path, "rb") as stream:
                yield stream
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, OSError) as error:
        if suffix not in COMPRESSED:
            raise
        raise DataError(f"{path}: can't be decompressed: {error}") from None


def _rows(
    stream: BinaryIO, path: Path | None, format: Format, options: ReadOptions, where: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = decoded_lines(stream, where, options.encoding)
    if format == "text":
        yield from ((number, {"text": line.rstrip("\r\n")}) for number, line in enumerate(lines, 1))
    elif format == "jsonl":
        yield from json_lines(lines, where)
    elif format == "json":
        yield from json_document(lines, where)
    else:

        def reopen(path: Path) -> Iterator[str]:
            with _opened(path) as again:
                yield from decoded_lines(again, where, options.encoding)

        again = None if path is None else lambda: reopen(path)
        yield from separated_rows(again, lines, "," if format == "csv" else "\t", options, where)


def _parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A ParquetFile, since read_table takes `key=value` folders in the path for columns.
        return pq.ParquetFile(path).read()
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a Parquet file ({error})") from None

"""Reading CSV and TSV files, as people and programs write them."""

from __future__ import annotations

import codecs
import csv
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from textclf_core.errors import DataError, shortened

logger = logging.getLogger("textclf")

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""Separators by names that need no quotes in a shell."""

Quoting = Literal["none", "double", "backslash"]

# Texts may be longer than the csv module's default limit of 131,072 characters.
LONGEST_FIELD = 2**31 - 1

_MOST_VALUES = 50  # a column with more different values isn't a label column
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """The format of a text file, as far as it shall not be detected from its name and header.

    Attributes:
        encoding: see :func:`~textclf_core.data.decoding.decoded_lines`.
        separator: the separator of cells: a name in :data:`SEPARATORS`, or the character.
        quoting: ``none``: quotes are part of the text; ``double``: a cell may be in double quotes, and quotes inside it
            are doubled; ``backslash``: the same, but quotes inside it follow a backslash.
        header: whether the first row has the names of the columns.
        columns: the names of the columns, if there is no header.
    """

    encoding: str | None = None
    separator: str | None = None
    quoting: Quoting | None = None
    header: bool = True
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise ValueError(
                    f"encoding={self.encoding}: unknown encoding; examples are windows-1252 and utf-16"
                ) from None
        if self.separator is not None and self.separator not in SEPARATORS and len(self.separator) != 1:
            raise ValueError(f"separator={self.separator} must be {', '.join(SEPARATORS)} or one character")
        if self.header == bool(self.columns):
            raise ValueError("header=none and columns=NAME,NAME must be given together")


def separated_rows(
    reopen: Callable[[], Iterator[str]] | None, lines: Iterator[str], separator: str, options: ReadOptions, where: str
) -> tuple[tuple[str, ...], Iterator[tuple[int, dict[str, Any]]]]:
    """Return the columns of a table and its rows, each with the number, from 1, of the line where it starts.

    Args:
        reopen: returns the lines again from the first on; ``None`` for a stream that can be read only once.
        lines: the lines of the table, including their ends.
        separator: the format's usual separator. If the header has none but one other separator, that one is used.
        options: what the user set.
        where: the name of the file in error messages.

    Raises:
        DataError: names the line: a row has too few or too many cells, a quote isn't closed, or a quoted cell contains
            what looks like several rows.
    """
    first = next(lines, "")
    lines = chain([first], lines)
    if options.separator is not None:
        separator = SEPARATORS.get(options.separator, options.separator)
    elif options.header:
        separator = _separator_of(first, separator, where)
    quoting = options.quoting
    if quoting is None and separator == "\t":
        quoted = first.startswith('"') if reopen is None else _is_plainly_quoted(reopen(), separator)
        quoting = "double" if quoted else "none"
    raw = _RawRows(lines, separator, quoting or "double")
    header = _header(raw, where) if options.header else list(options.columns)
    swallowing = _Swallowing(separator) if quoting is None else None
    return tuple(name for name in header if name), _rows(raw, header, options, swallowing, where)


def _separator_of(header: str, usual: str, where: str) -> str:
    """Return the usual separator, or, if the header doesn't contain it, the only other one that it contains."""

    def cells(separator: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=separator), []))
        except csv.Error:
            return 1

    others = [one for one in SEPARATORS.values() if one != usual and cells(one) > 1]
    if cells(usual) > 1 or len(others) != 1:
        return usual
    name = next(name for name, one in SEPARATORS.items() if one == others[0])
    logger.info("%s: the separator is %r, according to the header (separator= sets another)", where, others[0])
    return SEPARATORS[name]


class _RawRows:
    """The rows of a csv reader, with the lines of each row."""

    def __init__(self, lines: Iterable[str], separator: str, quoting: Quoting) -> None:
        self.lines: list[str] = []
        self.start = 1
        self._source = self._record(lines)
        self._reader = csv.reader(
            self._source,
            delimiter=separator,
            strict=True,
            quoting=csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL,
            escapechar="\\" if quoting == "backslash" else None,
        )
        self.quoting = quoting

    def _record(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            if "\r" not in line:
                self.lines.append(line)
                yield line
                continue
            # A single carriage return ends a line too, as in files from old Macs.
            for piece in re.split(r"(?<=\r)(?!\n)", line) if line.find("\r") != len(line) - 2 else (line,):
                if piece:
                    self.lines.append(piece)
                    yield piece

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line where a row starts, and its cells; ``lines`` then holds the lines of the row.

        The csv module's limit is process-wide, so it is raised only while a row is read.
        """
        while True:
            self.lines.clear()
            self.start = self._reader.line_num + 1
            limit = csv.field_size_limit(LONGEST_FIELD)
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            finally:
                csv.field_size_limit(limit)
            yield self.start, fields


def _rows(
    raw: _RawRows, header: Sequence[str], options: ReadOptions, swallowing: _Swallowing | None, where: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    with _readable(raw, where):
        for start, fields in raw:
            if fields:  # blank lines are skipped
                if len(fields) != len(header):
                    del fields[_width(fields, len(header)) :]
                if len(fields) != len(header):
                    raise DataError(_wrong_width(fields, header, start, where, options))
                if swallowing:
                    swallowing.see(start, raw.lines, fields)
                row = dict(zip(header, fields, strict=True))
                yield start, without_unnamed(row, header, fields, f"{where}, line {start}") if "" in row else row
    if swallowing:
        swallowing.check(where)


@contextmanager
def _readable(raw: _RawRows, where: str) -> Iterator[None]:
    """Raise an error of the csv module with the line of the row that can't be read."""
    try:
        yield
    except csv.Error as error:
        raise DataError(
            f"{where}, line {raw.start}: the row that starts here can't be read: {error}.{_hint(raw)}"
        ) from None


def _header(raw: _RawRows, where: str) -> list[str]:
    """Return the names in the first row that isn't blank."""
    with _readable(raw, where):
        line, fields = next(((line, fields) for line, fields in raw if fields), (0, None))
    if fields is None:
        raise DataError(f"{where}: the file is empty; expected a header with the names of the columns")
    return header_names(fields, f"{where}, line {line}")


def header_names(fields: Iterable[str], place: str) -> list[str]:
    """Return the names of the columns in a header, without blanks around them; a column without a name has ``""``.

    Raises:
        DataError: two columns have the same name.
    """
    names = [name.strip() for name in fields]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(f"{place}: the column {twice[0]!r} is in the header twice")
    return names


def without_unnamed(row: dict[str, Any], header: Sequence[str], fields: Sequence[Any], place: str) -> dict[str, Any]:
    """Return a row without the columns that have no name, as spreadsheets write them beside a table.

    Raises:
        DataError: such a column isn't empty.
    """
    for name, value in zip(header, fields, strict=True):
        if not name and value is not None and str(value).strip():
            raise DataError(f"{place}: {shortened(value)} is in a column without a name")
    return {name: value for name, value in row.items() if name}


def _width(fields: Sequence[str], wanted: int) -> int:
    """Return the number of a row's cells, without empty ones beyond the header, which spreadsheets may write."""
    width = len(fields)
    while width > wanted and not fields[width - 1].strip():
        width -= 1
    return width


def _wrong_width(fields: Sequence[str], header: Sequence[str], line: int, where: str, options: ReadOptions) -> str:
    named = "the header has" if options.header else "columns= names"
    return (
        f"{where}, line {line}: {_fields(len(fields))}, but {named} {_fields(len(header))} "
        f"({', '.join(header)}); a field that holds the separator or a line break needs quotes"
    )


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _hint(raw: _RawRows) -> str:
    if raw.quoting == "double" and any('\\"' in line for line in raw.lines):
        return r" It contains \": quoting=backslash reads that as a quote."
    return "" if raw.quoting == "none" else " quoting=none reads quotes as part of the text."


def _is_plainly_quoted(lines: Iterator[str], separator: str) -> bool:
    """Return whether a CSV writer has quoted the cells: every cell that needs quotes has them, and all rows parse.

    Otherwise quotes are part of the text, as in most tab-separated files.
    """
    doubled = re.compile(rf'(?:^|{re.escape(separator)})"(?:[^"]|"")*""(?:[^"]|"")*"(?:{re.escape(separator)}|\r?\n?$)')
    raw = _RawRows(lines, separator, "double")
    width, evidence = 0, False
    try:
        for _, fields in raw:
            if not width:
                width, evidence = len(fields), raw.lines[0].startswith('"')
            if fields and len(fields) != width:
                return False
            if len(raw.lines) > 1 and any("\n" in field and (width == 1 or separator in field) for field in fields):
                return False
            evidence = evidence or len(raw.lines) > 1 or any(separator in field for field in fields)
            evidence = evidence or bool('""' in raw.lines[0] and doubled.search("".join(raw.lines)))
    except csv.Error:
        return False
    return evidence


class _Swallowing:
    """Find quoted cells that contain several rows, because one text begins with a quote and a later one ends with one.

    According to the quotes, such a row is one row. According to its lines it is several, each with as many cells as the
    table has columns, and with a known label, or a number, in a column of labels or numbers.
    """

    def __init__(self, separator: str) -> None:
        self._separator = separator
        self._values: list[set[str] | None] = []  # the values of each column; None if there are too many
        self._numbers: list[bool] = []
        self._open: list[int] = []  # the columns that may be of labels or numbers
        self._suspects: list[tuple[int, list[list[str]]]] = []

    def see(self, start: int, lines: Sequence[str], fields: Sequence[str]) -> None:
        """Add a row: the line where it starts, its lines and its cells."""
        if len(lines) > 1:
            parts = [line.rstrip("\r\n").split(self._separator) for line in lines]
            if len(fields) > 1 and all(len(part) == len(fields) for part in parts):
                self._suspects.append((start, parts))
            return
        if not self._values:
            self._values, self._numbers = [set() for _ in fields], [True] * len(fields)
            self._open = list(range(len(fields)))
        for index in self._open:
            value = fields[index]
            of_column = self._values[index]
            if of_column is not None:
                of_column.add(value)
                if len(of_column) > _MOST_VALUES:
                    self._values[index] = None
            self._numbers[index] = self._numbers[index] and bool(_NUMBER.fullmatch(value))
            if self._values[index] is None and not self._numbers[index]:
                self._open = [other for other in self._open if other != index]

    def check(self, where: str) -> None:
        """Check all rows seen.

        Raises:
            DataError: a quoted cell contains several rows.
        """
        for start, parts in self._suspects:
            if any(self._fits(index, [part[index] for part in parts]) for index in range(len(parts[0]))):
                raise DataError(
                    f"{where}, lines {start}-{start + len(parts) - 1}: one quoted cell contains what looks like "
                    f"{len(parts)} rows. quoting=none reads quotes as part of the text; quoting=double reads the cell "
                    "as it is."
                )

    def _fits(self, index: int, values: Sequence[str]) -> bool:
        if not self._values:
            return False
        of_column = self._values[index]
        if of_column is not None and of_column.issuperset(values):
            return True
        return self._numbers[index] and all(_NUMBER.fullmatch(value) for value in values)

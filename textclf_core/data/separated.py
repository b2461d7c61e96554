"""Tables whose cells stand between separators: CSV and TSV, as people and programs write them."""

from __future__ import annotations

import codecs
import csv
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from textclf_core.errors import DataError

logger = logging.getLogger("textclf")

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""Separators by the names that need no quotes in a shell."""

Quoting = Literal["none", "double", "backslash"]

# Documents longer than the csv module's limit of 131,072 characters are texts like any other.
LONGEST_FIELD = 2**31 - 1

_MOST_VALUES = 50  # of a column that may be one of labels
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How a text file is written, where its name and its header don't tell.

    Attributes:
        encoding: see :func:`~textclf_core.data.decoding.decoded_lines`.
        separator: between two cells: a name of :data:`SEPARATORS` or the character.
        quoting: ``none``: quotes are part of the text; ``double``: a cell may stand in double quotes, and those inside
            it are doubled; ``backslash``: the same, and a backslash goes before those inside it.
        header: whether the first row names the columns.
        columns: their names, where it doesn't.
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
                    f"encoding={self.encoding}: there is no encoding of this name; windows-1252 is one, utf-16 another"
                ) from None
        if self.separator is not None and self.separator not in SEPARATORS and len(self.separator) != 1:
            raise ValueError(f"separator={self.separator} must be {', '.join(SEPARATORS)} or one character")
        if self.header == bool(self.columns):
            raise ValueError("header=none needs columns=NAME,NAME, and columns= needs header=none")


def separated_rows(
    reopen: Callable[[], Iterator[str]] | None, lines: Iterator[str], separator: str, options: ReadOptions, where: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a table, each after the number of the line where it starts, counted from 1.

    Args:
        reopen: returns the lines from the first on again; ``None`` for a stream that can be read but once.
        lines: the table's, with their ends.
        separator: the usual one of the format, which gives way to the only other one that the header has.
        options: what the user says of the file.
        where: what errors call it.

    Raises:
        DataError: with the line: a row has too few or too many cells, a quote stays open, or a cell in quotes has
            swallowed rows.
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
    swallowing = _Swallowing(separator) if quoting is None else None
    yield from _rows(_RawRows(lines, separator, quoting or "double"), options, separator, swallowing, where)
    if swallowing:
        swallowing.check(where)


def _separator_of(header: str, usual: str, where: str) -> str:
    """Return the usual separator, or the only other one that the header has if that one isn't there."""

    def cells(separator: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=separator), []))
        except csv.Error:
            return 1

    others = [one for one in SEPARATORS.values() if one != usual and cells(one) > 1]
    if cells(usual) > 1 or len(others) != 1:
        return usual
    name = next(name for name, one in SEPARATORS.items() if one == others[0])
    logger.info("%s: its cells are separated by %r, as the header shows (separator= says otherwise)", where, others[0])
    return SEPARATORS[name]


class _RawRows:
    """The rows of a csv reader, beside the lines of each."""

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
            # A carriage return alone ends a line too, as in files of old Macs.
            for piece in re.split(r"(?<=\r)(?!\n)", line) if "\r" in line.removesuffix("\r\n") else (line,):
                if piece:
                    self.lines.append(piece)
                    yield piece

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line where a row starts, and its cells; ``lines`` holds the row's own meanwhile.

        While a row is read, and no longer, the process takes cells as long as ours.
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
    raw: _RawRows, options: ReadOptions, separator: str, swallowing: _Swallowing | None, where: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    header = list(options.columns) if not options.header else None
    try:
        for start, fields in raw:
            if header is None and fields:
                header = _header(fields, start, where)
            elif header is not None and fields:  # a blank line between rows is no row
                del fields[_width(fields, len(header)) :]
                if len(fields) != len(header):
                    raise DataError(_wrong_width(fields, header, start, where, options))
                unnamed = [value for name, value in zip(header, fields, strict=True) if not name and value.strip()]
                if unnamed:
                    raise DataError(f"{where}, line {start}: {unnamed[0]!r} stands in a column without a name")
                if swallowing:
                    swallowing.see(start, raw.lines, fields)
                yield start, {name: value for name, value in zip(header, fields, strict=True) if name}
    except csv.Error as error:
        raise DataError(
            f"{where}, line {raw.start}: the row that starts here can't be read: {error}.{_hint(raw)}"
        ) from None
    if header is None:
        raise DataError(f"{where}: the file is empty; a header with the names of the columns was wanted")


def _header(fields: Sequence[str], line: int, where: str) -> list[str]:
    names = [name.strip() for name in fields]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(f"{where}, line {line}: the column {twice[0]!r} stands in the header twice")
    return names


def _width(fields: Sequence[str], wanted: int) -> int:
    """Return how many cells a row has without empty ones beyond the header, as spreadsheets write them."""
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
        return r" It has \" in it: quoting=backslash reads that as a quote."
    return "" if raw.quoting == "none" else " quoting=none reads quotes as part of the text."


def _is_plainly_quoted(lines: Iterator[str], separator: str) -> bool:
    """Return whether quotes around cells are a writer's: what he must quote is quoted, and all of it parses.

    Else they are part of a text, as in most files with tabs.
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
    """Finds cells in quotes that have swallowed rows: a text begins with a bare quote, a later one ends with one.

    Such a row is one by the quotes. By its lines it is several, each of as many cells as the table has columns, and
    what stands in a column of labels, or of numbers, is one of the others' labels, or a number.
    """

    def __init__(self, separator: str) -> None:
        self._separator = separator
        self._values: list[set[str] | None] = []  # of each column, None where they are too many
        self._numbers: list[bool] = []
        self._suspects: list[tuple[int, list[list[str]]]] = []

    def see(self, start: int, lines: Sequence[str], fields: Sequence[str]) -> None:
        """Take in a row that starts in a line, and has these lines and cells."""
        if len(lines) > 1:
            parts = [line.rstrip("\r\n").split(self._separator) for line in lines]
            if len(fields) > 1 and all(len(part) == len(fields) for part in parts):
                self._suspects.append((start, parts))
            return
        if not self._values:
            self._values, self._numbers = [set() for _ in fields], [True] * len(fields)
        for index, value in enumerate(fields):
            of_column = self._values[index]
            if of_column is not None:
                of_column.add(value)
                if len(of_column) > _MOST_VALUES:
                    self._values[index] = None
            self._numbers[index] = self._numbers[index] and bool(_NUMBER.fullmatch(value))

    def check(self, where: str) -> None:
        """Refuse the table if a row has swallowed others.

        Raises:
            DataError: one has.
        """
        for start, parts in self._suspects:
            if any(self._fits(index, [part[index] for part in parts]) for index in range(len(parts[0]))):
                raise DataError(
                    f"{where}, lines {start}-{start + len(parts) - 1}: one cell in quotes holds what looks like "
                    f"{len(parts)} rows. quoting=none reads quotes as part of the text, quoting=double takes the cell "
                    "as it is."
                )

    def _fits(self, index: int, values: Sequence[str]) -> bool:
        if not self._values:
            return False
        of_column = self._values[index]
        if of_column is not None and of_column.issuperset(values):
            return True
        return self._numbers[index] and all(_NUMBER.fullmatch(value) for value in values)

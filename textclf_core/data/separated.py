"""Reading CSV and TSV files, as people and programs write them."""

from __future__ import annotations

import csv
import logging
import math
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from textclf_core.data.other_tables import refuse_drawn_table, refuse_other_format
from textclf_core.data.raw_rows import RawRows, long_fields
from textclf_core.data.read_options import NAMED_SEPARATORS, SEPARATORS, ReadOptions
from textclf_core.data.swallowed_rows import Swallowing
from textclf_core.errors import DataError, shortened

logger = logging.getLogger("textclf")

INDEX = "Unnamed: 0"
"""pandas' name for a first column without one, which is mostly the index of a frame."""

_OF_EXCEL = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)  # the line that names the separator for Excel

_INVISIBLE = string.whitespace + "\u00a0\u200b\u200e\u200f\u2060\u3000\ufeff"

_LINES_AT_ONCE = 20_000


class SeparatedTable:
    """A table that is read on demand: row by row, or many rows at once.

    Attributes:
        columns: the names of its columns.
    """

    def __init__(
        self,
        reopen: Callable[[], Iterator[str]] | None,
        lines: Iterator[str],
        separator: str,
        options: ReadOptions,
        where: str,
    ) -> None:
        """Read the header.

        Args:
            reopen: returns the lines again from the first on; ``None`` for a stream that can be read only once.
            lines: the lines of the table, including their ends.
            separator: the format's usual separator. If the header has none but one other separator, that one is used.
            options: what the user set.
            where: the name of the file in error messages.

        Raises:
            DataError: the header can't be read.
        """
        first = next(lines, "")
        refuse_other_format(first, where)
        of_excel = _OF_EXCEL.fullmatch(first)
        if of_excel:
            first = next(lines, "")
        if options.separator is not None:
            separator = NAMED_SEPARATORS.get(options.separator, options.separator)
        elif of_excel:
            separator = of_excel[1]
            logger.info("%s: the separator is %r, according to its first line", where, separator)
        elif options.header:
            separator = _separator_of(first, separator, where, options)
        quoting = options.quoting
        if quoting is None and separator == "\t":
            quoted = first.startswith('"') if reopen is None else _is_plainly_quoted(reopen, separator, where, options)
            quoting = "double" if quoted else "none"
        self._raw = RawRows(chain([first], lines), separator, quoting or "double")
        if of_excel:
            self._raw.skip([of_excel[0]])
        self._options, self._where = options, where
        self._header = _header(self._raw, where, options) if options.header else list(options.columns)
        following = self._raw.take(1)
        self._raw.put_back(following)
        refuse_drawn_table(self._header, "".join(following), separator, self._raw.line, where)
        cells = [cell for line in following for cell in line.strip("\r\n").split(separator)]
        if self._header[:1] == [""]:
            self._header = with_index_name(self._header, [cell.strip(' "') for cell in cells[:1]], where)
        if not options.header and [cell.strip(' "\ufeff').lower() for cell in cells] == [
            name.lower() for name in options.columns
        ]:
            raise DataError(
                f"{where}, line {self._raw.line + 1}: the first row has the names of the columns; leave "
                f"{options.written('header', 'none')} and {options.written('columns')} out"
            )
        if self._raw.quoting == "double" and any(_is_quoted_after_blanks(line, separator) for line in following):
            logger.info("%s: blanks after a separator are dropped, since they stand before quotes", where)
            self._raw.drop_blanks()
        self._swallowing = Swallowing(separator) if quoting is None else None
        self._blanks = 0
        self.columns = tuple(name for name in self._header if name)

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each row with the number, from 1, of the line where it starts.

        Raises:
            DataError: names the line: a row has too few or too many cells, a quote isn't closed, or a quoted cell
                contains what looks like several rows.
        """
        yield from self._rows()
        self._check()

    def batches(self) -> Iterator[tuple[Sequence[int], Mapping[str, Sequence[str]]]]:
        """Yield the rows that :meth:`rows` yields, many at once: the numbers of their lines, and their cells by column.

        Raises:
            DataError: as in :meth:`rows`.
        """
        raw = self._raw
        while lines := raw.take(_LINES_AT_ONCE):
            if batch := self._batch(lines):
                yield batch
                continue
            raw.put_back(lines)
            numbered = self._rows(math.inf if raw.alone else raw.line + len(lines))
            while rows := list(islice(numbered, _LINES_AT_ONCE)):
                yield [line for line, _ in rows], {name: [row[name] for _, row in rows] for name in self.columns}
        self._check()

    def _batch(self, lines: list[str]) -> tuple[Sequence[int], Mapping[str, Sequence[str]]] | None:
        """Return lines as columns if each row has a cell for each and no more; else ``None``."""
        parsed = None if "" in self._header else self._raw.parsed(lines)
        if parsed is None or {*map(len, parsed.rows)} != {len(self._header)}:
            return None
        columns = [list(map(itemgetter(index), parsed.rows)) for index in range(len(self._header))]
        if len(columns) > 1 and any(name in columns[1] for name in self._header):
            for line, fields in zip(parsed.starts, parsed.rows, strict=True):
                self._refuse_header(fields, line)
        if self._swallowing and len(lines) == len(parsed.rows):
            self._swallowing.see_columns(columns)
        elif self._swallowing:
            self._swallowing.see_rows(parsed.starts, lines, parsed.rows)
        self._raw.skip(lines)
        return parsed.starts, dict(zip(self._header, columns, strict=True))

    def _rows(self, last: float = math.inf) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield rows, up to the one that has the line ``last``."""
        header, raw = self._header, self._raw
        blanks = 0
        with _readable(raw, self._where, self._options):
            for start, fields in raw:
                blanks += not fields
                if fields:  # blank lines are skipped
                    self._blanks, blanks = self._blanks + blanks, 0
                    if len(fields) != len(header):
                        del fields[_width(fields, len(header)) :]
                    if len(fields) != len(header):
                        raise DataError(_wrong_width(fields, header, start, self._where, self._options))
                    if len(header) > 1:
                        self._refuse_header(fields, start)
                    if self._swallowing:
                        self._swallowing.see_rows([start], raw.lines, [fields])
                    row = dict(zip(header, fields, strict=True))
                    if "" in row:
                        row = without_unnamed(row, header, fields, f"{self._where}, line {start}")
                    yield start, row
                if raw.line >= last:
                    return

    def _refuse_header(self, fields: Sequence[str], line: int) -> None:
        """Refuse a row that repeats the header, as in files that were joined."""
        if not self._options.header or fields[0].strip("\ufeff \t") not in self._header:
            return
        names = [field.strip("\ufeff \t") for field in fields]
        if names == self._header:
            raise DataError(f"{self._where}, line {line}: the header is repeated, as in joined files; remove the line")
        if sorted(names) == sorted(self._header):
            raise DataError(
                f"{self._where}, line {line}: the header is repeated, in another order, as in joined files; write the "
                "rows from here on into a file of their own, and read both by a pattern (path=FOLDER/*.csv)"
            )

    def _check(self) -> None:
        if self._blanks and len(self._header) == 1:
            logger.info(
                '%s: blank lines between the rows, which are no rows: %d (an empty text in the only column is "")',
                self._where,
                self._blanks,
            )
        if self._swallowing and (found := self._swallowing.found()):
            first, last = found.lines
            raise DataError(
                f"{self._where}, lines {first}-{last}: one quoted cell contains what looks like {last - first + 1} "
                f"rows. {_both_ways(self._options)}"
            )


def _is_quoted_after_blanks(line: str, separator: str) -> bool:
    """Return whether a cell is in quotes after a blank, as in ``a, "b"``, and no cell has quotes otherwise."""
    if not re.search(rf'{re.escape(separator)} +"', line):
        return False
    with long_fields():
        cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return not any('"' in cell for cell in cells)


def _separator_of(header: str, usual: str, where: str, options: ReadOptions) -> str:
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
    other = options.written("separator")
    logger.info("%s: the separator is %r, according to the header (%s sets another)", where, others[0], other)
    return SEPARATORS[name]


@contextmanager
def _readable(raw: RawRows, where: str, options: ReadOptions) -> Iterator[None]:
    """Raise an error of the csv module with the line of the row that can't be read."""
    try:
        yield
    except csv.Error as error:
        what = f"{error}.{_hint(raw, options)}"
        if "new-line character" in str(error):
            what = "there is a carriage return outside of quotes, which ends no row in this file."
        raise DataError(f"{where}, line {raw.start}: the row that starts here can't be read: {what}") from None


def _header(raw: RawRows, where: str, options: ReadOptions) -> list[str]:
    """Return the names in the first row that isn't blank."""
    with _readable(raw, where, options):
        line, fields = next(((line, fields) for line, fields in raw if fields), (0, None))
    if fields is None:
        raise DataError(f"{where}: the file is empty; expected a header with the names of the columns")
    return header_names(fields, f"{where}, line {line}")


def header_names(fields: Iterable[str], place: str) -> list[str]:
    """Return the names of the columns in a header, as they are shown; a column without a name has ``""``.

    Raises:
        DataError: two columns have the same name.
    """
    names = [_shown(name) for name in fields]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(f"{place}: the column {twice[0]!r} is in the header twice; rename one")
    return names


def _shown(name: str) -> str:
    """Return a name without the blanks, invisible characters and quotes around it, which are no part of it."""
    name = name.strip(_INVISIBLE)
    return name[1:-1].strip(_INVISIBLE) if len(name) > 2 and name[0] == name[-1] == '"' else name


def with_index_name(header: Sequence[str], cells: Sequence[Any], where: str) -> list[str]:
    """Return a header whose first column has a name, if it has none although its first row, ``cells``, has a value."""
    if header[:1] != [""] or not cells or cells[0] in (None, "") or INDEX in header:
        return list(header)
    logger.info("%s: the first column has no name; it is called %r", where, INDEX)
    return [INDEX, *header[1:]]


def without_unnamed(row: dict[str, Any], header: Sequence[str], fields: Sequence[Any], place: str) -> dict[str, Any]:
    """Return a row without the columns that have no name, as spreadsheets write them beside a table.

    Raises:
        DataError: such a column isn't empty.
    """
    for name, value in zip(header, fields, strict=True):
        if not name and value is not None and str(value).strip():
            title = sum(map(bool, header)) == 1
            more = f"; {not_the_header(int(place.rpartition(' ')[2]))}" if title else ""
            raise DataError(
                f"{place}: {shortened(value)} is in a column without a name; name it in the header, or remove it{more}"
            )
    return {name: value for name, value in row.items() if name}


def _width(fields: Sequence[str], wanted: int) -> int:
    """Return the number of a row's cells, without empty ones beyond the header, which spreadsheets may write."""
    width = len(fields)
    while width > wanted and not fields[width - 1].strip():
        width -= 1
    return width


def _wrong_width(fields: Sequence[str], header: Sequence[str], line: int, where: str, options: ReadOptions) -> str:
    named = "the header has" if options.header else f"{options.written('columns')} names"
    if not options.header and line == 1:
        advice = "name each column of the file"
    elif len(fields) < len(header):
        advice = "a field with a line break needs quotes; a line that is no row must be removed"
    elif len(header) == 1 and options.header:
        advice = f"a field that holds the separator needs quotes; {not_the_header(line)}"
    else:
        advice = "a field that holds the separator needs quotes"
        if len(fields) == len(header) + 1 and fields[0].strip(' "').isdecimal():
            advice += "; if the first column holds row numbers, name it in the header"
    return (
        f"{where}, line {line}: {_fields(len(fields))}, but {named} {_fields(len(header))} ({', '.join(header)}); "
        f"{advice}"
    )


def not_the_header(line: int) -> str:
    """Return what to do if a line is the header, and not one above it, such as a title."""
    return f"if the header is in line {line}, remove the lines above it"


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _hint(raw: RawRows, options: ReadOptions) -> str:
    if raw.quoting == "double" and any('\\"' in line for line in raw.lines):
        return rf" It contains \": {options.written('quoting', 'backslash')} reads that as a quote."
    none = options.written("quoting", "none")
    return "" if raw.quoting == "none" else f" Fix its quotes, or {none} reads quotes as part of the text."


def _both_ways(options: ReadOptions) -> str:
    none, double = options.written("quoting", "none"), options.written("quoting", "double")
    return f"{none} reads quotes as part of the text; {double} reads the cell as it is."


def _is_plainly_quoted(reopen: Callable[[], Iterator[str]], separator: str, where: str, options: ReadOptions) -> bool:
    """Return whether a CSV writer has quoted the cells: every cell that needs quotes has them, and all rows parse.

    Otherwise quotes are part of the text, as in most tab-separated files.

    Raises:
        DataError: the rows parse in both ways, or a CSV writer has quoted some of them, but not all.
    """
    between = re.escape(separator)
    # A cell of quotes alone is an empty one.
    doubled = re.compile(rf'(?:^|{between})"(?:|(?:[^"]|"")*""(?:[^"]|"")*)"(?:{between}|\r?\n?$)')
    raw = RawRows(reopen(), separator, "double")

    def unquoted() -> bool:
        if any('""' in line and doubled.search(line) for line in reopen()):
            raise DataError(
                f"{where}, line {raw.start}: the quotes of the row that starts here don't enclose its cells, but those "
                f"of other rows do. {options.written('quoting', 'none')} reads all quotes as part of the text."
            )
        return False

    width, evidence, tangled, swallowing = 0, False, False, Swallowing(separator)
    try:
        for start, fields in raw:
            if not width:
                width, evidence = len(fields), raw.lines[0].startswith('"')
            elif fields and len(fields) != width:
                return unquoted()
            elif fields:
                swallowing.see_rows([start], raw.lines, [fields])
            if len(raw.lines) > 1:
                tangled = tangled or any("\n" in field and (width == 1 or separator in field) for field in fields)
            evidence = evidence or len(raw.lines) > 1 or any(separator in field or "\r" in field for field in fields)
            evidence = evidence or bool('""' in raw.lines[0] and doubled.search("".join(raw.lines)))
    except csv.Error:
        return unquoted()
    if tangled and swallowing.suspects and swallowing.found() is None:
        first, last = swallowing.suspects[0].lines
        raise DataError(
            f"{where}, lines {first}-{last}: one quoted cell, or {last - first + 1} rows with quotes in their texts. "
            f"{_both_ways(options)}"
        )
    return evidence if not tangled else unquoted()

"""The rows of a csv reader, one by one or many at once, with the lines of each."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from textclf_core.data.read_options import Quoting

# Texts may be longer than the csv module's default limit of 131,072 characters.
_LONGEST_FIELD = 2**31 - 1

# Of so few lines with quotes or carriage returns, each is parsed on its own.
_MOST_SPECIAL = 0.2

ALONE = re.compile(r"(?<=\r)(?!\n)")
"""The place after a carriage return without a line feed."""


@dataclass(frozen=True)
class ParsedLines:
    """Rows that lines were parsed to, and the number, from 1, of the line where each starts."""

    rows: list[list[str]]
    starts: Sequence[int]


class RawRows:
    """The rows of a csv reader.

    A carriage return without a line feed ends a row if it does so in the first line, as in files from old Macs;
    otherwise the csv module refuses it outside of quotes.

    Attributes:
        alone: whether carriage returns without a line feed end rows.
        lines: those of the row that was read last.
        start: the number, from 1, of its first line.
        quoting: as in the options.
    """

    def __init__(self, lines: Iterable[str], separator: str, quoting: Quoting) -> None:
        lines = iter(lines)
        first = next(lines, "")
        self.alone = bool(ALONE.search(first))
        self._given = chain([first] if first else [], lines)
        self._skipped = 0
        self._format: dict[str, Any] = {
            "delimiter": separator,
            "strict": True,
            "quoting": csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL,
            "escapechar": "\\" if quoting == "backslash" else None,
        }
        self._reader = csv.reader(self._recorded(), **self._format)
        self.lines: list[str] = []
        self.start = 1
        self.quoting = quoting

    @property
    def line(self) -> int:
        """The number of lines read so far."""
        return self._skipped + self._reader.line_num

    def _recorded(self) -> Iterator[str]:
        while (line := next(self._given, None)) is not None:
            for piece in ALONE.split(line) if self.alone else (line,):
                if piece:
                    self.lines.append(piece)
                    yield piece

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line where a row starts, and its cells; ``lines`` then holds the lines of the row."""
        while True:
            self.lines.clear()
            self.start = self.line + 1
            with long_fields():
                fields = next(self._reader, None)
            if fields is None:
                return
            yield self.start, fields

    def take(self, count: int) -> list[str]:
        """Return up to ``count`` further lines, for :meth:`parsed`, and then :meth:`skip` or :meth:`put_back`."""
        return list(islice(self._given, count))

    def drop_blanks(self) -> None:
        """Drop the blanks that follow a separator from here on."""
        self._skipped = self.line
        self._format["skipinitialspace"] = True
        self._reader = csv.reader(self._recorded(), **self._format)

    def put_back(self, lines: Sequence[str]) -> None:
        """Let lines that were taken be read next."""
        self._given = chain(lines, self._given)

    def skip(self, lines: Sequence[str]) -> None:
        """Count lines that were taken as read."""
        self._skipped += len(lines)

    def parsed(self, lines: list[str]) -> ParsedLines | None:
        """Return the rows of the next lines; ``None`` if they end within a row, or must be read one by one."""
        if self.alone or self.quoting == "backslash":
            return None
        first = self.line + 1
        try:
            with long_fields():
                if (split := self._split(lines)) is not None:
                    return ParsedLines(split, range(first, first + len(split)))
                reader = csv.reader(lines, **self._format)
                rows, starts, start = [], [], first
                for row in reader:
                    rows.append(row)
                    starts.append(start)
                    start = first + reader.line_num
        except csv.Error:
            return None
        return ParsedLines(rows, starts)

    def _split(self, lines: list[str]) -> list[list[str]] | None:
        """Return what a csv reader makes of lines of which few have quotes, faster; ``None`` for other lines.

        Raises:
            csv.Error: a quote isn't closed in its line.
        """
        separator = self._format["delimiter"]
        end = "\r\n" if lines[0].endswith("\r\n") else "\n"
        returns = len(end) - 1
        special = [
            index
            for index, line in enumerate(lines)
            if '"' in line or line.count("\r") != returns or not line.endswith(end) or line == end
        ]
        if len(special) > len(lines) * _MOST_SPECIAL or separator == '"' or "skipinitialspace" in self._format:
            return None
        rows = [line[: -len(end)].split(separator) for line in lines]
        for index in special:
            [rows[index]] = csv.reader([lines[index]], **self._format)
        return rows


@contextmanager
def long_fields() -> Iterator[None]:
    """Raise the csv module's limit, which is process-wide, while rows are read."""
    limit = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(limit)

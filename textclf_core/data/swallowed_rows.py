"""Finding quoted cells that contain several rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_VALUES = 50  # a column with more different values isn't a label column
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")


@dataclass(frozen=True)
class Suspect:
    """A row whose lines have as many cells each as the table has columns.

    Attributes:
        lines: the numbers of its first and its last line.
        parts: the cells of each line.
    """

    lines: tuple[int, int]
    parts: list[list[str]]


class Swallowing:
    """Finds quoted cells that contain several rows, because one text begins with a quote and a later one ends with one.

    According to the quotes, such a row is one row. According to its lines it is several, each with as many cells as the
    table has columns, and with a known label, or a number, in a column of labels or numbers.

    Attributes:
        suspects: the rows seen whose lines have as many cells each as the table has columns.
    """

    def __init__(self, separator: str) -> None:
        self.suspects: list[Suspect] = []
        self._separator = separator
        self._values: list[set[str] | None] = []  # the values of each column; None if there are too many
        self._numbers: list[bool] = []
        self._open: list[int] = []  # the columns that may be of labels or numbers

    def see_rows(self, starts: Sequence[int], lines: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add rows that follow each other.

        Args:
            starts: the number of the line where each starts.
            lines: the lines of all of them.
            rows: their cells.
        """
        if len(lines) > len(rows):
            first = starts[0]
            ends = [*starts[1:], first + len(lines)]
            places = list(zip(starts, ends, rows, strict=True))
            for start, end, row in places:
                if end - start > 1:
                    self._see_lines(start, lines[start - first : end - first], len(row))
            rows = [row for start, end, row in places if end - start == 1]
        if rows:
            self.see_columns(list(zip(*rows, strict=True)))

    def _see_lines(self, start: int, lines: Sequence[str], width: int) -> None:
        parts = [line.rstrip("\r\n").split(self._separator) for line in lines]
        if width > 1 and all(len(part) == width for part in parts):
            self.suspects.append(Suspect((start, start + len(parts) - 1), parts))

    def see_columns(self, columns: Sequence[Sequence[str]]) -> None:
        """Add rows of one line each, given their cells by column."""
        if not self._values:
            self._values, self._numbers = [set() for _ in columns], [True] * len(columns)
            self._open = list(range(len(columns)))
        for index in self._open:
            of_column = self._values[index]
            if of_column is not None:
                of_column.update(columns[index])
                if len(of_column) > _MOST_VALUES:
                    self._values[index] = None
            self._numbers[index] = self._numbers[index] and all(map(_NUMBER.fullmatch, columns[index]))
            if self._values[index] is None and not self._numbers[index]:
                self._open = [other for other in self._open if other != index]

    def found(self) -> Suspect | None:
        """Return the first row seen that contains several rows; ``None`` if there is none."""
        for one in self.suspects:
            if any(self._fits(index, [part[index] for part in one.parts]) for index in range(len(one.parts[0]))):
                return one
        return None

    def _fits(self, index: int, values: Sequence[str]) -> bool:
        if not self._values:
            return False
        of_column = self._values[index]
        if of_column is not None and of_column.issuperset(values):
            return True
        return self._numbers[index] and all(_NUMBER.fullmatch(value) for value in values)

"""A split as it was read, with the origin of each row."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
from datasets import Dataset, DatasetDict

from textclf_core.data.arrow_columns import OddValue

logger = logging.getLogger("textclf")


@dataclass(frozen=True)
class Source:
    """A split as it was read, before its text and label columns are known.

    ``lines`` holds the line where each row starts in its file; without it, rows are counted from 1. ``files`` holds the
    file of each row, if there are several; otherwise ``where`` is the file. ``odd_values`` has the columns with values
    that aren't texts, numbers or lists of them. ``in_memory`` says that there are no options of a dataset plugin, so
    that messages must not name them. ``format`` is that of the (first) file, if there are files.
    """

    data: Dataset
    where: str
    lines: Sequence[int] = ()
    odd_values: Mapping[str, OddValue] = field(default_factory=dict)
    files: Sequence[str] = ()
    in_memory: bool = False
    format: str | None = None

    def place(self, index: int) -> str:
        """Return the place of row ``index`` (from 0) in ``where``, for messages."""
        before = self.files.index(self.files[index]) if self.files else 0
        place = f"line {self.lines[index]}" if self.lines else f"row {index - before + 1}"
        return f"{self.files[index]}, {place}" if self.files else place

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column as Arrow has it."""
        return self.data.select_columns([name]).with_format("arrow")[:][name]

    def distinct(self, name: str) -> list[Any]:
        """Return the different values of a column."""
        return list(self.column(name).unique().to_pylist())

    def select(self, rows: Sequence[int]) -> Source:
        """Return the source with some of its rows."""
        place = {row: index for index, row in enumerate(rows)}
        odd = {name: replace(one, row=place[one.row]) for name, one in self.odd_values.items() if one.row in place}
        lines = [self.lines[row] for row in rows] if self.lines else ()
        files = [self.files[row] for row in rows] if self.files else ()
        return replace(self, data=self.data.select(rows), lines=lines, odd_values=odd, files=files)

    def odd_value(self, column: str) -> OddValue | None:
        """Return the first value of a column that is neither a text nor a label; ``None`` if there is none."""
        odd = self.odd_values.get(column)
        return None if odd is None or odd.among_texts else odd

    def odd_fault(self, column: str, wanted: str, *, of_texts: bool = False) -> str | None:
        """Return the fault of a column with values of an unsupported type; ``None`` if there are none.

        Args:
            column: the column.
            wanted: what was expected.
            of_texts: whether the column has texts, among which a number is none.
        """
        odd = self.odd_values.get(column) if of_texts else self.odd_value(column)
        if odd is None:
            return None
        return f"{self.where}, {self.place(odd.row)}: a value of type {odd.type} (column {column!r}); {wanted}"


class Changes:
    """What was dropped or changed while splits were read: a sentence each, logged and kept for the record."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def add(self, message: str, *values: object) -> None:
        """Log a sentence, formatted as for a logger, and keep it."""
        logger.info(message, *values)
        self.sentences.append(message % values)


class ReadSplits(DatasetDict):  # type: ignore[misc]  # datasets has no types
    """Splits as they were read from their sources.

    Attributes:
        read_from: the names of the text columns and of the label columns in the source; empty if unknown.
        changes: what was dropped or changed, with numbers of rows, a sentence each.
        unlabelled: the number of rows of test that were left out because they have no label.
    """

    read_from: dict[str, tuple[str, ...]]
    changes: list[str]
    unlabelled: int

    def __init__(
        self,
        splits: Mapping[str, Dataset],
        *,
        read_from: Mapping[str, tuple[str, ...]] | None = None,
        changes: Sequence[str] = (),
        unlabelled: int = 0,
    ) -> None:
        super().__init__(splits)
        self.read_from, self.changes, self.unlabelled = dict(read_from or {}), list(changes), unlabelled

"""A split as it was read, with the origin of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from datasets import Dataset

from textclf_core.data.arrow_columns import OddValue


@dataclass(frozen=True)
class Source:
    """A split as it was read, before its text and label columns are known.

    ``lines`` holds the line where each row starts in the file ``where``; without it, rows are counted from 1.
    ``odd_values`` has the columns with values that aren't texts, numbers or lists of them.
    """

    data: Dataset
    where: str
    lines: Sequence[int] = ()
    odd_values: Mapping[str, OddValue] = field(default_factory=dict)

    def place(self, index: int) -> str:
        """Return the place of row ``index`` (from 0) in ``where``, for messages."""
        return f"line {self.lines[index]}" if self.lines else f"row {index + 1}"

    def odd_fault(self, column: str, wanted: str) -> str | None:
        """Return the fault of a column with values of an unsupported type; ``None`` if there are none."""
        odd = self.odd_values.get(column)
        if odd is None:
            return None
        return f"{self.where}, {self.place(odd.row)}: a value of type {odd.type} (column {column!r}); {wanted}"

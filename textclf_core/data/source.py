"""A split as it was read, which knows where each of its rows came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from datasets import Dataset

from textclf_core.data.arrow_columns import OddValue


@dataclass(frozen=True)
class Source:
    """One split as it was read, before its text and label are known.

    ``lines`` holds the line where each row starts in the file ``where``; without it, rows are counted from 1.
    ``odd_values`` names the columns that hold what is no text, number or list of them.
    """

    data: Dataset
    where: str
    lines: Sequence[int] = ()
    odd_values: Mapping[str, OddValue] = field(default_factory=dict)

    def place(self, index: int) -> str:
        """Return where in ``where`` the row ``index`` (from 0) stands, for a person who looks for it."""
        return f"line {self.lines[index]}" if self.lines else f"row {index + 1}"

    def odd_fault(self, column: str, wanted: str) -> str | None:
        """Return what is wrong with a column that holds something else than it may; ``None`` if nothing is."""
        odd = self.odd_values.get(column)
        if odd is None:
            return None
        return f"{self.where}, {self.place(odd.row)}: a value of type {odd.type} (column {column!r}); {wanted}"

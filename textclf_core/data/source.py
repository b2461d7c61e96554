"""A split as it was read, which knows where each of its rows came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Dataset


@dataclass(frozen=True)
class Source:
    """One split as it was read, before its text and label are known.

    ``lines`` holds the line where each row starts in the file ``where``; without it, rows are counted from 1.
    """

    data: Dataset
    where: str
    lines: Sequence[int] = ()

    def place(self, index: int) -> str:
        """Return where in ``where`` the row ``index`` (from 0) stands, for a person who looks for it."""
        return f"line {self.lines[index]}" if self.lines else f"row {index + 1}"

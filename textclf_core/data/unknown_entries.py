"""Entries of several labels that don't tell whether a text has a label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textclf_core.errors import some_of

if TYPE_CHECKING:
    from textclf_core.data.source import Source


def is_unknown(value: object) -> bool:
    """Return whether an entry is missing, NaN or -1."""
    return value is None or value == -1 or value != value


def unknown_fault(source: Source, column: str, entries: Sequence[tuple[int, str]]) -> str:
    """Return the fault of unknown entries, each given by its row, from 0, and its label."""
    first, label = min(entries)
    rows, labels = len({row for row, _ in entries}), sorted({name for _, name in entries})
    counted = "1 entry is" if len(entries) == 1 else f"{len(entries)} entries in {rows} rows are"
    return (
        f"{source.where}, {source.place(first)}: it is unknown whether the text has the label {label!r}. In the column "
        f"{column!r}, {counted} missing, NaN or -1 (labels: {some_of(labels, 5)}). Write 0 where a text doesn't have a "
        "label, or leave out these rows or labels"
    )

"""Reading labels of texts that may have several: the ``label`` column holds lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from datasets import ClassLabel, Value

from textclf_core.data.columns import is_list, label_name
from textclf_core.types.indicators import UnknownLabel, label_of

if TYPE_CHECKING:
    from textclf_core.data.source import Source


def label_lists(source: Source, column: str, separator: str | None, faults: list[str]) -> list[list[Any]]:
    """Return the names of every row's labels; an empty list stands for a row without labels.

    A label of which it is unknown whether the row has it is an ``UnknownLabel``.

    Args:
        source: one split.
        column: the label column, which holds lists, or strings with labels separated by ``separator``.
        separator: see :func:`~textclf_core.data.infer_columns.labelled`.
        faults: the faults found, such as rows without a list, are added to it, with file and row.
    """
    if fault := source.odd_fault(column, "expected a list of labels"):
        faults.append(fault)
        return []
    feature = source.data.features[column]
    values: Sequence[Any] = source.data[column][:]
    if is_list(feature):
        if not isinstance(feature.feature, ClassLabel | Value):
            what = type(feature.feature).__name__
            wanted = "expected a string or an integer for each label"
            faults.append(f"{source.where}: the column {column!r} holds lists of {what}; {wanted}")
            return []
        names = feature.feature.names if isinstance(feature.feature, ClassLabel) else None
        rows = [None if row is None else [_name(label, names) for label in row] for row in values]
    elif separator is not None and isinstance(feature, Value):
        # An empty cell of a CSV file is an empty string, which stands for no label.
        rows = [None if row is None else _parted(str(row), separator) for row in values]
    else:
        what = feature.dtype if isinstance(feature, Value) else type(feature).__name__
        faults.append(f"{source.where}: the column {column!r} holds {what}; expected lists of labels")
        return []
    missing = [index for index, row in enumerate(rows) if row is None or None in row]
    if missing:
        more = f", and {len(missing) - 1} more rows" if len(missing) > 1 else ""
        row = values[missing[0]]
        what = "isn't a list of labels" if row is None else "has an item that is no label"
        advice = "use an empty list for a text without labels" if row is None else "remove such items"
        faults.append(f"{source.where}, {source.place(missing[0])}{more}: {row!r} {what} (column {column!r}); {advice}")
    return [[name for name in row or () if name is not None] for row in rows]


def _name(label: Any, names: Sequence[str] | None) -> str | UnknownLabel | None:
    """Return the name of a label, by its id in ``names`` if these are given."""
    if names is None:
        return label_name(label)
    id, is_unknown = (-1, False) if label is None else label_of(label)
    if not 0 <= id < len(names):
        return None
    return UnknownLabel(names[id]) if is_unknown else names[id]


def _parted(text: str, separator: str) -> list[str | UnknownLabel | None]:
    return [label for part in text.split(separator) if (label := part.strip())]

"""Data whose texts may have several labels each: the ``label`` column holds lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from datasets import ClassLabel, Value

from textclf_core.data.columns import is_list, label_name

if TYPE_CHECKING:
    from textclf_core.data.source import Source


def label_lists(source: Source, column: str, separator: str | None, faults: list[str]) -> list[list[str]]:
    """Return the names of every row's labels, noting rows that have no list of them: an empty one is no label.

    Args:
        source: one split.
        column: the column of labels: lists, or strings that ``separator`` parts.
        separator: see :func:`~textclf_core.data.infer_columns.labelled`.
        faults: gets what is wrong, with file and row.
    """
    if fault := source.odd_fault(column, "a list of labels was wanted"):
        faults.append(fault)
        return []
    feature = source.data.features[column]
    values: Sequence[Any] = source.data[column][:]
    if is_list(feature):
        if not isinstance(feature.feature, ClassLabel | Value):
            what = type(feature.feature).__name__
            wanted = "a string or an integer for each label was wanted"
            faults.append(f"{source.where}: the column {column!r} holds lists of {what}; {wanted}")
            return []
        names = feature.feature.names if isinstance(feature.feature, ClassLabel) else None
        rows = [None if row is None else [_name(label, names) for label in row] for row in values]
    elif separator is not None and isinstance(feature, Value):
        # In CSV nothing between two commas is an empty string, which is no label.
        rows = [None if row is None else _parted(str(row), separator) for row in values]
    else:
        what = type(feature).__name__
        faults.append(f"{source.where}: the column {column!r} holds {what}; lists of labels were wanted")
        return []
    missing = [index for index, row in enumerate(rows) if row is None or not all(isinstance(name, str) for name in row)]
    if missing:
        more = f", and {len(missing) - 1} more rows" if len(missing) > 1 else ""
        faults.append(
            f"{source.where}, {source.place(missing[0])}{more}: {values[missing[0]]!r} is no list of labels (column "
            f"{column!r}); that of a text without labels is empty"
        )
    return [[name for name in row or () if isinstance(name, str)] for row in rows]


def _is_none(label: int | None) -> bool:
    return label is None or label < 0


def _name(label: Any, names: Sequence[str] | None) -> str | None:
    """Return the name of one label of a list; ``names`` are those of a ``ClassLabel``."""
    if names is None:
        return label_name(label)
    return None if _is_none(label) else names[label]


def _parted(text: str, separator: str) -> list[str | None]:
    return [label for part in text.split(separator) if (label := part.strip())]

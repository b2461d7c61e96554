"""Leaving out the rows of test that have no label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
from datasets import Dataset

from textclf_core.data.columns import label_name
from textclf_core.data.source import Source
from textclf_core.data.unknown_entries import is_unknown

_NONE = "-1"


def without_unlabelled(sources: Mapping[str, Source], labels: Sequence[str]) -> tuple[dict[str, Source], int]:
    """Return the splits without the rows of test that have no label, and the number of these.

    A row has no label if the value is missing, blank or -1 in each label column, or in each entry of its list, or if
    test has none of these columns. -1 is a label if it is one in train. If test has other columns than train, one of
    them may hold the labels, so their lack isn't accepted.

    Args:
        sources: the splits by name. If no row of test has a label, test is left out.
        labels: the label columns.
    """
    test, train = sources.get("test"), sources.get("train")
    if test is None or train is None:
        return dict(sources), 0
    columns = [test.data[name][:] for name in labels if name in test.data.column_names]
    renamed = not columns and not set(test.data.column_names) <= set(train.data.column_names)
    if renamed or any(test.odd_value(name) for name in labels):
        return dict(sources), 0  # an error that names the column or the row
    trained = {_name(value) for name in labels if name in train.data.column_names for value in train.data[name][:]}
    none = {None} if _NONE in trained else {None, _NONE}
    labelled = [
        row
        for row, values in enumerate(zip(*columns, strict=True))
        if any(_name(value) not in none for value in values)
    ]
    missing = len(test.data) - len(labelled)
    if not missing:
        return dict(sources), 0
    others = {name: source for name, source in sources.items() if name != "test"}
    return others | ({"test": test.select(labelled)} if labelled else {}), missing


def with_null_labels(sources: Mapping[str, Source], column: str, type: pa.DataType) -> dict[str, Source]:
    """Return the splits with nulls as the labels of test, if it lacks their column and has no other than train has."""
    test, train = sources.get("test"), sources.get("train")
    if test is None or train is None or column in test.data.column_names:
        return dict(sources)
    if not set(test.data.column_names) <= set(train.data.column_names):
        return dict(sources)  # one of them may hold the labels
    table = test.data.with_format("arrow")[:].append_column(column, pa.nulls(len(test.data), type))
    return {**sources, "test": replace(test, data=Dataset(table))}


def _name(value: Any) -> str | None:
    """Return a label's name; ``""`` for a list of labels, ``None`` if each of its entries is unknown."""
    if isinstance(value, list):
        return None if value and all(map(is_unknown, value)) else ""
    return label_name(value)

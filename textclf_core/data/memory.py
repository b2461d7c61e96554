"""Data in memory, such as data frames and lists."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import pyarrow as pa
from datasets import Dataset, DatasetDict

from textclf_core.data.arrow_columns import OddValue, columns_table, table_of
from textclf_core.data.infer_columns import SPLIT_OF_NAME, Columns, labelled
from textclf_core.data.source import Source
from textclf_core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("textclf")

_Table = tuple[pa.Table, dict[str, OddValue]]


def from_memory(data: object, text: Columns = None, label: Columns = None, names: Sequence[str] = ()) -> DatasetDict:
    """Return data in memory as splits with the columns ``text`` and ``label``.

    Args:
        data: a pandas ``DataFrame``, a pyarrow ``Table``, a ``Dataset``, a list of dicts, a list of (text, label)
            pairs or a dict of columns, which becomes ``train``; or a ``DatasetDict`` or a dict of any of these by
            split: ``train`` and optionally ``validation`` and ``test``.
        text: the text column, or several as a sequence or a comma-separated string; inferred and logged if not given.
        label: the label column; inferred and logged if not given. Several columns hold 0 or 1 each.
        names: the names of labels that are whole numbers from 0, in the order of their ids.

    Raises:
        DataError: as in :func:`~textclf_core.data.infer_columns.labelled`, or the object has an unsupported type.
    """
    splits = _by_split(data) if isinstance(data, Mapping) and _is_by_split(data) else {"train": data}
    sources = {name: _source(split, name) for name, split in splits.items()}
    labelled_splits = labelled(sources, text=text, label=label, names=names)
    for split in labelled_splits.values():
        split.info.description = "data in memory"
    return labelled_splits


def _is_by_split(data: Mapping[Any, object]) -> bool:
    """Return whether the keys name splits, not columns."""
    return isinstance(data, DatasetDict) or ("train" in data and all(name in SPLIT_OF_NAME for name in data))


def _by_split(data: Mapping[str, object]) -> dict[str, object]:
    """Return the splits under the names that textclf uses; other splits are dropped and logged."""
    splits: dict[str, object] = {}
    for name, split in data.items():
        known = SPLIT_OF_NAME.get(name.lower())
        if known is None:
            logger.info("the split %r is dropped: textclf uses train, validation and test", name)
        elif known in splits:
            raise DataError(f"there are two {known} splits, one of them {name!r}; remove one")
        else:
            splits[known] = split
    if "train" not in splits:
        raise DataError(f"there is no train split; the splits are: {', '.join(data) or 'none'}")
    return splits


def _source(data: object, name: str) -> Source:
    where = f"{name} (in memory)"
    if isinstance(data, Dataset):
        return Source(data.with_format(None), where)
    if isinstance(data, pa.Table):
        return Source(Dataset(data), where)
    if is_frame(data):
        table, odd = _frame_table(data)
    elif isinstance(data, Mapping):
        table, odd = _columns_table(data, name)
    elif isinstance(data, Sequence) and not isinstance(data, str | bytes):
        table, odd = _rows_table(data, name)
    else:
        raise DataError(
            f"{name}: a {type(data).__module__}.{type(data).__qualname__} can't be read as data; pass a pandas "
            "DataFrame, a pyarrow Table, a Dataset, a list of dicts or (text, label) pairs, or a dict of columns"
        )
    return Source(Dataset(table), where, odd_values=odd)


def is_frame(data: object) -> TypeGuard[pd.DataFrame]:
    """Return whether data is a pandas data frame; by name, since an isinstance check would import pandas."""
    return type(data).__name__ == "DataFrame" and type(data).__module__.partition(".")[0] == "pandas"


def _frame_table(frame: pd.DataFrame) -> _Table:
    """Return the columns of a data frame, without its index; NaN, NA and None become null."""
    columns = {}
    for name, column in frame.items():
        columns[str(name)] = column.astype(object).where(column.notna(), None).tolist()
    return columns_table(columns)


def _columns_table(columns: Mapping[Any, Any], where: str) -> _Table:
    lists = {str(name): list(values) for name, values in columns.items()}  # arrays, Series, tuples...
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(f"{where}: the columns must have the same length, but {found}")
    return columns_table(lists)


def _rows_table(rows: Sequence[object], where: str) -> _Table:
    if not rows:
        raise DataError(f"{where}: the list is empty")
    if all(isinstance(row, Mapping) for row in rows):
        return table_of([{str(name): value for name, value in row.items()} for row in rows])  # type: ignore[attr-defined]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, tuple | list) or len(row) != 2:
            raise DataError(f"{where}, row {number}: expected a (text, label) pair, or dicts only; got {row!r}")
    pairs = [(row[0], row[1]) for row in rows]  # type: ignore[index]
    return columns_table({"text": [p[0] for p in pairs], "label": [p[1] for p in pairs]})

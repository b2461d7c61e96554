"""Data in memory, such as data frames and lists."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

import numpy as np
import pyarrow as pa
from datasets import Dataset, DatasetDict, IterableDataset, IterableDatasetDict

from textclf_core.data.arrow_columns import OddValue, check_names, check_types, columns_table, plain_table, table_of
from textclf_core.data.guessed_columns import LABEL_NAMES, TEXT_NAMES, Columns
from textclf_core.data.infer_columns import SPLIT_OF_NAME, labelled
from textclf_core.data.label_spelling import Labels
from textclf_core.data.marked_columns import mark_columns
from textclf_core.data.source import Source
from textclf_core.errors import DataError, shortened, some_of
from textclf_core.types.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("textclf")

_Table = tuple[pa.Table, dict[str, OddValue]]
_ROWS_PER_STEP = 1000


def from_memory(
    data: object,
    text: Columns = None,
    label: Columns = None,
    names: Sequence[str] = (),
    *,
    labels: Labels | None = None,
    bins: Sequence[float] = (),
    label_separator: str | None = None,
    empty: Literal["keep", "drop"] = "keep",
    group: str | None = None,
    time: str | None = None,
    source: str = "data in memory",
    read_by_plugin: bool = False,
    progress: Progress | None = None,
) -> DatasetDict:
    """Return data in memory as splits with the columns ``text`` and ``label``.

    Args:
        data: a pandas or polars ``DataFrame``, a pyarrow ``Table`` or any other table of the Arrow interface, a
            ``Dataset``, a list of dicts, a list of (text, label) pairs, a generator or an ``IterableDataset`` of such
            rows, or a dict of columns, which becomes ``train``; or a ``DatasetDict`` or a dict of any of these by
            split: ``train`` and optionally ``validation`` and ``test``, under any of their usual names.
        text: the text column, or several as a sequence or a comma-separated string; inferred and logged if not given.
        label: the label column; inferred and logged if not given. Several columns hold 0 or 1 each.
        names: the names of labels that are whole numbers from 0, in the order of their ids.
        labels: see :func:`~textclf_core.data.label_spelling.settled_labels`.
        bins: the edges of the classes into which numbers are divided; see there.
        label_separator: the separator of several labels in one string.
        empty: whether rows with an empty text are kept or dropped.
        group: the column of groups; see :func:`~textclf_core.data.marked_columns.mark_columns`.
        time: the column of times; see there.
        source: what the records call the origin of the data.
        read_by_plugin: whether a dataset plugin has read the data; messages then name its source and its options.
        progress: where to show how many rows of a generator were read; nowhere if not given.

    Raises:
        DataError: as in :func:`~textclf_core.data.infer_columns.labelled`, or the object has an unsupported type.
    """
    splits = _by_split(data, read_by_plugin) if isinstance(data, Mapping) and _is_by_split(data) else {"train": data}
    progress = progress or Progress(quiet=True)
    sources = {name: replace(_source(split, name, progress), in_memory=True) for name, split in splits.items()}
    if read_by_plugin:
        sources = {name: replace(one, where=f"{source}, {name}", in_memory=False) for name, one in sources.items()}
    labelled_splits = labelled(
        sources,
        text=text,
        label=label,
        label_separator=label_separator,
        empty=empty,
        labels=labels,
        bins=bins,
        names=names,
    )
    for split in labelled_splits.values():
        split.info.description = source
    mark_columns(labelled_splits, group=group, time=time)
    return labelled_splits


def _is_by_split(data: Mapping[Any, object]) -> bool:
    """Return whether the keys name splits, not columns."""
    if isinstance(data, DatasetDict | IterableDatasetDict):
        return True
    known = [_split_of(name) for name in data]
    if "train" in known and None not in known:
        return True
    if any(_split_names(data).values()) and all(map(_is_table, data.values())):
        return True
    return bool(data) and all(isinstance(value, Mapping) or _has_columns(value) for value in data.values())


def _split_names(data: Iterable[object]) -> dict[str, str | None]:
    """Return the split that each name stands for; ``None`` if it is unknown.

    A name of several words, such as ``train_df``, stands for the split that one of them names, unless that split has
    its own name among the others.
    """
    names = {str(name): _split_of(name) for name in data}
    own = set(names.values())
    for name in [name for name, split in names.items() if split is None]:
        of_words = {SPLIT_OF_NAME[word] for word in re.findall(r"[a-z]+", name.lower()) if word in SPLIT_OF_NAME}
        if len(of_words) == 1 and own.isdisjoint(of_words):
            [names[name]] = of_words
    return names


def _split_of(name: object) -> str | None:
    return SPLIT_OF_NAME.get(str(name).lower())


def _is_table(data: object) -> bool:
    """Return whether data has rows of several columns, and so isn't a column."""
    if isinstance(data, Mapping | Iterator) or _has_columns(data):
        return True
    return isinstance(data, Sequence) and len(data) > 0 and isinstance(data[0], Mapping | tuple | list)


def _has_columns(data: object) -> bool:
    return hasattr(data, "column_names") or hasattr(data, "columns")


def _by_split(data: Mapping[Any, object], read_by_plugin: bool) -> dict[str, object]:
    """Return the splits under the names that textclf uses; other splits are dropped and logged."""
    splits: dict[str, object] = {}
    known_as = _split_names(data)
    for name, split in data.items():
        known = known_as[str(name)]
        if known is None:
            continue
        if known in splits:
            raise DataError(f"there are two {known} splits, one of them {str(name)!r}; remove one")
        splits[known] = split
        if _split_of(name) is None:
            logger.info("the split %r is used as %s", str(name), known)
    if "train" not in splits:
        hint = ". Name them train, validation and test"
        if read_by_plugin:
            hint = '. To train on one of them, load it in Python and call textclf_core.run(data={"train": SPLIT}, ...)'
        elif not any(known_as.values()) and all(isinstance(split, Mapping) for split in data.values()):
            hint += '. If the dicts are rows, pass list(data.values()); of columns by index, frame.to_dict("list")'
        raise DataError(f"there is no train split; the splits are: {some_of([*map(str, data)], 5) or 'none'}{hint}")
    if dropped := [repr(name) for name, known in known_as.items() if known is None]:
        what = "split %s is" if len(dropped) == 1 else "splits %s are"
        logger.info(f"the {what} dropped: textclf uses train, validation and test", some_of(dropped, 5))
    return splits


def _source(data: object, name: str, progress: Progress) -> Source:
    where = f"{name} (in memory)"
    if isinstance(data, Dataset):
        if data.format["type"] == "custom":
            logger.warning("%s: the transform of the data set (set_transform) isn't applied; use map() for it", where)
        return Source(data.with_format(None), where)
    if isinstance(data, IterableDataset) and data.features:
        rows = _collected(data.with_format(None), name, progress)
        return Source(Dataset.from_list(rows, features=data.features), where)
    if is_frame(data):
        table, odd = _frame_table(data, name)
    elif _is_arrow(data):
        return Source(Dataset(_arrow_table(data, name)), where)
    elif isinstance(data, Mapping):
        table, odd = _columns_table(data, name)
    elif isinstance(data, np.ndarray):
        table, odd = _rows_table(data.tolist(), name)
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes | bytearray | AbstractSet):
        table, odd = _rows_table(data if isinstance(data, Sequence) else _collected(data, name, progress), name)
    else:
        if isinstance(data, str | os.PathLike):
            raise DataError(
                f"{name}: data= is for data in memory; the file or folder {shortened(str(data))} is read by a dataset "
                "plugin, named in plugins= with its option: NAME:path=PATH"
            )
        if hasattr(data, "collect"):
            raise DataError(f"{name}: a {type(data).__qualname__} has no rows yet; pass what its collect() returns")
        raise DataError(
            f"{name}: a {type(data).__module__}.{type(data).__qualname__} can't be read as data; pass a pandas or "
            "polars DataFrame, a pyarrow Table, a Dataset, a list or generator of dicts or (text, label) pairs, or a "
            "dict of columns"
        )
    return Source(Dataset(table), where, odd_values=odd)


def _collected(data: Iterable[Any], name: str, progress: Progress) -> list[Any]:
    """Return the rows of an iterable, which are counted while they are read."""
    rows = []
    with progress.bar(f"read {name}", None, "rows") as bar:
        for row in data:
            rows.append(row)
            if len(rows) % _ROWS_PER_STEP == 0:
                bar.advance(_ROWS_PER_STEP)
    return rows


def _is_arrow(data: object) -> bool:
    """Return whether data has the interface by which libraries exchange Arrow tables, as frames of polars have it."""
    is_column = type(data).__name__ in ("Series", "Index")
    return not is_column and (hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"))


def _arrow_table(data: Any, where: str) -> pa.Table:
    try:
        table = pa.table(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        what = f"{type(data).__module__}.{type(data).__qualname__}"
        raise DataError(f"{where}: a {what} can't be read as a table: {error}") from None
    check_names(table, where)
    table = plain_table(table)
    check_types(table, f"{where} (in memory)")
    return table


def is_frame(data: object) -> TypeGuard[pd.DataFrame]:
    """Return whether data is a pandas data frame; by name, since an isinstance check would import pandas."""
    return type(data).__name__ == "DataFrame" and type(data).__module__.partition(".")[0] == "pandas"


def _frame_table(frame: pd.DataFrame, where: str) -> _Table:
    """Return the columns of a data frame, without its index; NaN, NA and None become null."""
    columns: dict[str, list[Any]] = {}
    for name, column in frame.items():
        if str(name) in columns:
            raise DataError(f"{where}: two columns are named {str(name)!r}; rename one")
        if column.dtype in ("float16", "float32"):  # 0.1, and not 0.10000000149011612
            column = column.astype(str).astype(float)
        columns[str(name)] = column.astype(object).where(column.notna(), None).tolist()
    return columns_table(columns)


def _columns_table(columns: Mapping[Any, Any], where: str) -> _Table:
    for name, values in columns.items():
        if isinstance(values, str | bytes) or not isinstance(values, Iterable):
            raise DataError(
                f"{where}: the column {str(name)!r} is a {type(values).__name__}, not a list of values; for a single "
                "row, pass a list with it"
            )
    lists = {str(name): list(values) for name, values in columns.items()}  # arrays, Series, tuples...
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        found = some_of([f"{name} has {length}" for name, length in lengths.items()], 5)
        raise DataError(f"{where}: the columns must have the same length, but {found}")
    return columns_table(lists)


def _rows_table(rows: Sequence[object], where: str) -> _Table:
    if not rows:
        raise DataError(f"{where}: the list is empty")
    if all(isinstance(row, Mapping) for row in rows):
        return table_of([{str(name): value for name, value in row.items()} for row in rows])  # type: ignore[attr-defined]
    if all(isinstance(row, str) for row in rows):  # texts without labels, as test may have them
        return columns_table({"text": rows})
    for number, row in enumerate(rows, 1):
        if _has_columns(row):
            raise DataError(
                f"{where}, row {number}: a {type(row).__name__} in a list; join tables to one, or pass splits as a dict"
            )
        if not isinstance(row, tuple | list) or len(row) != 2:
            of_columns = len(rows) == 2 and all(isinstance(one, list | tuple) for one in rows)
            of_columns = of_columns and len(rows[0]) == len(rows[1])  # type: ignore[arg-type]
            raise DataError(
                f"{where}, row {number}: expected a (text, label) pair, or dicts only; got {shortened(row)}"
                + (". For a list of texts and one of labels, pass list(zip(texts, labels))" if of_columns else "")
            )
        if number == 1 and str(row[0]).lower() in TEXT_NAMES and str(row[1]).lower() in LABEL_NAMES:
            raise DataError(f"{where}, row 1: {shortened(row)} is a header; leave it out, or pass dicts")
    texts, labels = [row[0] for row in rows], [row[1] for row in rows]  # type: ignore[index]
    words = all(isinstance(text, list | tuple | np.ndarray) for text in texts)
    return columns_table({"tokens" if words else "text": texts, "label": _annotations(labels)})


def _annotations(labels: Sequence[Any]) -> Sequence[Any]:
    """Return what pairs of spaCy have as ``{"cats": ...}`` or ``{"entities": ...}`` without this key."""
    for key in ("cats", "entities"):
        if all(isinstance(label, Mapping) and [*label] == [key] for label in labels):
            values = [label[key] for label in labels]
            return [[list(span) for span in value] for value in values] if key == "entities" else values
    return labels

"""Texts and rows in memory, as Python users have them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.data.memory import is_frame
from textclf_core.errors import UsageError
from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

_ACCEPTED = "pass a text, a list of texts or of rows (dicts), a data frame, an Arrow table or a Dataset"
_TO_ITEMS = ("to_dicts", "to_pylist", "to_list", "tolist")  # of polars, Arrow, Dataset and series, NumPy


def given_rows(data: object, task: Task) -> list[dict[str, Any]]:
    """Return data as rows: dicts with the texts and, if the data is a table, its other columns.

    Args:
        data: a text; an iterable of texts, of rows, or of the texts of each row, in the order of the text columns; a
            row, a dict of columns, a data frame, an Arrow table or a ``Dataset``.
        task: the task, whose text columns name several texts. A single text is in the column ``text``.

    Raises:
        UsageError: the data or one of its items is of another type.
    """
    items = _items(data, task)
    rows = [isinstance(item, Mapping) for item in items]
    if len(items) > 1 and kind_of(task).readable([]) is not None and all(map(_is_word, items)):
        logger.warning(
            "%d items of one word each are read as %d texts; for the words of one text, pass a list with their list",
            len(items),
            len(items),
        )
    if any(rows) and not all(rows) and len(task.text_columns) == 1:
        other = rows.index(not rows[0])
        raise UsageError(f"item 1 is a {_kind(items[0])} and item {other + 1} is a {_kind(items[other])}: {_ACCEPTED}.")
    return [_row(item, task, number) for number, item in enumerate(items, 1)]


def _items(data: Any, task: Task) -> Sequence[Any]:
    if isinstance(data, str):
        _check_no_file(data)
        return [data]
    if is_frame(data):
        _check_names([str(name) for name in data.columns])
        columns = {str(name): column.astype(object).where(column.notna(), None) for name, column in data.items()}
        return _rows_of(columns)
    if isinstance(data, Mapping):
        return _rows_of_mapping(data, task)
    for method in _TO_ITEMS:
        if hasattr(data, method):
            _check_names(getattr(data, "column_names", None) or ())
            items = getattr(data, method)()
            return items if isinstance(items, list) else [items]
    if isinstance(data, bytes | bytearray | AbstractSet) or not isinstance(data, Iterable):
        raise UsageError(f"a {type(data).__name__} can't be predicted: {_ACCEPTED}.")
    return list(data)


def _rows_of_mapping(data: Mapping[Any, Any], task: Task) -> list[dict[str, Any]]:
    """Return a dict of columns as rows, and a row as the only one."""
    named = {str(name): value for name, value in data.items()}
    if named and all(map(_is_table, named.values())):
        names = ", ".join(map(repr, list(named)[:5]))
        raise UsageError(f"a {type(data).__name__} of {names} holds several tables: pass one of them.")
    if not all(isinstance(value, Iterable) and not isinstance(value, str | bytes) for value in named.values()):
        return [named]
    columns = {name: list(value) for name, value in named.items()}
    if columns and all(kind_of(task).readable(column) is not None for column in columns.values()):
        raise UsageError("a dict of lists of words may be one row or a dict of columns: pass a list of rows.")
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
        raise UsageError(f"the columns must have the same length, but {found}; for a single row, pass a list with it.")
    return _rows_of(columns)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) or is_frame(value) or hasattr(value, "column_names")


def _rows_of(columns: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _row(item: Any, task: Task, number: int) -> dict[str, Any]:
    columns = task.text_columns
    if isinstance(item, Mapping):
        _check_names([str(name) for name in item])
        return {str(name): value for name, value in item.items()}
    if len(columns) == 1:
        return {"text": item}
    if not isinstance(item, list | tuple) or len(item) != len(columns):
        came = f"{len(item)}" if isinstance(item, list | tuple) else f"a {_kind(item)}"
        raise UsageError(
            f"item {number}: the model reads {len(columns)} texts per row ({', '.join(columns)}), but got {came}."
        )
    return dict(zip(columns, item, strict=True))


def _check_names(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise UsageError(f"two columns are called {twice!r}: rename one.")


def _is_word(item: object) -> bool:
    return isinstance(item, str) and len(item.split()) == 1


def _kind(item: object) -> str:
    return "row" if isinstance(item, Mapping) else type(item).__name__


def _check_no_file(text: str) -> None:
    """Refuse the name of a file, whose texts are probably meant."""
    from textclf_core.data.reading import FORMAT_OF_SUFFIX, plain_name

    path = Path(text)
    if len(text) < 1000 and plain_name(path).suffix.lower() in FORMAT_OF_SUFFIX and path.is_file():
        raise UsageError(f"{text!r} is the name of a file: read it first, or use textclf predict --input {text}.")

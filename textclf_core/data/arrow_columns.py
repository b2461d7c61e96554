"""Python values as Arrow columns."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from textclf_core.data.columns import label_name
from textclf_core.errors import DataError
from textclf_core.types.unicode import valid_text

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = (str, bool, int, float)
_ROWS_PER_CHUNK = 10_000
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True)
class OddValue:
    """The first value of a column that is no text or label: its row, from 0, and its type.

    If ``among_texts``, it is a number or a boolean, and others of the column are texts: a label, but no text.
    """

    row: int
    type: str
    among_texts: bool = False


def table_of(rows: Sequence[Mapping[str, Any]]) -> tuple[pa.Table, dict[str, OddValue]]:
    """Return rows as an Arrow table, and the odd values of its columns; a key missing from a row becomes null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return columns_table({name: [row.get(name) for row in rows] for name in names})


def columns_table(columns: Mapping[str, Sequence[Any]]) -> tuple[pa.Table, dict[str, OddValue]]:
    """Return columns of values as an Arrow table, and the odd values of each."""
    import pyarrow as pa

    made = {name: _column(values) for name, values in columns.items()}
    return pa.table({name: array for name, (array, _) in made.items()}), {
        name: odd for name, (_, odd) in made.items() if odd
    }


def plain_table(table: pa.Table) -> pa.Table:
    """Return a table without the index columns of pandas, with categories, views and large lists as plain columns."""
    import pyarrow as pa

    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        if _PANDAS_INDEX.fullmatch(field.name):
            continue
        plain = _plain_type(field.type)
        columns.append(column if plain == field.type else _plain_column(column, plain))
        fields.append(pa.field(field.name, plain))
    return pa.table(columns, pa.schema(fields, table.schema.metadata))


def check_names(table: pa.Table, where: str) -> None:
    """Check that each column has a name of its own.

    Raises:
        DataError: two columns have one name.
    """
    names = table.column_names
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{where}: two columns are named {twice!r}; rename one")


def check_types(table: pa.Table, where: str) -> None:
    """Check that a ``Dataset`` can hold the columns.

    Raises:
        DataError: a column has another type, such as a map.
    """
    import pyarrow as pa
    from datasets import Features

    for field in table.schema:
        try:
            Features.from_arrow_schema(pa.schema([(field.name, field.type)]))
        except ValueError:
            raise DataError(
                f"{where}: the column {field.name!r} holds {field.type}, which can't be read; remove the column, or "
                "convert it to texts, numbers, or lists of them"
            ) from None


def _plain_column(column: pa.ChunkedArray, type: pa.DataType) -> pa.ChunkedArray:
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return column.cast(type)
    # Arrow can't cast the categories of polars, which are views.
    return pa.chunked_array([chunk.dictionary.cast(type).take(chunk.indices) for chunk in column.chunks], type)


def _plain_type(type: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_dictionary(type):
        return _plain_type(type.value_type)
    if pa.types.is_string_view(type):
        return pa.string()
    if pa.types.is_large_list(type) or pa.types.is_list_view(type) or pa.types.is_large_list_view(type):
        return pa.list_(_plain_type(type.value_type))
    return pa.list_(_plain_type(type.value_type)) if pa.types.is_list(type) else type


def column_types(rows: Iterable[Mapping[str, Any]]) -> dict[str, pa.DataType]:
    """Return the columns of rows with a type that holds all of a column's values: text, if no other does."""
    import pyarrow as pa

    types: dict[str, pa.DataType] = {}
    iterator = iter(rows)
    while chunk := list(islice(iterator, _ROWS_PER_CHUNK)):
        for name in dict.fromkeys(chain.from_iterable(chunk)):
            found = _type_of([row.get(name) for row in chunk])
            types[name] = _common_type(types.get(name, pa.null()), found)
    return types


def _type_of(values: Sequence[Any]) -> pa.DataType:
    """Return the type of values, text if Parquet can't hold them as they are."""
    import pyarrow as pa

    types = {type(value) for value in values if value is not None}
    if types <= {str}:
        return pa.string() if types else pa.null()
    # Arrow reads an integer among floats as a float, and rounds a large one.
    if types == {int, float} and any(isinstance(value, int) and abs(value) > 2**53 for value in values):
        return pa.string()
    try:
        found = pa.array(values).type
    except (pa.ArrowException, OverflowError, UnicodeError):
        return pa.string()
    return pa.string() if "struct<>" in str(found) else found


def _common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    try:
        schemas = [pa.schema([("column", type)]) for type in (one, other)]
        return pa.unify_schemas(schemas).field("column").type
    except pa.ArrowException:
        return pa.string()


def _column(values: Sequence[Any]) -> tuple[pa.Array, OddValue | None]:
    """Return values as one column, with NaN as null.

    Values of several types become text, by their names as labels, which are the same for ``1``, ``1.0`` and ``"1"``.
    Lists stay lists if they hold only texts, booleans and numbers, which become texts where they are of several types.
    A column with any other value becomes JSON text.
    """
    import numpy as np
    import pyarrow as pa

    plain = [value if type(value) in _PLAIN or value is None else _base(value) for value in values]
    plain = [None if isinstance(value, float) and math.isnan(value) else value for value in plain]
    types = {type(value) for value in plain if value is not None}
    if types <= set(_PLAIN):
        too_long = types == {int} and any(value is not None and not -(2**63) <= value < 2**63 for value in plain)
        if len(types) <= 1 and not too_long:
            return pa.array(_encodable(plain) if types == {str} else plain, None if types else pa.string()), None
        named = [_name(value) for value in plain]
        row = next((row for row, value in enumerate(plain) if not isinstance(value, str | None)), 0)
        odd = OddValue(row, type(plain[row]).__name__, among_texts=True) if str in types else None
        return pa.array(_encodable(named), pa.string()), odd
    lists = [value.tolist() if isinstance(value, np.ndarray) else value for value in plain]
    if all(value is None or isinstance(value, list | tuple) for value in lists):
        inner = {type(item) for value in lists for item in value or () if item is not None}
        if inner == {int, float} and not any(abs(item or 0) > 2**53 for value in lists for item in value or ()):
            inner = {float}
        if len(inner) > 1 and inner <= set(_PLAIN):  # by their names as labels, as values that are no lists
            lists = [value if value is None else [_name(item) for item in value] for value in lists]
            inner = {str}
        types_of = {str: pa.string(), int: pa.int64(), bool: pa.bool_(), float: pa.float64()}
        of_item = types_of.get(inner.pop()) if len(inner) == 1 else None if inner else pa.string()
        if of_item is not None:
            return pa.array([value if value is None else _encodable(value) for value in lists], pa.list_(of_item)), None
    row = next(row for row, value in enumerate(plain) if value is not None and not isinstance(value, _PLAIN))
    texts = [value if value is None or isinstance(value, str) else json.dumps(value, default=str) for value in plain]
    return pa.array(_encodable(texts), pa.string()), OddValue(row, type(plain[row]).__name__)


def _base(value: Any) -> Any:
    """Return a value of NumPy, or a text or number of a subclass, such as a member of an ``IntEnum``, as Python's."""
    import numpy as np

    if isinstance(value, np.float32 | np.float16):
        return float(str(value))  # 0.1, of which item() makes 0.10000000149011612
    if isinstance(value, np.generic):
        return value.item()
    for type in (str, int, float):
        if isinstance(value, type) and not isinstance(value, bool):
            return type.__str__(value) if type is str else type(value)
    return value


def _name(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else label_name(value)


def texts_column(values: Sequence[str]) -> pa.Array:
    """Return texts as one column, valid in UTF-8."""
    import pyarrow as pa

    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array(_encodable(values), pa.string())


def _encodable(values: Sequence[Any]) -> list[Any]:
    """Return values with texts valid in UTF-8."""
    return [valid_text(value) if isinstance(value, str) else value for value in values]

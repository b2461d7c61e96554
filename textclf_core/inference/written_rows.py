"""Writing rows with any values that files can hold: JSON lines, CSV, TSV and Parquet."""

from __future__ import annotations

import base64
import csv
import json
import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from textclf_core.types.unicode import valid_text

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger("textclf")

_ROWS_PER_GROUP = 10_000


def write_json_lines(rows: Iterable[Mapping[str, Any]], stream: IO[str]) -> None:
    """Write one JSON object per row.

    Half an emoji is written as its escape sequence. NaN and infinity, which JSON lacks, are written as ``null``; rows
    with infinity are counted in the log.
    """
    infinite = _Infinite()
    for row in rows:
        line = _json(row)
        stream.write(f"{line if valid_text(line) == line else _json(row, ascii=True)}\n")
        stream.flush()
        if "null" in line:
            infinite.see(row)
    infinite.log()


def write_separated(rows: Iterable[Mapping[str, Any]], columns: Iterable[str], stream: IO[str], separator: str) -> None:
    """Write a table with a header, and values as :func:`cell_text` gives them."""
    columns = tuple(columns)
    writer = csv.writer(_Lines(stream), delimiter=separator)
    writer.writerow(map(valid_text, columns))
    infinite = _Infinite()
    for row in rows:
        infinite.see({name: value for name, value in row.items() if isinstance(value, dict | list | tuple)})
        writer.writerow([cell_text(row.get(name)) for name in columns])
        stream.flush()
    infinite.log()


def write_parquet(rows: Iterable[Mapping[str, Any]], types: Mapping[str, pa.DataType], path: Path) -> None:
    """Write columns of these types. In columns of strings, other values are written as :func:`cell_text` gives them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(valid_text(name), type) for name, type in types.items()])
    iterator = iter(rows)
    with pq.ParquetWriter(path, schema) as writer:
        while group := list(islice(iterator, _ROWS_PER_GROUP)):
            arrays = [_array([row.get(name) for row in group], type) for name, type in types.items()]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def cell_text(value: object) -> str:
    """Return a value as the text of a cell.

    A missing value is empty, infinity ``inf``, a boolean ``true`` or ``false``, a date or time in ISO format. Bytes are
    in base64, lists and objects in JSON. Half an emoji becomes U+FFFD.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | list | tuple | dict):
        return valid_text(_json(value))
    return valid_text(value if isinstance(value, str) else _plain(value))


class _Infinite:
    """Counts the rows with infinity that are written as JSON, by column."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()

    def see(self, row: Mapping[str, Any]) -> None:
        self._rows.update(name for name, value in row.items() if _has_infinity(value))

    def log(self) -> None:
        for name, rows in self._rows.items():
            logger.warning("the column %r has infinity in %d rows: JSON lacks it, so it is null there", name, rows)


class _Lines:
    r"""A stream for a csv writer: rows end with ``\n``, and cells with a line end of any kind are quoted."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, row: str) -> None:
        self._stream.write(row.removesuffix("\r\n") + "\n")


def _array(values: list[Any], type: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_string(type):
        missing = [value is None or (isinstance(value, float) and math.isnan(value)) for value in values]
        return pa.array([None if no else cell_text(value) for value, no in zip(values, missing, strict=True)], type)
    return pa.array([_valid(value) for value in values], type)


def _valid(value: Any) -> Any:
    """Return a value whose texts are valid in UTF-8."""
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, dict):
        return {valid_text(name): _valid(of_name) for name, of_name in value.items()}
    return [_valid(item) for item in value] if isinstance(value, list) else value


def _json(value: object, ascii: bool = False) -> str:
    try:
        return json.dumps(value, ensure_ascii=ascii, default=_plain, allow_nan=False)
    except ValueError:  # a number that isn't finite
        return json.dumps(_finite(value), ensure_ascii=ascii, default=_plain)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(of_name) for name, of_name in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _has_infinity(value: Any) -> bool:
    if isinstance(value, dict | list | tuple):
        return any(map(_has_infinity, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and math.isinf(value)


def _plain(value: Any) -> str:
    """Return a date, time, decimal number, bytes or another value as text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)

"""Rows from JSON: one object per line, an array, an object of columns, or an object that contains an array."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from textclf_core.errors import DataError, some_of

logger = logging.getLogger("textclf")

_BLANKS = re.compile(r"\s*")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; refuse one with a name that occurs twice, of which Python would keep the last value."""
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"the name {twice!r} occurs twice in an object")
    return values


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def json_lines(lines: Iterable[str], where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number, from 1, and the object of each line that isn't blank.

    Raises:
        DataError: a line isn't a JSON object.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            whole = "; if the file is one JSON document, name it .json" if line.strip() in ("[", "{") else ""
            raise DataError(
                f"{where}, line {number}: {_not_json(error)}; expected one object per line{whole}"
            ) from None
        if not isinstance(row, dict):
            whole = "; if the file is one array of objects, name it .json" if isinstance(row, list) else ""
            raise DataError(f"{where}, line {number}: a JSON {type(row).__name__}; expected one object per line{whole}")
        yield number, row


def json_document(lines: Iterable[str], where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a ``.json`` file, each with the line where it starts, or its row number if it has no line.

    Raises:
        DataError: the file isn't JSON, or has no rows.
    """
    text = "".join(lines)
    begins = text.lstrip()[:1]
    if begins == "[":
        yield from _elements(text, where)
    elif begins != "{" or _is_lines(text):
        yield from json_lines(text.split("\n"), where)
    else:
        yield from enumerate(_rows_of(_parsed(text, where), where), 1)


def _is_lines(text: str) -> bool:
    """Return whether the first line is a complete object and other lines follow."""
    first, _, rest = text.lstrip().partition("\n")
    try:
        return isinstance(_DECODER.decode(first), dict) and bool(rest.strip())
    except (ValueError, RecursionError):
        return False


def _elements(text: str, where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    place, line, counted = text.index("[") + 1, 1, 0
    while True:
        place = _after_blanks(text, place)
        if text[place : place + 1] == "]":
            break
        line, counted = line + text.count("\n", counted, place), place
        try:
            row, place = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            line = getattr(error, "lineno", line)
            raise DataError(f"{where}, line {line}: {_not_json(error)}") from None
        if not isinstance(row, dict):
            raise DataError(f"{where}, line {line}: a JSON {type(row).__name__}; expected an array of objects")
        yield line, row
        place = _after_blanks(text, place)
        if text[place : place + 1] not in (",", "]"):
            line += text.count("\n", counted, place)
            raise DataError(f"{where}, line {line}: not JSON (expected a comma or the end of the array)")
        place += text[place] == ","
    if text[place + 1 :].strip():
        raise DataError(f"{where}: text follows the JSON array; for one object per line, name the file .jsonl")


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        document: dict[str, Any] = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}, line {getattr(error, 'lineno', 1)}: {_not_json(error)}") from None
    return document


def _not_json(error: Exception) -> str:
    """Return why a text isn't JSON: an error of the syntax, a number of too many digits, or too deep nesting."""
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON ({error.msg} at column {error.colno})"
    return f"not JSON that can be read ({error})"


def _rows_of(document: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    if (split := _of_split_frame(document)) is not None:
        logger.info("%s: read as a frame that pandas wrote with orient='split'", where)
        return split
    lists = {name: value for name, value in document.items() if isinstance(value, list)}
    if document and len(lists) == len(document) and not any(_holds_objects(value) for value in lists.values()):
        lengths = {len(value) for value in lists.values()}
        if len(lengths) > 1:
            found = ", ".join(f"{name} has {len(value)}" for name, value in lists.items())
            raise DataError(f"{where}: the columns must have the same length, but {found}")
        logger.info("%s: read as one object of columns: %s", where, some_of([*document], 20))
        return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
    tables = [name for name, value in lists.items() if _holds_objects(value)]
    if len(tables) == 1:
        logger.info("%s: the rows are taken from the array %r", where, tables[0])
        return list(lists[tables[0]])
    if document and all(isinstance(value, dict) for value in document.values()):  # as pandas writes a frame
        keys = list(next(iter(document.values())))
        if _are_keys_of_rows(document, keys):
            logger.info("%s: read as one object of rows, by their keys: %s", where, some_of([*document], 5))
            return list(document.values())
        if all(list(value) == keys for value in document.values()):
            logger.info("%s: read as one object of columns: %s", where, some_of([*document], 20))
            return [{name: value[key] for name, value in document.items()} for key in keys]
    if tables:
        raise DataError(
            f"{where}: the object has several arrays of rows: {', '.join(tables)}. Keep one of them, or write each "
            "into a file of its own (train.json, test.json), and read their folder."
        )
    return [dict(document)]


def _of_split_frame(document: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the rows of an object with the names of the columns and lists of cells; ``None`` for others."""
    if not {"columns", "data"} <= set(document) <= {"columns", "data", "index"}:
        return None
    names, rows = document["columns"], document["data"]
    if not (isinstance(names, list) and isinstance(rows, list) and all(isinstance(name, str) for name in names)):
        return None
    if len(set(names)) < len(names) or not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return None
    return [dict(zip(names, row, strict=True)) for row in rows]


def _are_keys_of_rows(document: Mapping[str, Mapping[str, Any]], keys: Sequence[str]) -> bool:
    """Return whether the keys of an object of objects name rows, whose keys then name columns, and not the reverse."""
    of_rows = all(map(str.isdecimal, document))
    of_columns = all(map(str.isdecimal, keys))
    return of_rows > of_columns or (of_rows == of_columns and len(keys) < len(document))


def _holds_objects(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(item, dict) for item in value)

"""Converting the various forms of several labels per text into lists of names or ids."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, List, Value

from textclf_core.data.columns import holds, is_list, is_text, label_name
from textclf_core.data.in_python import to_name_in_python
from textclf_core.data.source import Changes, Source
from textclf_core.data.tagged_words import TAG_NAMES, WORD_NAMES
from textclf_core.data.unknown_entries import is_unknown
from textclf_core.errors import DataError, shortened
from textclf_core.types.indicators import unknown_id

_LITERAL = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\"""")
_MOST = 2**53  # larger integers aren't exact as floats
_VECTOR = re.compile(r"[01](?:[ ,;|][01])+")
_LOOKS_LIKE_LIST = re.compile(r"\[[^\[\]]*,[^\[\]]*\]|\{[^{}]*,[^{}]*\}")  # the latter as PostgreSQL writes arrays
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+|nan)")


def with_lists(
    sources: Mapping[str, Source],
    column: str,
    changes: Changes,
    names: Sequence[str] = (),
    *,
    separated: bool = False,
    exact: bool = False,
) -> dict[str, Source]:
    """Return the splits with lists of labels, if the column holds lists as text or vectors of zeros and ones.

    Sets and tuples that Python wrote as text are lists too.

    Args:
        sources: the splits by name.
        column: the label column.
        changes: what was changed is added to it.
        names: the labels' names in the order of their ids, for labels that are numbers.
        separated: whether a separator parts several labels in one string.
        exact: whether each text is a label, if only some are lists.

    Raises:
        DataError: the number of names isn't the number of labels, only some of the texts are lists, or the rows have
            vectors of different lengths.
    """
    found = dict(sources)
    if (not exact and _are_vectors_as_text(found, column)) or _are_lists_as_text(
        found, column, refuse_some=not (separated or exact)
    ):
        changes.add("%s: the texts in the column %r are parsed as lists", _where(found), column)
        found = _parsed(found, column)
    found = _with_digits_as_numbers(found, column)
    width = _vector_width(found, column)
    if width:
        if names and len(names) != width:
            raise DataError(
                f"{_where(found)}: names= has {len(names)} names, but each row of {column!r} has {width} values"
            )
        changes.add(
            "%s: the column %r has a 0 or 1 for each of %d labels%s",
            _where(found),
            column,
            width,
            "" if names else f", which are named by their position, from 0 ({_to_name(found, column)})",
        )
        feature = List(ClassLabel(names=list(names or map(str, range(width)))))
        return {name: with_column(one, column, _places(one, column), feature) for name, one in found.items()}
    return {name: _named(one, column, names) for name, one in found.items()} if names else found


def with_lists_of_words(
    sources: Mapping[str, Source], words: str | None, tags: str | None, changes: Changes
) -> dict[str, Source]:
    """Return the splits with lists of words and of tags, if these are lists as text, as pandas writes them to CSV.

    Args:
        sources: the splits by name.
        words: the column of words; ``tokens`` or ``words`` if not given.
        tags: the column of tags; all of the usual names if not given.
        changes: what was changed is added to it.
    """
    found = dict(sources)
    features = (sources.get("train") or next(iter(sources.values()))).data.features
    columns = [name for name in ([words] if words else WORD_NAMES) if is_text(features.get(name))]
    if len(columns) != 1 or (not words and "text" in features):
        return found
    first = (sources.get("train") or next(iter(sources.values()))).data[0][columns[0]]
    if not (first or "").startswith(("[", "(")) or not _are_lists_as_text(found, columns[0]):  # the latter reads all
        return found
    columns += [
        name
        for name in ([tags] if tags else TAG_NAMES)
        if name not in columns
        and _are_lists_as_text({key: one for key, one in found.items() if name in one.data.features}, name)
    ]
    if len(columns) < 2:
        return found
    for name in columns:
        changes.add("%s: the texts in the column %r are parsed as lists", _where(found), name)
        there = {key: one for key, one in found.items() if name in one.data.features}
        found |= _parsed(there, name)
    return found


def _to_name(sources: Mapping[str, Source], column: str) -> str:
    in_memory = any(one.in_memory for one in sources.values())
    return to_name_in_python(column) if in_memory else "set names= to name them"


def _where(sources: Mapping[str, Source]) -> str:
    return (sources.get("train") or next(iter(sources.values()))).where


def _are_lists_as_text(sources: Mapping[str, Source], column: str, *, refuse_some: bool = False) -> bool:
    with_texts = [one for one in sources.values() if is_text(one.data.features.get(column))]
    if len(with_texts) < len(sources):
        return False
    values = [value for one in with_texts for value in one.distinct(column)]
    texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
    lists = [text for text in texts if not _VECTOR.fullmatch(text) and list_in_text(text) is not None]
    if refuse_some and len(lists) < len(texts) and (lists or any(map(_LOOKS_LIKE_LIST.fullmatch, texts))):
        for source in (one for one in with_texts if not one.odd_value(column)):  # those are refused elsewhere
            _refuse_some_lists(source, column, bool(lists))
    return bool(texts) and len(lists) == len(texts)


def _are_vectors_as_text(sources: Mapping[str, Source], column: str) -> bool:
    """Return whether all texts are zeros and ones with the same separator between them, and as many in each."""
    if not all(is_text(one.data.features.get(column)) for one in sources.values()):
        return False
    texts: set[str] = set()
    for one in sources.values():
        for value in one.distinct(column):
            if value and value.strip():
                if not _VECTOR.fullmatch(value.strip()):
                    return False
                texts.add(value.strip())
    places = {(len(text), *text[1::2]) for text in texts}
    [(length, *separators), *others] = places or {(0,)}
    # Two digits with a comma may be a decimal.
    return not others and len(set(separators)) == 1 and (length > 3 or separators[0] != ",")


def _with_digits_as_numbers(sources: Mapping[str, Source], column: str) -> dict[str, Source]:
    """Return the splits with numbers in lists, if all their items are the texts 0 and 1."""
    if not all(holds(one.data.features.get(column), Value) for one in sources.values()):
        return dict(sources)
    if not all(is_text(one.data.features[column].feature) for one in sources.values()):
        return dict(sources)
    rows = {name: one.data[column][:] for name, one in sources.items()}
    if not all(item in ("0", "1") for of_split in rows.values() for row in of_split for item in row or ()):
        return dict(sources)
    numbers = {name: [row if row is None else [*map(int, row)] for row in of_split] for name, of_split in rows.items()}
    return {name: with_column(one, column, numbers[name], List(Value("int64"))) for name, one in sources.items()}


def _refuse_some_lists(source: Source, column: str, some: bool) -> None:
    """Refuse a text that looks like a list but isn't one, or any that isn't one if some are.

    Raises:
        DataError: names the row.
    """
    for row, value in enumerate(source.data[column][:]):
        text = (value or "").strip()
        if text and list_in_text(text) is None and (some or _LOOKS_LIKE_LIST.fullmatch(text)):
            what = "isn't a list, but other labels are lists" if some else "looks like a list, but can't be read as one"
            raise DataError(
                f"{source.where}, {source.place(row)}: the label {shortened(text)} (column {column!r}) {what}; write "
                'each as a JSON list, such as ["a", "b"]'
                + ("" if source.in_memory else ", or set labels=exact if each text is one label")
            )


def list_in_text(text: str) -> list[Any] | None:
    """Return the list of texts or numbers that JSON, Python or NumPy writes as this text; ``None`` if it isn't one.

    Python's tuples and sets are lists too.
    """
    if text == "set()":
        return []
    if (text[:1], text[-1:]) in (("(", ")"), ("{", "}")):
        return _tuple_or_set_in(text)
    if _VECTOR.fullmatch(text):
        return [*map(int, text[::2])]
    if not (text.startswith("[") and text.endswith("]")):
        return None
    if not _LITERAL.sub("", text[1:-1]).strip():  # NumPy writes no commas, and Python would join its literals
        text = f"[{', '.join(_LITERAL.findall(text))}]"
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        plain = isinstance(found, list) and all(item is None or isinstance(item, str | int | float) for item in found)
        return found if plain else None
    numbers = text[1:-1].replace(",", " ").split()
    return [*map(float, numbers)] if all(map(_NUMBER.fullmatch, numbers)) else None


def _tuple_or_set_in(text: str) -> list[Any] | None:
    try:
        found = ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    plain = isinstance(found, tuple | set) and all(isinstance(item, str | int | float) for item in found)
    return sorted(found, key=str) if plain and isinstance(found, set) else [*found] if plain else None


def _parsed(sources: Mapping[str, Source], column: str) -> dict[str, Source]:
    """Return splits with lists of numbers, or of texts, in place of lists as text."""
    rows = {
        name: [list_in_text(value.strip()) if value and value.strip() else None for value in one.data[column][:]]
        for name, one in sources.items()
    }
    items = [item for of_split in rows.values() for row in of_split for item in row or ()]
    texts = any(isinstance(item, str) or abs(item or 0) > _MOST for item in items)
    of_item, convert = (Value("string"), label_name) if texts else (Value("float64"), _number)
    return {
        name: with_column(
            one, column, [row if row is None else [convert(item) for item in row] for row in rows[name]], List(of_item)
        )
        for name, one in sources.items()
    }


def _number(item: float | None) -> float | None:
    return None if item is None else float(item)


def _vector_width(sources: Mapping[str, Source], column: str) -> int:
    """Return the number of values in each row, if all are 0, 1 or unknown; 0 if the rows hold anything else."""
    widths = set()
    vector = None  # the place of a row that can't be a list of ids
    for source in sources.values():
        feature = source.data.features.get(column)
        if not is_list(feature) or not isinstance(feature.feature, Value):
            return 0
        for index, row in enumerate(source.data[column][:]):
            if row is None or not all(value in (0, 1) or is_unknown(value) for value in row):
                return 0
            if vector is None and (row.count(0) > 1 or row.count(1) > 1):
                vector = f"{source.where}, {source.place(index)}: {shortened(row)}"
            widths.add(len(row))
    if len(widths) > 1 and vector is not None:
        raise DataError(
            f"{vector} (column {column!r}) looks like zeros and ones, one for each label, but the rows have "
            f"{' or '.join(map(str, sorted(widths)[:5]))} values; expected as many in each row"
        )
    [width, *others] = widths or {0}
    return width if not others and width > 1 else 0


def _places(source: Source, column: str) -> list[list[int]]:
    return [
        [unknown_id(place) if is_unknown(value) else place for place, value in enumerate(row) if value or value is None]
        for row in source.data[column][:]
    ]


def _named(source: Source, column: str, names: Sequence[str]) -> Source:
    """Return a split whose label ids have these names."""
    feature = source.data.features[column]
    inner = feature.feature if is_list(feature) else feature
    values: Sequence[Any] = source.data[column][:]
    ids = [[_id(one) for one in value or ()] if is_list(feature) else [_id(value)] for value in values]
    wrong = [row for row, of_row in enumerate(ids) if any(one is None or one >= len(names) for one in of_row)]
    if isinstance(inner, ClassLabel) or wrong:
        what = f"{source.place(wrong[0])}: {values[wrong[0]]!r}" if wrong else "the labels have names already"
        raise DataError(
            f"{source.where}, {what} (column {column!r}): names= is for labels that are whole numbers, here from 0 to "
            f"{len(names) - 1}"
        )
    label = ClassLabel(names=list(names))
    if is_list(feature):
        return with_column(source, column, ids, List(label))
    return with_column(source, column, [of_row[0] for of_row in ids], label)


def _id(value: Any) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() and number >= 0 else None


def with_column(source: Source, column: str, values: Sequence[Any], feature: Any) -> Source:
    """Return a split with other values in a column."""
    data = source.data
    features = Features({**data.features, column: feature})
    table = data.with_format("arrow")[:]
    place = table.column_names.index(column)
    table = table.set_column(place, column, pa.array(values, features.arrow_schema.field(column).type))
    return replace(source, data=Dataset(table.cast(features.arrow_schema)))

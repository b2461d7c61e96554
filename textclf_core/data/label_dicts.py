"""Labels as dicts of a 0, a 1 or a probability by label name, as in spaCy's ``cats``."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from datasets import ClassLabel, List

from textclf_core.data.columns import is_text, label_name
from textclf_core.data.label_forms import with_column
from textclf_core.data.label_spelling import Labels, settled_names
from textclf_core.data.source import Changes, Source
from textclf_core.data.unknown_entries import is_unknown
from textclf_core.errors import DataError, shortened
from textclf_core.types.indicators import unknown_id

_Dicts = Sequence[dict[str, Any] | None]


def with_labels_of_dicts(
    sources: Mapping[str, Source], column: str, changes: Changes, spelling: Labels | None = None
) -> dict[str, Source]:
    """Return the splits with ids of labels instead of dicts, if the column holds dicts, also as text.

    A text has a label if its value is at least 0.5. If each text has exactly one, and the dicts have a value for every
    label or for that one alone, it is a task of one label per text. Otherwise a text may have several; it is then
    unknown whether it has a label without a value. If spellings are folded into one label, a text has it if it has one
    of them.

    Args:
        sources: the splits by name.
        column: the label column.
        changes: what was changed is added to it.
        spelling: see :func:`~textclf_core.data.label_spelling.settled_names`.

    Raises:
        DataError: a value isn't 0, 1, true, false or a probability, or a label has no name.
    """
    found = {name: _dicts(source, column) for name, source in sources.items()}
    dicts = {name: rows for name, rows in found.items() if rows is not None}
    if len(dicts) < len(sources) or not any(row for rows in dicts.values() for row in rows):
        return dict(sources)
    for name, rows in dicts.items():
        _check_values(sources[name], column, rows)
    known = {name: [_known(row) for row in rows] for name, rows in dicts.items()}
    counts = Counter(dict.fromkeys((label for rows in dicts.values() for row in rows for label in row or ()), 0))
    counts.update(label for rows in known.values() for row in rows for label in row or ())
    first = sources.get("train") or next(iter(sources.values()))
    into = settled_names(counts, first.where, column, changes, labels=spelling, form="dict", in_memory=first.in_memory)
    known = {name: [_merged(row, into) for row in rows] for name, rows in known.items()}
    labels = sorted(set(into.values()))  # since Arrow sorts them too
    with_values = [row for rows in known.values() for row in rows if row]
    one_each = all(len(_chosen(row)) == 1 for row in with_values) and {len(row) for row in with_values} in (
        {1},
        {len(labels)},
    )
    how_many = "each text has exactly one of them" if one_each else "a text may have several"
    changes.add("%s: the column %r holds dicts of %d labels; %s", first.where, column, len(labels), how_many)
    values = [value for row in with_values for value in row.values()]
    if between := sum(0 < value < 1 for value in values):
        changes.add(
            "%s: %d of %d values in the column %r are between 0 and 1; from 0.5 on, the text has the label",
            first.where,
            between,
            len(values),
            column,
        )
    id_of = {label: id for id, label in enumerate(labels)}
    feature = ClassLabel(names=labels)
    splits = {}
    for name, rows in known.items():
        odd = {other: one for other, one in sources[name].odd_values.items() if other != column}
        source = replace(sources[name], odd_values=odd)
        if one_each:
            of_one = [id_of[_chosen(row)[0]] if row else None for row in rows]
            splits[name] = with_column(source, column, of_one, feature)
        else:
            of_several = [None if row is None else _ids(row, labels) for row in rows]
            splits[name] = with_column(source, column, of_several, List(feature))
    return splits


def _dicts(source: Source, column: str) -> _Dicts | None:
    """Return the dicts of a column, with ``None`` for a missing one; ``None`` if another value is in it."""
    feature = source.data.features.get(column)
    if isinstance(feature, dict):
        return list(source.column(column).to_pylist())
    # Data that aren't Arrow tables have dicts as JSON, as an odd value.
    odd = source.odd_value(column)
    if not is_text(feature) or (odd is not None and odd.type != "dict"):
        return None
    of_text: dict[str | None, dict[str, Any] | None] = {}
    for text in source.distinct(column):
        of_text[text] = _dict_in(text) if text and text.strip() else None
        if of_text[text] is None and text and text.strip():
            return None
    return [of_text[text] for text in source.column(column).to_pylist()]


def _dict_in(text: str) -> dict[str, Any] | None:
    """Return the dict that JSON or Python writes as this text; ``None`` if it isn't one."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        return _named(found) if isinstance(found, dict) else None
    return None


def _named(row: dict[Any, Any]) -> dict[str, Any] | None:
    """Return a dict with the names of its labels, which may be numbers; ``None`` if a label is neither text nor number.

    Two labels of one name are several values of one label, of which none can be told to be meant.
    """
    if not all(isinstance(label, str | int | float) for label in row):
        return None
    named = {label_name(label) or "": value for label, value in row.items()}
    return named if len(named) == len(row) else None


def _check_values(source: Source, column: str, rows: _Dicts) -> None:
    for index, row in enumerate(rows):
        for label, value in (row or {}).items():
            if not label.strip():
                raise DataError(
                    f"{source.where}, {source.place(index)}: {shortened(row)} has a label without a name (column "
                    f"{column!r})"
                )
            if not is_unknown(value) and not (isinstance(value, int | float) and 0 <= value <= 1):
                raise DataError(
                    f"{source.where}, {source.place(index)}: {shortened(value)} for the label {label!r} (column "
                    f"{column!r}); in a dict of labels, each value is 0, 1, true, false or a probability"
                )


def _known(row: Mapping[str, Any] | None) -> dict[str, float] | None:
    """Return the known values of a row; ``None`` for a missing row."""
    if row is None:
        return None
    return {label: float(value) for label, value in row.items() if not is_unknown(value)}


def _merged(row: Mapping[str, float] | None, names: Mapping[str, str]) -> dict[str, float] | None:
    """Return a row under other names; of several values of one label, the highest."""
    if row is None:
        return None
    merged: dict[str, float] = {}
    for label, value in row.items():
        merged[names[label]] = max(value, merged.get(names[label], value))
    return merged


def _ids(row: Mapping[str, float], labels: Sequence[str]) -> list[int]:
    """Return the ids of the labels that a row has, or may have."""
    return [
        id if label in row else unknown_id(id)
        for id, label in enumerate(labels)
        if label not in row or row[label] >= 0.5
    ]


def _chosen(row: Mapping[str, float]) -> list[str]:
    return [label for label, value in row.items() if value >= 0.5]

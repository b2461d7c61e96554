"""Texts with labelled spans of characters, as annotation tools write them."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from datasets import Dataset

from textclf_core.data.columns import is_list, is_text
from textclf_core.data.source import Changes, Source
from textclf_core.data.unlabelled import with_null_labels
from textclf_core.errors import DataError
from textclf_core.tasks.entities import OUTSIDE

logger = logging.getLogger("textclf")

_SPAN_NAMES = ("label", "labels", "entities", "spans")
_TEXT_NAMES = ("text", "content", "sentence", "data")
_TYPE_KEYS = ("label", "type", "entity", "entity_group", "tag")


@dataclass(frozen=True)
class _Span:
    start: int
    end: int
    type: str


def with_tags(
    sources: Mapping[str, Source], text: str | None, label: str | None, changes: Changes
) -> tuple[dict[str, Source], str, str] | None:
    """Return the splits with words and tags, and the names of these columns; ``None`` if no column holds spans.

    The words of a text are what stands between white space, as for ``textclf predict``. A span that doesn't begin and
    end with a word is widened to whole words, and a span that overlaps an earlier one is dropped; both are counted.

    Args:
        sources: the splits by name.
        text: the column of texts; inferred from its name if not given.
        label: the column of spans: lists of ``[start, end, type]`` or of objects with these keys; inferred if not
            given. Test may lack it.
        changes: what was changed or dropped is added to it.

    Raises:
        DataError: a span is invalid.
    """
    first = sources.get("train") or next(iter(sources.values()))
    features = first.data.features
    spans = next((name for name in ([label] if label else _SPAN_NAMES) if name in features), None)
    words = next((name for name in ([text] if text else _TEXT_NAMES) if is_text(features.get(name))), None)
    if spans is None or words is None or not _holds_spans(first, spans):
        return None
    logger.info("%s: the labels are spans of characters (column %r)", first.where, spans)
    unlabelled = {name for name, one in sources.items() if spans not in one.data.column_names}
    sources = with_null_labels(sources, spans, pa.string())
    for source in sources.values():
        if missing := [name for name in (words, spans) if name not in source.data.column_names]:
            raise DataError(f"{source.where}: there is no column {missing[0]!r}")
    found = {
        name: _tagged(source, words, spans, changes, untagged=name in unlabelled) for name, source in sources.items()
    }
    return found, words, spans


def _holds_spans(source: Source, column: str) -> bool:
    """Return whether the first row with a label has spans, which may be text that JSON or Python wrote."""
    if not (is_list(source.data.features[column]) or is_text(source.data.features[column])):
        return False
    first = next(filter(None, map(_list_of, source.data[column])), None)
    return isinstance(first, list) and _span(first[0]) is not None


def _list_of(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    value = value.strip()
    for parse in (json.loads, ast.literal_eval) if value.startswith("[") else ():
        try:
            return parse(value)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
    return value


def _span(value: Any) -> _Span | None:
    """Return a span; ``None`` if the value isn't one."""
    if isinstance(value, dict):
        kind = next((value[key] for key in _TYPE_KEYS if key in value), None)
        start, end = (value.get(name, value.get(f"{name}_offset")) for name in ("start", "end"))
        value = [start, end, kind]
    if not isinstance(value, list | tuple) or len(value) != 3:
        return None
    valid = all(isinstance(part, type) for part, type in zip(value, (int, int, str), strict=True))
    return _Span(*value) if valid else None


def _tagged(source: Source, text: str, column: str, changes: Changes, *, untagged: bool) -> Source:
    words: list[list[str]] = []
    tags: list[list[str] | None] = []
    counted = widened = dropped = 0
    rows = zip(source.data[text][:], map(_list_of, source.data[column][:]), strict=True)
    for row, (of_row, values) in enumerate(rows):
        found = [(match[0], match.start(), match.end()) for match in re.finditer(r"\S+", of_row or "")]
        row_tags = [OUTSIDE] * len(found)
        for value in values or ():
            span = _span(value)
            if span is None or not 0 <= span.start < span.end <= len(of_row or ""):
                raise DataError(
                    f"{source.where}, {source.place(row)}: {value!r} (column {column!r}) isn't a span of the text, "
                    "which has a start, an end after it, and a type"
                )
            inside = [place for place, (_, start, end) in enumerate(found) if start < span.end and end > span.start]
            counted += 1
            if not inside or any(row_tags[place] != OUTSIDE for place in inside):
                dropped += 1
                continue
            widened += (found[inside[0]][1], found[inside[-1]][2]) != (span.start, span.end)
            row_tags[inside[0] : inside[-1] + 1] = [f"B-{span.type}", *[f"I-{span.type}"] * (len(inside) - 1)]
        words.append([word for word, _, _ in found])
        tags.append(None if untagged else row_tags)
    if widened:
        changes.add(
            "%s: %d of %d spans don't begin and end with a word, so they are widened to whole words",
            source.where,
            widened,
            counted,
        )
    if dropped:
        changes.add(
            "%s: %d of %d spans overlap others or hold no word, so they are dropped", source.where, dropped, counted
        )
    strings = pa.list_(pa.string())
    table = pa.table({text: pa.array(words, strings), column: pa.array(tags, strings)})
    others = source.data.with_format("arrow")[:]
    for name in source.data.column_names:
        if name not in (text, column):
            table = table.append_column(name, others[name])
    return replace(source, data=Dataset(table), odd_values={})

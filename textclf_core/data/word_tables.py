"""Tables with one word per row, and a column that tells the sequences apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
from datasets import Dataset

from textclf_core.data.source import Changes, Source
from textclf_core.data.unlabelled import with_null_labels
from textclf_core.errors import DataError, did_you_mean

_ROWS_SEEN = 100
_WORD_NAMES = ("word", "token", "words", "tokens", "text", "form")
_TAG_NAMES = ("tag", "label", "ner_tag", "ner", "tags", "labels", "pos")


def with_sequences(
    sources: Mapping[str, Source], sequence: str, words: str | None, tags: str | None, changes: Changes
) -> tuple[dict[str, Source], str, str]:
    """Return the splits with a row for each sequence, and the names of their columns of words and of tags.

    A sequence is a run of rows with the same value in the column ``sequence``, or with none after the first row, as in
    tables where only the first word of a sequence has a number.

    Args:
        sources: the splits by name.
        sequence: the column that tells the sequences apart.
        words: the column with the words; inferred from its name if not given.
        tags: the column with the tags; inferred from its name if not given. Test may lack it.
        changes: what was dropped is added to it.

    Raises:
        DataError: there is no such column, or the rows of a sequence aren't together.
    """
    first = sources.get("train") or next(iter(sources.values()))
    columns = [name for name in first.data.column_names if name != sequence]
    word_column = words or _first(_WORD_NAMES, columns)
    tag_column = tags or _first(_TAG_NAMES, [name for name in columns if name != word_column])
    for option, name in (("sequence", sequence), ("text", word_column), ("label", tag_column)):
        if name not in first.data.column_names:
            there = ", ".join(first.data.column_names)
            fault = f"there is no column {name!r} ({option}={name})" if name else f"set {option}=COLUMN"
            raise DataError(f"{first.where}: {fault}; the columns are: {there}.{did_you_mean(name or '', columns)}")
    assert word_column is not None
    assert tag_column is not None
    sample = [word for word in first.data[word_column][:_ROWS_SEEN] if isinstance(word, str)]
    if sum(len(word.split()) > 1 for word in sample) > len(sample) / 2:
        raise DataError(
            f"{first.where}: the column {word_column!r} has texts of several words, but with sequence={sequence} each "
            "row is a word; leave it out, or set text="
        )
    others = [name for name in columns if name not in (word_column, tag_column)]
    kept = [name for name in others if all(_is_one_each(source, sequence, name) for source in sources.values())]
    if dropped := [name for name in others if name not in kept]:
        changes.add("%s: the columns %s are dropped, since a row is a word", first.where, ", ".join(dropped))
    sources = with_null_labels(sources, tag_column, pa.string())
    return (
        {name: _by_sequence(source, sequence, word_column, tag_column, kept) for name, source in sources.items()},
        word_column,
        tag_column,
    )


def _is_one_each(source: Source, sequence: str, column: str) -> bool:
    """Return whether all rows of a sequence have one value in a column, as that of a document."""
    if column not in source.data.column_names or sequence not in source.data.column_names:
        return False
    latest: Any = None
    of_sequence: Any = None
    for row, (of_row, value) in enumerate(zip(source.data[sequence][:], source.data[column][:], strict=True)):
        if row == 0 or of_row not in (latest, None, ""):
            latest, of_sequence = of_row, value
        elif value != of_sequence:
            return False
    return True


def _by_sequence(source: Source, sequence: str, words: str, tags: str, kept: Sequence[str]) -> Source:
    if missing := [name for name in (sequence, words, tags) if name not in source.data.column_names]:
        raise DataError(f"{source.where}: there is no column {missing[0]!r}")
    start_of: dict[Any, int] = {}
    latest: Any = None
    for row, value in enumerate(source.data[sequence][:]):
        if row and value in (latest, None, ""):
            continue
        if value in start_of:
            raise DataError(
                f"{source.where}, {source.place(row)}: the sequence {value!r} (column {sequence!r}) begins again; the "
                "rows of a sequence must be together"
            )
        start_of[value], latest = row, value
    starts = list(start_of.values())
    table = source.data.with_format("arrow")[:]
    offsets = pa.array([*starts, len(source.data)], pa.int32())
    columns = {name: pa.ListArray.from_arrays(offsets, pa.concat_arrays(table[name].chunks)) for name in (words, tags)}
    columns |= {name: table[name].take(pa.array(starts)) for name in kept}
    return replace(source.select(starts), data=Dataset(pa.table(columns)), odd_values={})


def _first(names: Sequence[str], columns: Sequence[str]) -> str | None:
    return next((column for name in names for column in columns if column.lower() == name), None)

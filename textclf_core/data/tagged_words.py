"""Token data: a row is a sequence of words, each with a tag."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from textclf_core.data.columns import holds, is_list, is_text
from textclf_core.data.label_spelling import Labels, settled_names
from textclf_core.data.source import Changes, ReadSplits, Source
from textclf_core.errors import DataError, did_you_mean, some_of
from textclf_core.tasks.entities import OUTSIDE, scheme_of
from textclf_core.types.task import NO_LABEL, Task

logger = logging.getLogger("textclf")

WORDS = "tokens"
"""The column of words."""

WORD_NAMES = (WORDS, "words")
TAG_NAMES = ("label", "labels", "tags", "ner_tags", "ner", "named_entities")
"""Usual names of the columns of words and of tags, in lower case, the most common first."""

_USUAL_TAGS = {"0": OUTSIDE, "Other": OUTSIDE, "OTHER": OUTSIDE}
_SUFFIXED = re.compile("(.+)-([BIESLU])")
_OF_ENTITY = re.compile("[BIES]-.+")
_ROWS_TO_COMPARE = 100
_BILOU = {"L": "E", "U": "S"}  # the scheme that is BIOES with other letters
_WHOLE = re.compile(r"-?\d+")


def token_task(data: DatasetDict) -> Task | None:
    """Return the task of data whose column ``tokens`` holds lists of words; ``None`` if there is no such column.

    Raises:
        DataError: lists all faults: words without labels, or splits with different columns.
    """
    features = data["train"].features
    if not holds(features.get(WORDS), Value):
        return None
    label = features.get("label")
    faults = []
    if not holds(label, ClassLabel):
        faults.append(f"train has 'tokens', so its 'label' must be a list of ClassLabel, one per word; it is {label}")
    for name in ("validation", "test"):
        if name in data and not faults:
            differing = [column for column in (WORDS, "label") if data[name].features.get(column) != features[column]]
            faults += [f"{name}: the column {column!r} has another type than in train" for column in differing]
    if faults:
        raise DataError("\n".join(faults))
    return Task(label_names=tuple(label.feature.names), text_columns=(WORDS,), kind="tokens")


def tagged(
    sources: Mapping[str, Source],
    words: str | None,
    tags: str | None,
    names: Sequence[str] = (),
    changes: Changes | None = None,
    labels: Labels | None = None,
    empty: Literal["keep", "drop"] = "keep",
) -> ReadSplits | None:
    """Return the splits with the columns ``tokens`` and ``label``, followed by other columns.

    Rows of test of which no word has a tag are left out and counted.

    Returns ``None`` if no column of train, or none of the named ones, holds lists of words.

    Args:
        sources: the splits by name; columns are inferred from ``train``, or from the first split.
        words: the column with the lists of words; inferred if not given.
        tags: the column with a tag for each word; inferred and logged if not given.
        names: the tags' names in the order of their ids, for tags that are numbers.
        changes: what was left out or changed is added to it.
        labels: see :func:`~textclf_core.data.label_spelling.settled_names`.
        empty: whether rows without a word are kept or dropped; their number is logged in both cases.

    Raises:
        DataError: there is no column of tags, or a split lacks a column.
    """
    changes = changes or Changes()
    first = sources.get("train") or next(iter(sources.values()))
    features = first.data.features
    word_column = words or (None if "text" in features else _first(WORD_NAMES, features))
    if word_column is None and tags and is_list(features.get(tags)):
        word_column = _words_beside(first, tags)
    if word_column is None or not holds(features.get(word_column), Value) or not is_text(features[word_column].feature):
        return None
    tag_column = tags or _first([name for name in TAG_NAMES if is_list(features.get(name))], features)
    if tag_column is None or not is_list(features.get(tag_column)):
        there = ", ".join(first.data.column_names)
        raise DataError(
            f"{first.where}: the column {word_column!r} holds lists of words, so there must be a column with a tag for "
            f"each word; {'set label=COLUMN' if tags is None else f'{tags!r} is not one'}; the columns are: {there}."
            f"{did_you_mean(tags, features) if tags else ''} If the label is that of the whole text, join its words to "
            "one string"
        )
    if (word_column, tag_column) != (WORDS, "label"):
        logger.info(
            "%s: the words are taken from the column %r, the tags from %r", first.where, word_column, tag_column
        )
    sources, unlabelled = _without_untagged(sources, tag_column)
    for source in sources.values():
        if missing := [name for name in (word_column, tag_column) if name not in source.data.column_names]:
            raise DataError(f"{source.where}: there is no column {missing[0]!r}")
    sources = {name: _without_empty(source, word_column, empty, changes) for name, source in sources.items()}
    tag_of = {name: _tags(source, tag_column, names) for name, source in sources.items()}
    _report_unlabelled(tag_of, first, tag_column, changes)
    tag_names = list(names) or _names(features[tag_column].feature, tag_of)
    counts = Counter(dict.fromkeys(tag_names, 0))
    counts.update(tag for split in tag_of.values() for row in split for tag in row if tag is not None)
    into = settled_names(
        counts,
        first.where,
        tag_column,
        changes,
        labels=labels,
        form="tags",
        declared=True,
        of_ids=isinstance(features[tag_column].feature, ClassLabel),
        in_memory=first.in_memory,
    )
    if any(tag != one for tag, one in into.items()):
        tag_of = {
            name: [[None if tag is None else into[tag] for tag in row] for row in rows] for name, rows in tag_of.items()
        }
        tag_names = list(dict.fromkeys(into.get(tag, tag) for tag in tag_names))
    report_scheme(tag_names, first.where)
    splits = {
        name: _split(source, word_column, tag_column, tag_of[name], tag_names) for name, source in sources.items()
    }
    read_from = {"text": (word_column,), "label": (tag_column,)}
    return ReadSplits(splits, read_from=read_from, changes=changes.sentences, unlabelled=unlabelled)


def _words_beside(source: Source, tags: str) -> str | None:
    """Return the column of words, if there is one beside the texts and each row has as many words as tags."""
    column = _first([name for name in WORD_NAMES if is_list(source.data.features.get(name))], source.data.features)
    rows = source.data[:_ROWS_TO_COMPARE]
    same = column is not None and [len(row or ()) for row in rows[column]] == [len(row or ()) for row in rows[tags]]
    return column if same else None


def report_scheme(names: Sequence[str], where: str) -> None:
    """Log that tags aren't those of entities, so that there is no entity F1; a warning if they look like them."""
    if scheme_of(names):
        return
    usual = [_USUAL_TAGS.get(name, name).replace("_", "-").replace("/", "-") for name in names]
    usual = [f"{match[2]}-{match[1]}" if (match := _SUFFIXED.fullmatch(name)) else name for name in usual]
    usual = [name[:1].upper() + name[1:] for name in usual]
    usual = [f"{_BILOU.get(name[0], name[0])}{name[1:]}" if name[1:2] == "-" else name for name in usual]
    if scheme_of(usual):
        logger.warning(
            "%s: tags such as %r look like entity tags, but these have the form %r, so there is no entity F1; "
            "rename them",
            where,
            *next((name, one) for name, one in zip(names, usual, strict=True) if name != one),
        )
    elif any(map(_OF_ENTITY.fullmatch, names)):
        others = [name for name in names if name != OUTSIDE and not _OF_ENTITY.fullmatch(name)]
        logger.warning(
            "%s: some tags are those of entities (such as %r), but not all (%s), so there is no entity F1; rename the "
            "others, to O outside of entities; if one is the name of the column, set the columns by their names",
            where,
            next(name for name in names if _OF_ENTITY.fullmatch(name)),
            some_of([repr(name) for name in others], 5),
        )
    else:
        logger.info("%s: the tags aren't entity tags (B-person, I-person, O), so each word is scored on its own", where)


def _without_untagged(sources: Mapping[str, Source], column: str) -> tuple[dict[str, Source], int]:
    """Return the splits without the rows of test that have no tag, and the number of these."""
    test, train = sources.get("test"), sources.get("train")
    if test is None or train is None:
        return dict(sources), 0
    others = {name: source for name, source in sources.items() if name != "test"}
    if column not in test.data.column_names:
        without_column = set(test.data.column_names) <= set(train.data.column_names)
        return (others, len(test.data)) if without_column else (dict(sources), 0)
    none = (None, "", -1, NO_LABEL, str(NO_LABEL))
    rows: Sequence[Any] = test.data[column][:]
    labelled = [
        index
        for index, row in enumerate(rows)
        if row is not None and (not isinstance(row, list) or not row or any(tag not in none for tag in row))
    ]
    if len(labelled) == len(rows):
        return dict(sources), 0
    return others | ({"test": test.select(labelled)} if labelled else {}), len(rows) - len(labelled)


def _without_empty(source: Source, column: str, empty: Literal["keep", "drop"], changes: Changes) -> Source:
    """Report rows without a word and empty words, and drop these rows if wanted."""
    rows: Sequence[Any] = source.data[column][:]
    if blank := sum(not (word or "").strip() for row in rows for word in row or ()):
        logger.info("%s: %d words are empty (column %r)", source.where, blank, column)
    kept = [index for index, row in enumerate(rows) if row]
    if len(kept) == len(rows):
        return source
    if empty == "drop":
        changes.add("%s: %d rows without a word are dropped (empty=drop)", source.where, len(rows) - len(kept))
        return source.select(kept)
    advice = "" if source.in_memory else " (empty=drop drops them)"
    logger.info("%s: %d rows have no word, kept%s", source.where, len(rows) - len(kept), advice)
    return source


def ordered_tags(tags: set[str]) -> list[str]:
    """Return label names in the order of their ids: ``O`` first, then alphabetically."""
    return sorted(tags, key=lambda tag: (tag != OUTSIDE, tag))


def tagged_split(words: Sequence[Sequence[str]], tags: Sequence[Sequence[str | None]], names: Sequence[str]) -> Dataset:
    """Return rows of words and their tags as a split with the columns ``tokens`` and ``label``.

    A word whose tag is ``None`` has the label id -100, which is ignored in training and scores.
    """
    ids: dict[str | None, int] = {None: NO_LABEL} | {name: index for index, name in enumerate(names)}
    features = Features({WORDS: List(Value("string")), "label": List(ClassLabel(names=list(names)))})
    return Dataset.from_dict(
        {WORDS: list(words), "label": [[ids[tag] for tag in row] for row in tags]}, features=features
    )


def _report_unlabelled(
    tags: Mapping[str, list[list[str | None]]], first: Source, column: str, changes: Changes
) -> None:
    words = list(chain.from_iterable(row for split in tags.values() for row in split))
    if unlabelled := words.count(None):
        changes.add(
            "%s: %d of %d words have the tag %d (column %r), so they are ignored in training and scores",
            first.where,
            unlabelled,
            len(words),
            NO_LABEL,
            column,
        )


def _tags(source: Source, column: str, names: Sequence[str]) -> list[list[str | None]]:
    """Return the names of the tags of each row; ``None`` for words without a label.

    Raises:
        DataError: a word has no tag, or a tag has no name.
    """
    feature = source.data.features[column].feature
    rows = source.data[column][:]
    faults = [
        index
        for index, row in enumerate(rows)
        if row is None or any(tag is None or tag == "" or tag == -1 for tag in row)
    ]
    if faults:
        raise DataError(f"{source.where}, {source.place(faults[0])}: a word has no tag (column {column!r})")
    if isinstance(feature, ClassLabel):
        return [[None if tag == NO_LABEL else feature.names[tag] for tag in row] for row in rows]
    if isinstance(feature, Value) and feature.dtype.startswith(("int", "uint", "float")):
        return [[_tag_name(tag, names, source, row, column) for tag in tags] for row, tags in enumerate(rows)]
    if all(_WHOLE.fullmatch(str(tag)) for row in rows for tag in row):
        return [[_tag_name(int(tag), names, source, row, column) for tag in tags] for row, tags in enumerate(rows)]
    named = [[None if str(tag) == str(NO_LABEL) else str(tag) for tag in row] for row in rows]
    for row, tags in enumerate(named):
        if names and (unknown := next((tag for tag in tags if tag is not None and tag not in names), None)):
            raise DataError(
                f"{source.where}, {source.place(row)}: the tag {unknown!r} (column {column!r}) isn't one of names="
                f"{','.join(names)}; names= is for tags that are numbers"
            )
    return [[*row] for row in named]


def _tag_name(tag: float, names: Sequence[str], source: Source, row: int, column: str) -> str | None:
    """Return the name of a tag's id; ``None`` for that of words without a label.

    Raises:
        DataError: it has no name. Entities are found by the names of tags, so entity F1 needs them.
    """
    where = f"{source.where}, {source.place(row)}"
    if tag == NO_LABEL:
        return None
    if not names:
        raise DataError(
            f"{where}: the tags are numbers (column {column!r}); name them, as in names=O,B-PER,I-PER (data in memory "
            "needs tags that are strings or a ClassLabel)"
        )
    if not (float(tag).is_integer() and 0 <= tag < len(names)):
        raise DataError(
            f"{where}: the tag {tag} (column {column!r}) has no name; names= has names for 0 to {len(names) - 1}"
        )
    return names[int(tag)]


def _names(feature: object, tags: Mapping[str, list[list[str | None]]]) -> list[str]:
    declared = list(feature.names) if isinstance(feature, ClassLabel) else []
    found = {tag for split in tags.values() for row in split for tag in row if tag is not None}
    return [*declared, *ordered_tags(found.difference(declared))]


def _split(source: Source, words: str, tags: str, named: list[list[str | None]], names: Sequence[str]) -> Dataset:
    rows = [[word or "" for word in row or ()] for row in source.data[words][:]]
    split = tagged_split(rows, named, names)
    others = [name for name in source.data.column_names if name not in (words, tags, WORDS, "label")]
    table = source.data.with_format("arrow")[:]
    for name in others:
        split = split.add_column(name, pa.chunked_array(table[name]), feature=source.data.features[name])
    split.info.description = source.where
    return split


def _first(names: Sequence[str], columns: Mapping[str, Any]) -> str | None:
    return next((name for name in names if name in columns), None)

"""Reading the CoNLL format, and recognising the scheme of its tags."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from textclf_core.data.decoding import other_format
from textclf_core.data.label_spelling import Labels, settled_names
from textclf_core.data.source import Changes, ReadSplits
from textclf_core.data.tagged_words import ordered_tags, report_scheme, tagged_split
from textclf_core.errors import DataError, did_you_mean
from textclf_core.tasks.entities import OUTSIDE, invalid_sequences, scheme_of
from textclf_core.types.task import NO_LABEL

logger = logging.getLogger("textclf")

_NONE = str(NO_LABEL)  # the tag of words without a label
_DOCUMENT = "-DOCSTART-"
_DECLARATION = "# global.columns"
_CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")


@dataclass
class _Sequence:
    """The words and tags of a sequence, and the line where it begins."""

    line: int
    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def read_splits(
    files: Mapping[str, Path],
    word_column: int | str | None = None,
    tag_column: int | str | None = None,
    tag_names: Sequence[str] = (),
    labels: Labels | None = None,
) -> ReadSplits:
    """Return the splits with the columns ``tokens`` and ``label``; ``O`` is label 0, the others are in sorted order.

    Args:
        files: the file of each split.
        word_column: the column of the words, counted from 0, or from the end if negative; or its name.
        tag_column: the column of the tags, likewise.
        tag_names: the names of tags that are numbers, in the order of the numbers.
        labels: see :func:`~textclf_core.data.label_spelling.settled_names`.

    Raises:
        DataError: the tags are numbers without names, a file can't be read, a line has a different number of columns
            than the first, or there is no such column.
    """
    splits = {name: list(_sequences(file, word_column, tag_column)) for name, file in files.items()}
    for name, sequences in splits.items():
        if not sequences:
            raise DataError(f"conll: {files[name]} has no words")
    changes = Changes()
    _name_tags(splits, files, tag_names, changes)
    _settle_spellings(splits, files, tag_column, changes, labels)
    _settle_scheme(splits, files, changes)
    found = set(chain.from_iterable(one.tags for one in chain(*splits.values()))) - {_NONE}
    names = list(tag_names) or ordered_tags(found)
    data = ReadSplits(
        {
            name: tagged_split(
                [one.words for one in sequences],
                [[None if tag == _NONE else tag for tag in one.tags] for one in sequences],
                names,
            )
            for name, sequences in splits.items()
        },
        changes=changes.sentences,
    )
    for name, split in data.items():
        split.info.description = str(files[name])
    return data


def _name_tags(
    splits: Mapping[str, Sequence[_Sequence]], files: Mapping[str, Path], names: Sequence[str], changes: Changes
) -> None:
    """Replace tags that are numbers by their names, in place, and log how many words have no label.

    Raises:
        DataError: tags are numbers without names, or have names already.
    """
    tags = [tag for of_split in splits.values() for one in of_split for tag in one.tags]
    if unlabelled := tags.count(_NONE):
        changes.add(
            "conll: %d of %d words have the tag %s, so they are ignored in training and scores",
            unlabelled,
            len(tags),
            _NONE,
        )
    number_of = {tag: int(tag) for tag in set(tags) - {_NONE} if re.fullmatch(r"\d+", tag)}
    numbers = len(number_of) == len(set(tags) - {_NONE}) and bool(number_of)
    if numbers and not names:
        raise DataError(
            f"conll: {next(iter(files.values()))}: the tags are numbers; name them in the order of the numbers, as in "
            "names=O,B-PER,I-PER"
        )
    if not names:
        return
    for split, sequences in splits.items():
        for one in sequences:
            for place, tag in enumerate(one.tags):
                known = number_of[tag] < len(names) if numbers and tag != _NONE else tag == _NONE
                if not known:
                    raise DataError(
                        f"conll: {files[split]}, line {one.line + place}: the tag {tag!r} isn't a number from 0 to "
                        f"{len(names) - 1}, for which names= has names"
                    )
            one.tags = [tag if tag == _NONE else names[number_of[tag]] for tag in one.tags]


def _settle_spellings(
    splits: Mapping[str, Sequence[_Sequence]],
    files: Mapping[str, Path],
    column: int | str | None,
    changes: Changes,
    labels: Labels | None,
) -> None:
    """Report tags that differ in their spelling alone, or fold them, in place."""
    counts = Counter(tag for of_split in splits.values() for one in of_split for tag in one.tags if tag != _NONE)
    where, named = str(next(iter(files.values()))), "tags" if column is None else str(column)
    into = settled_names(counts, where, named, changes, labels=labels, form="tags", declared=True) | {_NONE: _NONE}
    for one in chain(*splits.values()):
        one.tags = [into[tag] for tag in one.tags]


def _settle_scheme(splits: Mapping[str, Sequence[_Sequence]], files: Mapping[str, Path], changes: Changes) -> None:
    """Log the scheme of the tags, convert IOB1 to BIO in place, and log the number of invalid tag sequences."""
    everything = list(chain.from_iterable(splits.values()))
    tags = set(chain.from_iterable(one.tags for one in everything)) - {_NONE}
    scheme = scheme_of(tags)
    if scheme is None:
        report_scheme(sorted(tags), "conll")
        return
    if any(_NONE in one.tags for one in everything):
        logger.info("conll: the tags are %s", scheme)
        return
    if scheme == "BIO" and _is_iob1([one.tags for one in everything]):
        changes.add("conll: the tags are IOB1; they are converted to BIO, which describes the same entities")
        for one in everything:
            one.tags = _from_iob1(one.tags)
        return
    logger.info("conll: the tags are %s", scheme)
    for name, sequences in splits.items():
        lines = [one.line + word for one in sequences for word in invalid_sequences(one.tags, scheme)]
        if lines:
            logger.info(
                "conll: %s (%s): %d sequences of tags aren't valid %s, the first in line %d; each counts as an "
                "entity, except with entity-f1:mode=strict",
                name,
                files[name].name,
                len(lines),
                scheme,
                lines[0],
            )


def _is_iob1(sequences: Sequence[Sequence[str]]) -> bool:
    """Return whether the tags are IOB1 (Ramshaw & Marcus, 1995).

    In IOB1 an entity begins with I-, except with B- directly after another entity of the same type. In BIO every
    entity begins with B-.
    """
    begins_inside = False
    for tags in sequences:
        for before, tag in zip([OUTSIDE, *tags], tags, strict=False):
            same = before.partition("-")[2] == tag.partition("-")[2]
            if tag.startswith("B-") and not same:
                return False
            begins_inside |= tag.startswith("I-") and not same
    return begins_inside


def _from_iob1(tags: Sequence[str]) -> list[str]:
    return [
        f"B-{tag[2:]}" if tag.startswith("I-") and before.partition("-")[2] != tag[2:] else tag
        for before, tag in zip([OUTSIDE, *tags], tags, strict=False)
    ]


def _sequences(file: Path, word_column: int | str | None, tag_column: int | str | None) -> Iterator[_Sequence]:
    lines = _lines(file)
    word_column, tag_column = _as_position(word_column), _as_position(tag_column)
    begin = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if begin is None:
        return
    # Words may contain blanks where tabs separate the columns.
    separator = "\t" if "\t" in lines[begin] else None
    first = lines[begin].split(separator)
    width = len(first)
    names = _names(file, lines)
    if not names and (isinstance(word_column, str) or isinstance(tag_column, str)):
        names, begin = [name.strip() for name in first], begin + 1
    default_word, default_tag = ("form", "upos") if {"form", "upos"} <= {*map(str.lower, names)} else (0, -1)
    word = _place(file, "word_column", default_word if word_column is None else word_column, names, width)
    tag_place = _place(file, "tag_column", default_tag if tag_column is None else tag_column, names, width)
    if word % width == tag_place % width:
        raise DataError(
            f"conll: {file}, line {begin + 1}: the words and the tags are both taken from column {word % width} of "
            f"{width}; a file without tags can't be a split, but `textclf predict` labels its words"
        )
    sequence: _Sequence | None = None
    for number, line in enumerate(lines[begin:], start=begin + 1):
        if not line.strip():
            if sequence:
                yield sequence
            sequence = None
            continue
        columns = line.split(separator)
        if line.startswith(_DOCUMENT) or (line.startswith("#") and len(columns) != width):
            continue
        if len(columns) != width:
            raise DataError(
                f"conll: {file}, line {number}: expected {width} columns like the first line, found {len(columns)}: "
                f"{line[:60]!r}"
            )
        if names and names[0].lower() == "id" and not columns[0].isdecimal():
            continue  # CoNLL-U has further lines for contractions (1-2) and words left out (5.1)
        tag = columns[tag_place].strip()
        if not tag:
            raise DataError(f"conll: {file}, line {number}: the word {columns[word]!r} has no tag")
        sequence = sequence or _Sequence(number)
        sequence.words.append(columns[word])
        sequence.tags.append(tag)
    if sequence:
        yield sequence


def _as_position(column: int | str | None) -> int | str | None:
    return int(column) if isinstance(column, str) and re.fullmatch(r"-?\d+", column) else column


def _names(file: Path, lines: Sequence[str]) -> list[str]:
    """Return the names of the columns if the format has them: those of CoNLL-U, or those that CoNLL-U Plus declares."""
    declared = next((line.partition("=")[2].split() for line in lines[:1] if line.startswith(_DECLARATION)), [])
    return declared or (list(_CONLLU) if file.suffix.lower() == ".conllu" else [])


def _place(file: Path, option: str, column: int | str, names: Sequence[str], width: int) -> int:
    """Return the position of a column, given by its name or position.

    Raises:
        DataError: there is no such column.
    """
    if isinstance(column, int):
        if not -width <= column < width:
            raise DataError(f"conll: {file} has {width} columns, counted from 0, so there is no {option}={column}")
        return column
    places = [place for place, name in enumerate(names) if name.lower() == column.lower()]
    if not places or places[0] >= width:
        raise DataError(
            f"conll: {file} has no column {column!r} ({option}={column}); the columns are: {', '.join(names)}."
            f"{did_you_mean(column, names)} A column can also be given by its position, from 0."
        )
    return places[0]


def _lines(file: Path) -> list[str]:
    try:
        # Not splitlines(): it also splits at U+0085 and others, which occur in words of tweets.
        content = file.read_bytes()
        if other := other_format(content):
            raise DataError(f"conll: {file}: this is {other}")
        text = content.decode("utf-8-sig")
        return [line.removesuffix("\r") for line in text.split("\n" if "\n" in text else "\r")]
    except OSError as error:
        raise DataError(f"conll: {file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"conll: {file} isn't UTF-8: byte {error.start} is {error.object[error.start]:#x}; save it as UTF-8"
        ) from error

"""Reading the CoNLL format, and recognising the scheme of its tags."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from datasets import DatasetDict

from textclf_core.data.tagged_words import ordered_tags, tagged_split
from textclf_core.errors import DataError
from textclf_core.tasks.entities import OUTSIDE, invalid_sequences, scheme_of

logger = logging.getLogger("textclf")

_DOCUMENT = "-DOCSTART-"


@dataclass
class _Sequence:
    """The words and tags of a sequence, and the line where it begins."""

    line: int
    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def read_splits(files: Mapping[str, Path], word_column: int, tag_column: int) -> DatasetDict:
    """Return the splits with the columns ``tokens`` and ``label``; ``O`` is label 0, the others are in sorted order.

    Args:
        files: the file of each split.
        word_column: the column of the words, counted from 0, or from the end if negative.
        tag_column: the column of the tags, likewise.

    Raises:
        DataError: a file can't be read, or a line has a different number of columns than the first.
    """
    splits = {name: list(_sequences(file, word_column, tag_column)) for name, file in files.items()}
    for name, sequences in splits.items():
        if not sequences:
            raise DataError(f"conll: {files[name]} has no words")
    _settle_scheme(splits, files)
    names = ordered_tags(set(chain.from_iterable(one.tags for one in chain(*splits.values()))))
    data = DatasetDict(
        {
            name: tagged_split([one.words for one in sequences], [one.tags for one in sequences], names)
            for name, sequences in splits.items()
        }
    )
    for name, split in data.items():
        split.info.description = str(files[name])
    return data


def _settle_scheme(splits: Mapping[str, Sequence[_Sequence]], files: Mapping[str, Path]) -> None:
    """Log the scheme of the tags, convert IOB1 to BIO in place, and log the number of invalid tag sequences."""
    everything = list(chain.from_iterable(splits.values()))
    scheme = scheme_of(set(chain.from_iterable(one.tags for one in everything)))
    if scheme is None:
        logger.info("conll: the tags aren't entity tags (B-person, I-person, O), so each word is scored on its own")
        return
    if scheme == "BIO" and _is_iob1([one.tags for one in everything]):
        logger.info("conll: the tags are IOB1; they are converted to BIO, which describes the same entities")
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


def _sequences(file: Path, word_column: int, tag_column: int) -> Iterator[_Sequence]:
    lines = _lines(file)
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    # Words may contain blanks where tabs separate the columns.
    separator = "\t" if "\t" in first else None
    width = len(first.split(separator))
    places = {"word_column": word_column, "tag_column": tag_column}
    for option, place in places.items():
        if first and not -width <= place < width:
            raise DataError(f"conll: {file} has {width} columns, counted from 0, so there is no {option}={place}")
    sequence: _Sequence | None = None
    for number, line in enumerate(lines, start=1):
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
        tag = columns[tag_column].strip()
        if not tag:
            raise DataError(f"conll: {file}, line {number}: the word {columns[word_column]!r} has no tag")
        sequence = sequence or _Sequence(number)
        sequence.words.append(columns[word_column])
        sequence.tags.append(tag)
    if sequence:
        yield sequence


def _lines(file: Path) -> list[str]:
    try:
        # Not splitlines(): it also splits at U+0085 and others, which occur in words of tweets.
        return [line.removesuffix("\r") for line in file.read_bytes().decode("utf-8-sig").split("\n")]
    except OSError as error:
        raise DataError(f"conll: {file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"conll: {file} isn't UTF-8: byte {error.start} is {error.object[error.start]:#x}") from error

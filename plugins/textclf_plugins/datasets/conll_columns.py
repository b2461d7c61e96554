"""Reading CoNLL's columns, and telling the scheme of their tags."""

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
class _Sentence:
    """A sentence, and the line where it begins."""

    line: int
    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def read_splits(files: Mapping[str, Path], word_column: int, tag_column: int) -> DatasetDict:
    """Return the splits with the columns ``tokens`` and ``label``; ``O`` is label 0, the others go by the alphabet.

    Args:
        files: a file for each split.
        word_column: the column of the words, from 0; negative from the end.
        tag_column: that of the tags.

    Raises:
        DataError: a file can't be read, or a line hasn't the columns of the others.
    """
    splits = {name: list(_sentences(file, word_column, tag_column)) for name, file in files.items()}
    for name, sentences in splits.items():
        if not sentences:
            raise DataError(f"conll: {files[name]} has no sentence in it")
    _settle_scheme(splits, files)
    names = ordered_tags(set(chain.from_iterable(one.tags for one in chain(*splits.values()))))
    data = DatasetDict(
        {
            name: tagged_split([one.words for one in sentences], [one.tags for one in sentences], names)
            for name, sentences in splits.items()
        }
    )
    for name, split in data.items():
        split.info.description = str(files[name])
    return data


def _settle_scheme(splits: Mapping[str, Sequence[_Sentence]], files: Mapping[str, Path]) -> None:
    """Say which scheme the tags have, turn IOB1 into BIO, and count what the scheme doesn't allow."""
    everything = list(chain.from_iterable(splits.values()))
    scheme = scheme_of(set(chain.from_iterable(one.tags for one in everything)))
    if scheme is None:
        logger.info("conll: the tags are no tags of entities (B-person, I-person, O), so each word is scored by itself")
        return
    if scheme == "BIO" and _is_iob1([one.tags for one in everything]):
        logger.info("conll: the tags are IOB1; they are written as BIO, which has the same entities")
        for one in everything:
            one.tags = _from_iob1(one.tags)
        return
    logger.info("conll: the tags are %s", scheme)
    for name, sentences in splits.items():
        lines = [one.line + word for one in sentences for word in invalid_sequences(one.tags, scheme)]
        if lines:
            logger.info(
                "conll: %s (%s): %d sequences of tags aren't valid %s, the first in line %d; each is taken for an "
                "entity, and entity-f1:mode=strict takes it for none",
                name,
                files[name].name,
                len(lines),
                scheme,
                lines[0],
            )


def _is_iob1(sentences: Sequence[Sequence[str]]) -> bool:
    """Return whether B- stands only where two entities of a type meet, and some entity begins with I-.

    That is IOB1's rule (Ramshaw & Marcus, 1995). In BIO every entity begins with B-.
    """
    begins_inside = False
    for tags in sentences:
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


def _sentences(file: Path, word_column: int, tag_column: int) -> Iterator[_Sentence]:
    lines = _lines(file)
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    # Words may hold blanks where tabs part the columns.
    separator = "\t" if "\t" in first else None
    width = len(first.split(separator))
    places = {"word_column": word_column, "tag_column": tag_column}
    for option, place in places.items():
        if first and not -width <= place < width:
            raise DataError(f"conll: {file} has {width} columns, so there is no {option}={place}; they count from 0")
    sentence: _Sentence | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            if sentence:
                yield sentence
            sentence = None
            continue
        columns = line.split(separator)
        if line.startswith(_DOCUMENT) or (line.startswith("#") and len(columns) != width):
            continue
        if len(columns) != width:
            raise DataError(
                f"conll: {file}, line {number}: {len(columns)} columns, where the first line has {width}: {line[:60]!r}"
            )
        tag = columns[tag_column].strip()
        if not tag:
            raise DataError(f"conll: {file}, line {number}: the word {columns[word_column]!r} has no tag")
        sentence = sentence or _Sentence(number)
        sentence.words.append(columns[word_column])
        sentence.tags.append(tag)
    if sentence:
        yield sentence


def _lines(file: Path) -> list[str]:
    try:
        # Not splitlines(): words of tweets hold U+0085 and others that it takes for the end of a line.
        return [line.removesuffix("\r") for line in file.read_bytes().decode("utf-8-sig").split("\n")]
    except OSError as error:
        raise DataError(f"conll: {file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"conll: {file} isn't UTF-8: byte {error.start} is {error.object[error.start]:#x}") from error

"""Signs in rows that they aren't what they seem: texts that were damaged before, and annotations that were rejected."""

from __future__ import annotations

import logging
import re
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from textclf_core.data.guessed_columns import is_string
from textclf_core.data.source import Source

logger = logging.getLogger("textclf")

# What becomes of bytes that aren't UTF-8, and of UTF-8 that is read as windows-1252.
_DAMAGED = "\ufffd|\u00c3[\u0080-\u00bf]|\u00e2\u20ac[^\\s\\w]"
_ANSWER = "answer"
_ANSWERS = ("accept", "reject", "ignore")


def report_damaged(texts: pa.ChunkedArray, source: Source, column: str) -> None:
    """Log a warning if texts were read in another encoding than theirs before they were saved."""
    damaged = pc.match_substring_regex(texts, _DAMAGED).to_numpy()
    if count := int(damaged.sum()):
        first = int(damaged.argmax())
        found = re.search(f".{{0,12}}(?:{_DAMAGED}).{{0,12}}", texts[first].as_py())
        logger.warning(
            "%s: %s damaged characters (column %r; the first: %s, %r), as of texts that were read in another encoding "
            "than theirs and saved",
            source.where,
            "1 text has" if count == 1 else f"{count} texts have",
            column,
            source.place(first),
            found[0] if found else "",
        )


def report_answers(source: Source) -> None:
    """Log a warning if annotators rejected or ignored rows, whose labels then aren't theirs."""
    if not is_string(source.data.features.get(_ANSWER)):
        return
    answers = Counter(source.data[_ANSWER][:])
    others = {answer: count for answer, count in answers.items() if answer in ("reject", "ignore")}
    if others and answers.keys() <= {*_ANSWERS}:
        logger.warning(
            "%s: %s (column %r), as Prodigy writes it; their labels are read like those of others: remove these rows",
            source.where,
            " and ".join(f"{count} rows are {answer!r}" for answer, count in others.items()),
            _ANSWER,
        )

"""Facts of many texts at once, from their bytes; the same as of each text by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLANKS = np.zeros(256, dtype=bool)
_BLANKS[[9, 10, 11, 12, 13, 28, 29, 30, 31, 32]] = True  # the white space of ASCII, as str.split has it


def word_counts(texts: pa.StringArray) -> NDArray[np.int64]:
    """Return the number of words of each text, as ``str.split`` finds them."""
    content, offsets = _bytes(texts)
    blank = _BLANKS[content]
    begins = ~blank
    begins[1:] &= blank[:-1]
    first = offsets[:-1][np.diff(offsets) > 0]
    begins[first] = ~blank[first]
    counts = _sums(begins, offsets)
    if len(content) and content.max() > 127:
        for row in np.flatnonzero(_sums(content > 127, offsets)):  # there may be white space beyond ASCII
            counts[row] = len(texts[int(row)].as_py().split())
    return counts


def json_rows(texts: pa.StringArray, labels: Sequence[str]) -> bytes | None:
    """Return ``["text", label]`` for each text and its label as JSON, without anything between.

    Returns ``None`` if a text has characters for which JSON has escapes, other than quotes and backslashes.
    """
    content, _ = _bytes(texts)
    if len(content) and not (content.min() >= 32 and content.max() <= 126):
        return None
    escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    rows, _ = _bytes(pc.binary_join_element_wise('["', escaped, '", ', pa.array(labels, pa.string()), "]", ""))
    return rows.tobytes()


def _bytes(texts: pa.StringArray) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return the bytes of texts, one after the other, and where each begins in them, and the end."""
    _, offsets, content = texts.buffers()
    starts = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if content is None:  # all are empty
        return np.zeros(0, dtype=np.uint8), np.zeros_like(starts)
    return np.frombuffer(content, dtype=np.uint8)[starts[0] : starts[-1]], starts - starts[0]


def _sums(values: NDArray[np.bool_], offsets: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return how many values are true between each offset and the next."""
    return np.diff(np.searchsorted(np.flatnonzero(values), offsets))

"""Which tokens stay of an input that is too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.types.tokenization import Truncation


def kept_places(special: Sequence[int], max_length: int, truncation: Truncation) -> NDArray[np.int64]:
    """Return the places of the tokens that stay, ascending; there are ``max_length`` of them, or all if fewer.

    Special tokens stay where they are. What stands between them is a text. Of several, the longest is truncated first,
    until they fit: the ``longest_first`` of ``transformers``, for any number of texts.

    Args:
        special: for each token whether it is a special one: 1 or 0.
        max_length: how many tokens may stay.
        truncation: what of a text stays.

    Raises:
        UsageError: the special tokens leave no room for text.
    """
    is_special = np.asarray(special, dtype=bool)
    fixed, places = np.flatnonzero(is_special), np.flatnonzero(~is_special)
    room = max_length - len(fixed)
    if room < 1:
        raise UsageError(
            f"max_length={max_length} leaves no room for text beside {len(fixed)} special tokens. Give more."
        )
    texts = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    kept = [_part(text, size, truncation) for text, size in zip(texts, _sizes(texts, room), strict=True)]
    return np.sort(np.concatenate([fixed, *kept]))


def _sizes(texts: Sequence[NDArray[np.int64]], room: int) -> list[int]:
    """Return how many tokens each text keeps: all where it is short, else as many as every other long one."""
    sizes = [0] * len(texts)
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    for done, index in enumerate(order):
        sizes[index] = min(len(texts[index]), room // (len(texts) - done))
        room -= sizes[index]
    return sizes


def _part(text: NDArray[np.int64], size: int, truncation: Truncation) -> NDArray[np.int64]:
    """Return the first or the last tokens of a text, or a quarter of ``size`` from its head and the rest from its tail.

    The quarter is that of Sun et al., "How to Fine-Tune BERT for Text Classification?" (2019), section 5.3.1: 128 and
    382 tokens of the 510 that BERT takes beside its special ones did best on IMDb and Sogou.
    """
    head = {"head": size, "tail": 0, "head+tail": -(-size // 4)}[truncation]
    return np.concatenate([text[:head], text[len(text) - (size - head) :]])

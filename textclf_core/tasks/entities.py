"""Entities in sequences of tags: their spans, and the counts for precision and recall.

There are two modes of reading tags, as in the package seqeval. In ``default`` mode, as in the evaluation script of
CoNLL-2000, every tag except ``O`` is part of an entity, and a tag that can't continue the previous entity begins a new
one. In ``strict`` mode only sequences that the scheme allows are entities: B-x I-x ... in BIO; S-x, or
B-x (I-x ...) E-x in BIOES.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Mode = Literal["default", "strict"]
Scheme = Literal["BIO", "BIOES"]

OUTSIDE = "O"


@dataclass(frozen=True, order=True)
class Span:
    """An entity: the words ``start`` to ``end`` - 1 of its sequence, counted from 0, and its type."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class EntityCounts:
    """The numbers of correctly predicted, predicted and true entities, which can be added over sequences and types."""

    right: int = 0
    predicted: int = 0
    true: int = 0

    def __add__(self, other: EntityCounts) -> EntityCounts:
        return EntityCounts(self.right + other.right, self.predicted + other.predicted, self.true + other.true)

    @property
    def precision(self) -> float:
        """The share of predicted entities that are correct; 0 if none was predicted."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of true entities that were found; 0 if there are none."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 if both are 0."""
        return 2 * self.right / (self.predicted + self.true) if self.predicted + self.true else 0.0


def scheme_of(tags: Iterable[str]) -> Scheme | None:
    """Return the tagging scheme of label names; ``None`` if they aren't entity tags (but parts of speech, say)."""
    prefixes = set()
    for tag in tags:
        prefix, dash, kind = tag.partition("-")
        if tag != OUTSIDE and not (dash and kind and prefix in ("B", "I", "E", "S")):
            return None
        prefixes.add(prefix)
    if prefixes <= {OUTSIDE}:
        return None
    return "BIOES" if prefixes & {"E", "S"} else "BIO"


def entity_types(tags: Iterable[str]) -> list[str]:
    """Return the entity types in label names, sorted alphabetically."""
    return sorted({tag.partition("-")[2] for tag in tags} - {""})


def spans_of(tags: Sequence[str], scheme: Scheme, mode: Mode = "default") -> list[Span]:
    """Return the entities of a sequence, in order.

    Args:
        tags: the tag of each word, such as ``B-person``.
        scheme: the scheme of all label names, by :func:`scheme_of`.
        mode: how tags that the scheme doesn't allow are read; see the module's docstring.
    """
    return [
        Span(start, end, tags[start].partition("-")[2])
        for start, end in _runs(tags)
        if mode == "default" or _is_allowed(tags[start:end], scheme)
    ]


def count_entities(
    references: Sequence[str], predictions: Sequence[str], scheme: Scheme, mode: Mode = "default"
) -> dict[str, EntityCounts]:
    """Return the counts of a sequence by entity type, for the types that occur in it.

    An entity is correct if its boundaries and its type are.

    Args:
        references: the true tag of each word.
        predictions: the predicted tag of each word.
        scheme: the scheme of all label names, by :func:`scheme_of`.
        mode: how tags that the scheme doesn't allow are read.
    """
    true, predicted = (set(spans_of(tags, scheme, mode)) for tags in (references, predictions))
    by_kind = [Counter(span.type for span in spans) for spans in (true & predicted, predicted, true)]
    return {kind: EntityCounts(*(counts[kind] for counts in by_kind)) for kind in sorted(by_kind[1] | by_kind[2])}


@dataclass(frozen=True)
class ScoredSpan:
    """A predicted entity: the words ``start`` to ``end`` - 1, its type, and the mean score of its words."""

    start: int
    end: int
    type: str
    score: float


def scored_spans(tags: Sequence[str], scores: NDArray[np.float32], scheme: Scheme) -> list[ScoredSpan]:
    """Return the entities in a sequence's predicted tags, each with its score.

    Args:
        tags: the predicted tag of each word.
        scores: the scores of the words, float32, shape (words, labels).
        scheme: the scheme of the tags.
    """
    best = scores.max(axis=1) if len(scores) else scores
    return [
        ScoredSpan(span.start, span.end, span.type, float(best[span.start : span.end].mean()))
        for span in spans_of(tags, scheme)
    ]


def invalid_sequences(tags: Sequence[str], scheme: Scheme) -> list[int]:
    """Return the first words, counted from 0, of a sequence's entities that the scheme doesn't allow."""
    return [start for start, end in _runs(tags) if not _is_allowed(tags[start:end], scheme)]


def _runs(tags: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the first word and the end of each run of tags that continue one another, without ``O`` tags."""
    start = 0
    for end in range(1, len(tags) + 1):
        if end == len(tags) or not _goes_on(tags[end - 1], tags[end]):
            if tags[start] != OUTSIDE:
                yield start, end
            start = end


def _goes_on(before: str, tag: str) -> bool:
    """Return whether a tag continues the entity of the previous tag."""
    if before == OUTSIDE or tag == OUTSIDE:
        return False
    (prefix, _, kind), (next_prefix, _, next_kind) = before.partition("-"), tag.partition("-")
    return prefix in "BI" and next_prefix in "IE" and kind == next_kind


def _is_allowed(run: Sequence[str], scheme: Scheme) -> bool:
    prefixes = "".join(tag[0] for tag in run)
    if scheme == "BIO":
        return prefixes[0] == "B"
    return prefixes == "S" or (prefixes[0] == "B" and prefixes[-1] == "E")

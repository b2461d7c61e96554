"""Entities in tags are those that seqeval finds."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES, Entities

from textclf_core.tasks.entities import (
    EntityCounts,
    Scheme,
    Span,
    count_entities,
    entity_types,
    invalid_sequences,
    scheme_of,
    spans_of,
)

SCHEMES = {"BIO": IOB2, "BIOES": IOBES}


def sequences(scheme: Scheme) -> Iterator[list[str]]:
    """Sequences of tags at random, most of them not valid."""
    generator = random.Random(0)
    tags = ["O", *(f"{prefix}-{kind}" for prefix in scheme if prefix != "O" for kind in ("person", "work-of-art"))]
    for _ in range(2000):
        yield generator.choices(tags, k=generator.randint(1, 7))


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_by_default_tags_are_read_as_seqeval_reads_them(scheme: Scheme) -> None:
    for tags in sequences(scheme):
        found = [(span.type, span.start, span.end - 1) for span in spans_of(tags, scheme)]
        assert found == get_entities(tags), tags


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_strictly_tags_are_read_as_seqeval_reads_them(scheme: Scheme) -> None:
    for tags in sequences(scheme):
        found = {(span.type, span.start, span.end) for span in spans_of(tags, scheme, "strict")}
        expected = {(one.tag, one.start, one.end) for one in Entities([tags], SCHEMES[scheme]).entities[0]}
        assert found == expected, tags


def test_both_bounds_and_the_type_have_to_be_right() -> None:
    true = ["B-person", "I-person", "O", "B-place", "O"]
    found = ["B-person", "O", "O", "B-place", "B-person"]
    assert count_entities(true, found, "BIO") == {
        "person": EntityCounts(right=0, predicted=2, true=1),
        "place": EntityCounts(right=1, predicted=1, true=1),
    }


def test_f1_is_that_of_the_counts_added_up() -> None:
    total = EntityCounts(right=2, predicted=4, true=3) + EntityCounts(right=0, predicted=0, true=1)
    assert (total.precision, total.recall, total.f1) == (0.5, 0.5, 0.5)
    assert EntityCounts().f1 == EntityCounts().precision == EntityCounts().recall == 0.0


def test_an_entity_that_begins_inside_counts_by_default_alone() -> None:
    assert spans_of(["O", "I-person", "I-person"], "BIO") == [Span(1, 3, "person")]
    assert spans_of(["O", "I-person", "I-person"], "BIO", "strict") == []
    assert invalid_sequences(["O", "I-person", "I-person", "B-person"], "BIO") == [1]


def test_the_scheme_is_recognised_by_the_label_names() -> None:
    assert scheme_of(["O", "B-person", "I-person"]) == "BIO"
    assert scheme_of(["O", "S-person", "B-place", "E-place"]) == "BIOES"
    assert scheme_of(["NOUN", "VERB", "O"]) is None
    assert scheme_of(["O"]) is None
    assert entity_types(["O", "B-place", "I-place", "B-work-of-art"]) == ["place", "work-of-art"]

"""Facts of many texts at once are those of each text by itself."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textclf_core.data.plain_texts import json_rows, word_counts

BLANKS = st.sampled_from([*"a \t\n\x1c\x1f\x0b\x85\u00a0\u2003"])
TEXTS = st.lists(st.text(st.one_of(BLANKS, st.characters(exclude_categories=["Cs"]))))
PRINTABLE = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126)), min_size=1)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(texts=TEXTS, before=st.integers(0, 3))
def test_words_are_those_of_split(texts: list[str], before: int) -> None:
    array = pa.array(["x y z"] * before + texts, pa.string())[before:]
    assert word_counts(array).tolist() == [len(text.split()) for text in texts]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(texts=PRINTABLE, before=st.integers(0, 3))
def test_rows_are_those_of_json(texts: list[str], before: int) -> None:
    array = pa.array(["x"] * before + texts, pa.string())[before:]
    labels = [json.dumps(text[:3]) for text in texts]
    expected = "".join(json.dumps([text, text[:3]]) for text in texts)
    assert json_rows(array, labels) == expected.encode()


@pytest.mark.parametrize("text", ["a\nb", "caf\u00e9", "\x7f", "\t"])
def test_other_characters_are_left_to_json(text: str) -> None:
    assert json_rows(pa.array(["plain", text]), ['"x"', '"y"']) is None

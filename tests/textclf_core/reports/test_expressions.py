"""Conditions on rows."""

from __future__ import annotations

import pytest

from textclf_core.errors import UsageError
from textclf_core.reports.expressions import rows_where

COLUMNS = {
    "length": [5, 12, 31, 40],
    "source": ["forum", "letter", "forum", None],
    "text": ["not bad", "dull", "it is not", "bright"],
    "stars": [1, None, 3, 5],
    "edited": [True, False, True, False],
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("length > 30", [0, 0, 1, 1]),
        ("10 < length <= 31", [0, 1, 1, 0]),
        ("length >= 12 and source == 'forum'", [0, 0, 1, 0]),
        ('length < 6 or source == "letter"', [1, 1, 0, 0]),
        ("not source == 'forum'", [0, 1, 0, 1]),
        ("source != 'forum'", [0, 1, 0, 0]),
        ("stars in (1, 5)", [1, 0, 0, 1]),
        ("stars not in [1, 5]", [0, 0, 1, 0]),
        ("stars > -1", [1, 0, 1, 1]),
        ("'not' in text", [1, 0, 1, 0]),
        ("edited", [1, 0, 1, 0]),
        ("not edited and length == 40", [0, 0, 0, 1]),
        (" length==5\n", [1, 0, 0, 0]),
    ],
)
def test_a_condition_selects_rows(condition: str, expected: list[int]) -> None:
    assert rows_where(condition, COLUMNS) == [bool(one) for one in expected]


@pytest.mark.parametrize(
    "condition",
    [
        "__import__('os').system('true')",
        "length.__class__ == 3",
        "text[0] == 'n'",
        "length + 1 > 3",
        "(lambda: 1)() == length",
        "[x for x in text] == length",
        "length if edited else stars",
        "length == f'{text}'",
        "length is 3",
        "length == None",
        "length := 3",
        "length == 10 ** 10",
    ],
)
def test_nothing_but_comparisons_is_taken(condition: str) -> None:
    with pytest.raises(UsageError, match=r"isn't a comparison, and, or, not or in|it can't be parsed"):
        rows_where(condition, COLUMNS)


def test_an_unknown_column_is_refused_with_the_nearest_and_those_there_are() -> None:
    with pytest.raises(UsageError) as error:
        rows_where("lenght > 3", COLUMNS)
    assert str(error.value).startswith(
        "--slice lenght > 3: there is no column 'lenght'. Did you mean 'length'? The columns are length, source, text, "
        "stars, edited."
    )


def test_an_unknown_column_in_the_part_that_never_counts_is_refused_too() -> None:
    with pytest.raises(UsageError, match="there is no column 'nothing'"):
        rows_where("length > 0 or nothing == 1", COLUMNS)


def test_a_text_compared_with_a_number_is_refused() -> None:
    with pytest.raises(UsageError, match=r"it compares text with int; texts need quotes, numbers don't\."):
        rows_where("source > 3", COLUMNS)


@pytest.mark.parametrize("condition", ["stars", "-length", "text"])
def test_a_value_is_no_condition(condition: str) -> None:
    with pytest.raises(UsageError, match="it is a value, not a condition"):
        rows_where(condition, COLUMNS)


@pytest.mark.parametrize("condition", ["1 < 2", "True"])
def test_a_condition_names_a_column(condition: str) -> None:
    with pytest.raises(UsageError, match="it names no column; the columns are length, source"):
        rows_where(condition, COLUMNS)


@pytest.mark.parametrize("condition", ["length >", "", "length = 3", "a b"])
def test_what_cannot_be_read_is_refused_with_an_example(condition: str) -> None:
    with pytest.raises(UsageError, match=r'it can\'t be parsed .* such as "length > 30"'):
        rows_where(condition, COLUMNS)

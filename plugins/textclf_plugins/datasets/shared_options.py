"""Options that several dataset plugins have: how splits are made, and how labels are read."""

from __future__ import annotations

from typing import Annotated, Literal

from textclf_core.types.option import Option

GroupColumn = Annotated[
    str | None,
    Option(
        "A column such as an author: rows that share a value stay on one side of each split that is made, and test "
        "rows that do count as one draw."
    ),
]
TimeColumn = Annotated[str | None, Option("A column of numbers or dates: splits that are made train on the past.")]
LabelSeparator = Annotated[
    str | None,
    Option(
        "The separator between the labels of a text in a multi-label task: pipe, semicolon, comma, tab, newline, space "
        "or the characters themselves. Not needed if labels are lists."
    ),
]
LabelSpelling = Annotated[
    Literal["exact", "folded"] | None,
    Option(
        "folded: labels that differ only in white space, dashes, quotes, case or a final .0 are merged; exact: each "
        "spelling is a label, and decimals are allowed. Default: different spellings are reported, and decimals are an "
        "error."
    ),
]
LabelBins = Annotated[tuple[float, ...], Option("Divide numbers into classes at these values, in ascending order.")]
EmptyTexts = Annotated[Literal["keep", "drop"], Option("What to do with rows whose text is empty.")]


def check_label_separator(separator: str | None) -> None:
    """Raise a ``ValueError`` if the separator of labels is empty."""
    if separator == "":
        raise ValueError("label_separator must have at least one character")

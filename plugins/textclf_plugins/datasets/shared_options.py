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
LabelSpelling = Annotated[
    Literal["exact", "folded"] | None,
    Option(
        "folded: labels that differ only in white space, case or a final .0 are merged; exact: each spelling is a "
        "label, and decimals are allowed. Default: different spellings are reported, and decimals are an error."
    ),
]
LabelBins = Annotated[tuple[float, ...], Option("Divide numbers into classes at these values, in ascending order.")]

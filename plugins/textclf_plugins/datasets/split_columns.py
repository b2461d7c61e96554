"""The options of dataset plugins that say how splits are made."""

from __future__ import annotations

from typing import Annotated

from textclf_core.types.option import Option

GroupColumn = Annotated[
    str | None,
    Option(
        "A column such as an author: rows that share a value stay on one side of each split that is made, and test "
        "rows that do count as one draw."
    ),
]
TimeColumn = Annotated[str | None, Option("A column of numbers or dates: splits that are made train on the past.")]

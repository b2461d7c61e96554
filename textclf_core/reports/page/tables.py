"""The building blocks of the page as plain values: tables, figures and paragraphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class Code:
    """A short code in a cell, with its tooltip."""

    text: str
    title: str
    class_: str | None = None


@dataclass(frozen=True)
class Share:
    """A share in a cell, drawn as a bar."""

    value: float


Cell = str | Share | tuple[Code, ...]


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is its heading.

    Attributes:
        caption: what it holds.
        headings: of the columns; an empty one for a column that needs none.
        rows: its cells.
        classes: of a column, by its heading: ``number`` for numbers, which are aligned right.
    """

    kind: ClassVar = "table"
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    classes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: for each true class its name, and of each cell the count, the percentage and the class."""

    kind: ClassVar = "matrix"
    caption: str
    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]


@dataclass(frozen=True)
class Figure:
    """A chart, as an SVG element, and its caption."""

    kind: ClassVar = "figure"
    svg: str
    caption: str


@dataclass(frozen=True)
class Paragraph:
    """A text of its own."""

    kind: ClassVar = "paragraph"
    text: str
    class_: str | None = None


@dataclass(frozen=True)
class Part:
    """Tables, figures and paragraphs under one heading."""

    heading: str
    blocks: tuple[Table | Matrix | Figure | Paragraph, ...]


@dataclass(frozen=True)
class SortColumn:
    """A column of a table that the page's script sorts."""

    heading: str
    is_number: bool = False
    largest_first: bool = False


@dataclass(frozen=True)
class SortCell:
    """A cell, and what its column is sorted by.

    Attributes:
        text: what it says.
        key: what it is sorted by; empty where the value is unknown.
        class_: its CSS class.
        badge: the CSS class of a badge that the text stands in.
        interval: the positions of the low end, the score and the high end in the strip beside the text.
        recommended: whether a badge says so.
    """

    text: str
    key: str
    class_: str | None = None
    badge: str | None = None
    interval: tuple[float, float, float] | None = None
    recommended: bool = False


@dataclass(frozen=True)
class SortTable:
    """A table whose columns the page's script sorts; the first cell of each row is its heading.

    Attributes:
        id: of the table.
        caption: what it holds.
        columns: what stands above the cells.
        rows: its cells.
        sorted_by: the column that the rows are in the order of.
    """

    id: str
    caption: str
    columns: tuple[SortColumn, ...]
    rows: tuple[tuple[SortCell, ...], ...]
    sorted_by: int | None = None


def numbers(*headings: str) -> dict[str, str]:
    """Return the classes of columns of numbers."""
    return dict.fromkeys(headings, "number")


def counted(count: int, thing: str) -> str:
    """Return how many there are of a thing: ``1 run``, ``1,066 runs``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"

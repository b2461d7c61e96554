"""Tables of the page: each has a caption, says what its headings are of, and scrolls sideways on its own."""

from __future__ import annotations

from collections.abc import Sequence

from textclf_core.reports.page.markup import Html, tag


def table(caption: str, headings: Sequence[str], rows: Sequence[Html], *, numbers: Sequence[str] = ()) -> Html:
    """Return a table.

    Args:
        caption: what it holds.
        headings: of the columns; an empty one for a column that needs none.
        rows: its ``tr`` elements.
        numbers: the headings of columns of numbers, which stand to the right.
    """
    cells = [
        tag("th", heading, scope="col", class_="number" if heading in numbers else None) if heading else tag("td")
        for heading in headings
    ]
    return framed(caption, tag("tr", *cells), rows)


def sortable(
    id: str,
    caption: str,
    headings: Sequence[tuple[str, str, bool]],
    rows: Sequence[Html],
    *,
    sorted_by: int | None = None,
) -> Html:
    """Return a table whose columns the page's script sorts by the ``data-key`` of their cells.

    Args:
        id: of the table.
        caption: what it holds.
        headings: of each column the heading, the alignment, and whether the largest goes first.
        rows: its ``tr`` elements.
        sorted_by: the column that they are in the order of.
    """
    cells = [
        tag(
            "th",
            tag("button", heading, type="button"),
            scope="col",
            class_="number" if align in ("right", "decimal") else None,
            data_largest_first=largest_first,
            aria_sort=("descending" if largest_first else "ascending") if index == sorted_by else None,
        )
        for index, (heading, align, largest_first) in enumerate(headings)
    ]
    return framed(caption, tag("tr", *cells), rows, id=id, class_="sort")


def framed(caption: str, head: Html, rows: Sequence[Html], *, id: str | None = None, class_: str | None = None) -> Html:
    """Return a table in a frame that the keyboard can scroll; the caption stays in view."""
    whole = tag(
        "table",
        tag("caption", tag("span", caption)),
        tag("thead", head),
        tag("tbody", *rows),
        id=id,
        class_=class_,
    )
    return tag("div", whole, class_="scroll", role="region", tabindex="0", aria_label=caption)


def number(text: str, key: float | None = None) -> Html:
    """Return a cell with a number, and what it is sorted by."""
    return tag("td", text, class_="number", data_key=None if key is None else repr(float(key)))

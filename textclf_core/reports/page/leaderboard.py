"""The verdict and the table of contenders, which the page's script sorts and filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.columns import MISSING, Column, columns_of
from textclf_core.reports.page.markup import Html, counted, joined, tag
from textclf_core.reports.page.tables import sortable
from textclf_core.reports.tables import limits

_STRIP_WIDTH, _STRIP_HEIGHT = 110.0, 16.0
_MARKS = {"best": "best", "not distinguishable from the best": "near", "worse": "worse"}


def verdict(analysis: Analysis) -> Html:
    """Return the verdict, which says what to use, and the sentences that qualify it."""
    return tag(
        "div",
        tag("p", analysis.sentence, class_="sentence"),
        tag("ul", *(tag("li", limit) for limit in limits(analysis)), class_="remarks"),
        class_="verdict",
    )


def leaderboard(analysis: Analysis, prefix: str, price_per_hour: float | None) -> Html:
    """Return the table of contenders with its filter.

    Args:
        analysis: the comparison.
        prefix: what the ids of this comparison's elements begin with.
        price_per_hour: what an hour of the machine costs; adds the column of money.
    """
    columns = list(_shown(analysis, price_per_hour))
    deviation = columns_of(analysis)["sd"]
    rows = [tag("tr", *(_cell(column, row, analysis.rows, deviation) for column in columns)) for row in analysis.rows]
    table_id = f"{prefix}-leaderboard"
    return joined(
        (
            tag(
                "p",
                tag("label", "Filter ", tag("input", type="search", data_filter=table_id, autocomplete="off")),
                tag("span", role="status", data_count=table_id),
                class_="control filter",
            ),
            sortable(
                table_id,
                f"{counted(len(rows), 'contender')}. {analysis.metric} is on test, mean over seeds ± sd; p is against "
                "the best, Holm-corrected over all pairs.",
                [(column.heading, column.align, column.largest_first) for column in columns],
                rows,
                sorted_by=next(index for index, column in enumerate(columns) if column.name == "score"),
            ),
        )
    )


def _shown(analysis: Analysis, price_per_hour: float | None) -> Iterator[Column]:
    for name, column in columns_of(analysis, price_per_hour).items():
        values = {column.key(row) for row in analysis.rows}
        # The deviation stands beside the score.
        # So does F1 of a type of entity, by class.
        said_elsewhere = name in ("sd", analysis.metric) or "/" in name or (name == "seeds" and len(values) == 1)
        if not said_elsewhere and values != {None}:
            yield column


def _cell(column: Column, row: Row, rows: Sequence[Row], deviation: Column) -> Html:
    key = column.key(row)
    keyed = "" if key is None else str(key)
    written = column.write(row)
    if column.name == "contender":
        badge = tag("span", "recommended", class_="badge recommended") if row.recommended else Html("")
        return tag("th", tag("span", written, class_="contender"), badge, scope="row", data_key=keyed)
    if column.name == "score" and row.deviation is not None:
        written = f"{written} ± {deviation.write(row)}"
    if column.name == "verdict":
        return tag("td", tag("span", written, class_=f"badge {_MARKS[row.verdict]}"), data_key=keyed)
    if column.name == "interval":
        return tag("td", _strip(row, rows), " ", tag("span", written), data_key=keyed, class_="interval")
    number = "number" if column.align != "left" else None
    return tag("td", written, data_key=keyed, class_=f"{number} missing" if written == MISSING else number)


def _strip(row: Row, rows: Sequence[Row]) -> Html:
    """Draw a row's interval on the scale of all rows."""
    low, high = min(each.low for each in rows), max(each.high for each in rows)
    scale = (_STRIP_WIDTH - 8) / ((high - low) or 1)
    at = [4 + (value - low) * scale for value in (row.low, row.score, row.high)]
    middle = _STRIP_HEIGHT / 2
    return tag(
        "svg",
        tag("line", x1=0.0, x2=_STRIP_WIDTH, y1=middle, y2=middle, class_="grid"),
        tag("line", x1=at[0], x2=at[2], y1=middle, y2=middle, class_="whisker"),
        tag("circle", cx=at[1], cy=middle, r=3.5, class_="dot"),
        viewBox=f"0 0 {_STRIP_WIDTH:.0f} {_STRIP_HEIGHT:.0f}",
        class_="strip",
        aria_hidden="true",
    )

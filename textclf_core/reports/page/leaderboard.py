"""The table of contenders, which the page's script sorts and filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.columns import MISSING, Column, columns_of
from textclf_core.reports.outlying import near_rows
from textclf_core.reports.page.tables import SortCell, SortColumn, SortTable, counted

_STRIP_WIDTH = 110.0
_MARKS = {"best": "best", "as good": "near", "undecided": "undecided", "worse": "worse"}


def leaderboard(analysis: Analysis, prefix: str) -> SortTable:
    """Return the table of contenders.

    Args:
        analysis: the comparison.
        prefix: what the ids of this comparison's elements begin with.
    """
    columns = list(_shown(analysis))
    deviation, ends = columns_of(analysis)["sd"], strip_ends(analysis)
    return SortTable(
        f"{prefix}-leaderboard",
        f"{counted(len(analysis.rows), 'contender')}. {analysis.metric} is on test, mean over seeds ± sd; the verdicts "
        "of all contenders hold at once.",
        tuple(SortColumn(one.heading, one.align in ("right", "decimal"), one.largest_first) for one in columns),
        tuple(row_cells(columns, row, ends, deviation) for row in analysis.rows),
        sorted_by=next(index for index, column in enumerate(columns) if column.name == "score"),
    )


def strip_ends(analysis: Analysis) -> tuple[float, float]:
    """Return the scores at the ends of the strips that show intervals: those of contenders far below lie at the end."""
    near = near_rows(analysis, analysis.rows)
    return min(row.low for row in near), max(row.high for row in near)


def row_cells(
    columns: Sequence[Column], row: Row, ends: tuple[float, float], deviation: Column
) -> tuple[SortCell, ...]:
    """Return the cells of a contender.

    Args:
        columns: the columns.
        row: the contender.
        ends: the scores at the ends of the strips that show intervals.
        deviation: the column of the standard deviation, which stands beside the score.
    """
    return tuple(_cell(column, row, ends, deviation) for column in columns)


def _shown(analysis: Analysis) -> Iterator[Column]:
    for name, column in columns_of(analysis).items():
        values = {column.key(row) for row in analysis.rows}
        # The deviation stands beside the score.
        # So does F1 of a type of entity, by class.
        said_elsewhere = name in ("sd", analysis.metric) or "/" in name or (name == "seeds" and len(values) == 1)
        if not said_elsewhere and values != {None}:
            yield column


def _cell(column: Column, row: Row, ends: tuple[float, float], deviation: Column) -> SortCell:
    key = column.key(row)
    keyed = "" if key is None else str(key)
    written = column.write(row)
    if column.name == "contender":
        return SortCell(written, keyed, recommended=row.recommended)
    if column.name == "verdict":
        return SortCell(written, keyed, badge=_MARKS[row.verdict])
    if column.name == "interval":
        return SortCell(written, keyed, "interval", interval=_strip(row, ends))
    if column.name == "score" and row.deviation is not None:
        written = f"{written} ± {deviation.write(row)}"
    classes = ["number"] * (column.align != "left") + ["missing"] * (written == MISSING)
    return SortCell(written, keyed, " ".join(classes) or None)


def _strip(row: Row, ends: tuple[float, float]) -> tuple[float, float, float]:
    """Return where a row's interval and score lie in the strip."""
    low, high = ends
    scale = (_STRIP_WIDTH - 8) / ((high - low) or 1)
    start, middle, end = (4 + (min(max(one, low), high) - low) * scale for one in (row.low, row.score, row.high))
    return start, middle, end

"""The part of the page that shows a comparison while it runs: without verdicts and recommendation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textclf_core.reports.analysis import Analysis
from textclf_core.reports.columns import columns_of
from textclf_core.reports.page.leaderboard import row_cells, strip_ends
from textclf_core.reports.page.tables import SortColumn, SortTable, counted

_SHOWN = ("contender", "score", "interval", "failed", "seeds")
"""The columns that compare no contender with others; costs are shown too."""


@dataclass(frozen=True, kw_only=True)
class RunningPart:
    """What the page shows while the comparison runs.

    Attributes:
        number: the number of this state of the page; a browser loads the page again when the server has another one.
        status: how many cells have ended, and the time left.
        cells: the running cells, with how far each is.
        lost: what is shown when the server doesn't answer any more.
        remarks: sentences on what is shown, and on what isn't.
        parts: for each data set and size of train a heading, the table of contenders if any run has finished, and
            sentences on failed runs.
    """

    number: int
    status: str
    cells: Sequence[str]
    lost: str
    remarks: tuple[str, ...]
    parts: tuple[tuple[str, SortTable | None, Sequence[str]], ...]


def running_table(analysis: Analysis, id: str) -> SortTable:
    """Return the table of contenders of a comparison that runs: scores, intervals and costs, in the order of the rows.

    Args:
        analysis: the finished runs, whose verdicts and recommendation aren't shown.
        id: the id of the table.
    """
    # Analysed one by one, each contender would be recommended.
    rows = tuple(replace(row, recommended=False) for row in analysis.rows)
    every, ends = columns_of(analysis), strip_ends(analysis)
    columns = [
        column
        for name, column in every.items()
        if name in (*_SHOWN, *analysis.criteria.kinds) and any(column.key(row) is not None for row in rows)
    ]
    return SortTable(
        id,
        f"{counted(len(rows), 'contender')} with finished runs. {analysis.metric} is on test, mean over the finished "
        "seeds ± sd.",
        tuple(SortColumn(one.heading, one.align in ("right", "decimal"), one.largest_first) for one in columns),
        tuple(row_cells(columns, row, ends, every["sd"]) for row in rows),
    )

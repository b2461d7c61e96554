"""The looks of a comparison: running its cells, and more seeds while they could decide something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from textclf_core.comparison.estimate import saved_estimates
from textclf_core.comparison.execution import run_cells
from textclf_core.comparison.live_view import LiveView
from textclf_core.comparison.runner import ComparisonPlan, FailedCell, FinishedCell, failed_run
from textclf_core.errors import RunError
from textclf_core.reports.analysis import Analysis, analyse
from textclf_core.reports.failed import FailedRun
from textclf_core.reports.stored import StoredRun
from textclf_core.storage.places import shown

if TYPE_CHECKING:
    from rich.console import Console

    from textclf_core.comparison.compare import ComparisonRequest
    from textclf_core.comparison.live_page import LivePage
    from textclf_core.data.sampling import TrainSize


def run_looks(
    planned: ComparisonPlan,
    request: ComparisonRequest,
    metric: str,
    console: Console | None,
    *,
    untuned: Sequence[FailedCell],
    page: LivePage | None,
    quiet: bool,
) -> tuple[list[FinishedCell], list[FailedCell], tuple[Analysis, ...], RunError | None]:
    """Run the cells, seeds by seeds where more of them may be needed.

    Args:
        planned: the cells, with those of all seeds that may be needed.
        request: the specification of the comparison.
        metric: the metric to show for finished cells.
        console: where to show progress; standard error if not given.
        untuned: cells that failed before, since their contenders couldn't be tuned.
        page: the page to show them on, if any.
        quiet: whether to show no progress.

    Returns:
        The finished cells, the failed ones without ``untuned``, the analyses, and why there are none if that failed.

    Raises:
        TextclfError: the executor failed.
    """
    expected = saved_estimates(planned.output)
    finished: list[FinishedCell] = []
    failed: list[FailedCell] = []
    order = list(dict.fromkeys(cell.seed for cell in planned.cells))
    unsettled = {cell.contender.data_set for cell in planned.cells}
    dropped: set[tuple[str, TrainSize | None]] = set()
    for earlier, look in pairwise((0, *planned.looks)):
        cells = tuple(
            cell
            for cell in planned.cells
            if cell.seed in order[earlier:look]
            and cell.contender.data_set in unsettled
            and (cell.contender.name, cell.train_size) not in dropped
        )
        view = LiveView(cells, metric, console, expected=expected, quiet=quiet, page=page)
        more, without = run_cells(
            replace(planned, cells=cells),
            view,
            executor=request.executor,
            workers=request.workers,
            force=request.force,
            command=request.command,
            expected=expected,
        )
        finished, failed = [*finished, *more], [*failed, *without]
        runs_failed = [failed_run(planned, one) for one in (*untuned, *failed)]
        analyses, error = _analyse(finished, runs_failed, request)
        cell_of = {one.directory: one.cell for one in finished}
        # Each data set is a comparison of its own, which ends at a look whatever the others do.
        unsettled &= {
            cell_of[analysis.rows[0].line.runs[0].directory].contender.data_set
            for analysis in analyses
            if not _is_settled(analysis)
        }
        if error or not unsettled:
            break
        if page and look < planned.looks[-1]:
            page.look(analyses, runs_failed)
        worse = [row.line.runs[0] for analysis in analyses for row in analysis.rows if row.verdict == "worse"]
        dropped |= {(cell.contender.name, cell.train_size) for cell in (cell_of[run.directory] for run in worse)}
    place = {cell: index for index, cell in enumerate(planned.cells)}
    finished.sort(key=lambda one: place[one.cell])
    failed.sort(key=lambda one: place[one.cell])
    return finished, failed, analyses, error


def _is_settled(analysis: Analysis) -> bool:
    """Return whether more seeds could decide nothing that matters to the recommendation.

    What matters is the recommended contender, and those that cost less than it, or whose cost is unknown.
    """
    recommended = next(row for row in analysis.rows if row.recommended)
    cost = recommended.costs[analysis.cost]
    return not any(
        row.needed is not None and row.needed.seeds is not None
        for row, own in ((row, row.costs[analysis.cost]) for row in analysis.rows)
        if row is recommended or cost is None or own is None or own < cost
    )


def _analyse(
    finished: Sequence[FinishedCell], failed: Sequence[FailedRun], request: ComparisonRequest
) -> tuple[tuple[Analysis, ...], RunError | None]:
    """Return the analyses of the finished cells, or none and the error if that fails."""
    runs = [StoredRun(cell.directory, cell.record) for cell in finished]
    try:
        return analyse(runs, request.criteria, failed), None
    except Exception as problem:  # the finished runs must be returned whatever fails here
        error = RunError(
            f"the {len(runs)} finished runs in {shown(request.output)} can't be compared: {type(problem).__name__}: "
            f"{problem}"
        )
        error.__cause__ = problem
        return (), error

"""Running a comparison of contenders on the same splits and seeds, or estimating its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.comparison.contenders import Contender
from textclf_core.errors import RunError
from textclf_core.reports.analysis import Analysis, analyse, check_metric
from textclf_core.reports.costs import check_cost
from textclf_core.reports.estimate_table import Estimate
from textclf_core.reports.printed import ReportOptions
from textclf_core.reports.report import Report
from textclf_core.reports.stored import StoredRun

if TYPE_CHECKING:
    from datasets import DatasetDict
    from rich.console import Console

    from textclf_core.comparison.runner import ComparisonPlan, FailedCell, FinishedCell
    from textclf_core.comparison.tuning import Search
    from textclf_core.data.sampling import TrainSize


@dataclass(frozen=True, kw_only=True)
class ComparisonRequest:
    """The specification of a comparison.

    Attributes:
        contenders: contenders from :func:`~textclf_core.comparison.contenders.named_contenders`.
        seeds: the seeds of each contender.
        sizes: the sizes of train; all of it if none is given.
        search: the option to tune for each contender, if any.
        data: splits in memory, for all contenders; ``None`` if the dataset plugins load them.
        data_seed: the seed of held-out splits and samples, for all contenders.
        device: a torch device, or ``auto``.
        cache_directory: the cache's folder; the user's cache if not given.
        output: the folder of the run directories.
        metric: the metric to compare by.
        cost: the cost to recommend by.
        price_per_hour: the price of the machine per hour; if given, costs in money are added.
        force: whether to run finished cells again.
        command: the command line, for the records.
    """

    contenders: tuple[Contender, ...]
    seeds: tuple[int, ...]
    sizes: tuple[TrainSize, ...] = ()
    search: Search | None = None
    data: DatasetDict | None = None
    data_seed: int = 0
    device: str = "auto"
    cache_directory: Path | None = None
    output: Path = Path("runs")
    metric: str = "f1"
    cost: str = "train-seconds"
    price_per_hour: float | None = None
    force: bool = False
    command: str | None = None


@dataclass(frozen=True, kw_only=True)
class ComparisonOutcome:
    """The outcome of a comparison.

    Attributes:
        report: the report on the finished cells; empty if there are none, or if they can't be compared.
        finished: the finished cells, in the order of the contenders.
        failed: the failed cells, with their errors.
        error: why the finished cells can't be compared; ``None`` if they can.
    """

    report: Report
    finished: tuple[FinishedCell, ...]
    failed: tuple[FailedCell, ...]
    error: RunError | None


def compare(request: ComparisonRequest, *, console: Console | None = None, quiet: bool = False) -> ComparisonOutcome:
    """Run the unfinished cells of a comparison, and compare all finished ones.

    Finished cells are kept and returned, even if something fails afterwards.

    Args:
        request: the specification of the comparison.
        console: where to show progress; standard error if not given.
        quiet: whether to show no progress.

    Raises:
        TextclfError: the request is invalid; no cell has run.
    """
    from textclf_core.system.process import process_state_restored

    with process_state_restored():
        return _compare(request, console=console, quiet=quiet)


def _compare(request: ComparisonRequest, *, console: Console | None, quiet: bool) -> ComparisonOutcome:
    planned = _plan(request)

    from textclf_core.comparison.estimate import saved_estimates
    from textclf_core.comparison.live_view import LiveView
    from textclf_core.comparison.runner import run_cells
    from textclf_core.comparison.tuning import tune_plan
    from textclf_core.types.progress import Progress

    untuned: Sequence[FailedCell] = ()
    try:
        if request.search:
            planned, untuned = tune_plan(planned, request.search, request.metric, Progress(console, quiet=quiet))
        expected = saved_estimates(planned.output)
        view = LiveView(planned.cells, request.metric, console, expected=expected, quiet=quiet)
        finished, failed = run_cells(planned, view, force=request.force, command=request.command, expected=expected)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(_what_is_finished(planned, request))
        raise
    analyses, error = _analyse(finished, request)
    return ComparisonOutcome(
        report=Report(
            analyses=analyses, options=ReportOptions(price_per_hour=request.price_per_hour), command=request.command
        ),
        finished=tuple(finished),
        failed=(*untuned, *failed),
        error=error,
    )


def _what_is_finished(planned: ComparisonPlan, request: ComparisonRequest) -> str:
    finished = sum(cell.finished_in(planned.output) is not None for cell in planned.cells)
    command = f": {request.command}" if request.command else "."
    again = "without --force, " if request.force else ""
    return (
        f"{finished} of {len(planned.cells)} cells are finished, in {planned.output}. The same command, {again}"
        f"reads them and runs the others{command}"
    )


def estimate(request: ComparisonRequest, *, console: Console | None = None, quiet: bool = False) -> Estimate:
    """Estimate the cost of the unfinished cells from pilot runs of each contender; no cell is run.

    The arguments and errors are those of :func:`compare`.
    """
    from textclf_core.system.process import process_state_restored

    search, missing = request.search, None
    if search:
        missing = f"Not included: {search.trials} trials per contender with {search.option!r}."
    with process_state_restored():
        planned = _plan(request)

        from textclf_core.comparison.estimate import estimate_costs
        from textclf_core.types.progress import Progress

        lines = estimate_costs(planned, Progress(console, quiet=quiet))
    return Estimate(lines=lines, price_per_hour=request.price_per_hour, not_included=missing)


def _plan(request: ComparisonRequest) -> ComparisonPlan:
    """Check the request, load each data set once, check the options, and return the plan of cells."""
    check_metric(request.metric)
    check_cost(request.cost)

    from textclf_core.comparison.runner import plan
    from textclf_core.data import prepare
    from textclf_core.plugins import check_options

    planned = plan(
        request.contenders,
        request.seeds,
        output=request.output,
        sizes=request.sizes,
        data=None if request.data is None else prepare(request.data, request.data_seed),
        data_seed=request.data_seed,
        device=request.device,
        cache=request.cache_directory,
    )
    unfinished = (cell for cell in planned.cells if request.force or not cell.finished_in(planned.output))
    check_options(cell.contender.plugins for cell in unfinished)
    averages = [
        one.options["average"] for contender in request.contenders for one in contender.plugins if one.name == "f1"
    ]
    check_metric(
        request.metric,
        [prepared.record for prepared in planned.data.values()],
        average=str(averages[0]) if averages else "auto",
        splits=("validation", "test") if request.search else ("test",),
    )
    return planned


def _analyse(
    finished: Sequence[FinishedCell], request: ComparisonRequest
) -> tuple[tuple[Analysis, ...], RunError | None]:
    """Return the analyses of the finished cells, or none and the error if that fails."""
    runs = [StoredRun(cell.directory, cell.record) for cell in finished]
    try:
        return analyse(runs, metric=request.metric, cost=request.cost), None
    except Exception as problem:  # the finished runs must be returned whatever fails here
        error = RunError(
            f"the {len(runs)} finished runs in {request.output} can't be compared: {type(problem).__name__}: {problem}"
        )
        error.__cause__ = problem
        return (), error

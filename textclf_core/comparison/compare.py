"""Running a comparison of contenders on the same splits and seeds, or estimating its cost."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.comparison.contenders import Contender
from textclf_core.errors import RunError, UsageError, did_you_mean
from textclf_core.reports.added import added_by
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.estimate_table import Estimate
from textclf_core.reports.outcomes import check_defined
from textclf_core.reports.report import Report
from textclf_core.storage.places import shown
from textclf_core.system.world import World
from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from datasets import DatasetDict
    from rich.console import Console

    from textclf_core.comparison.live_page import LivePage
    from textclf_core.comparison.page_server import Address
    from textclf_core.comparison.runner import ComparisonPlan, FailedCell, FinishedCell
    from textclf_core.comparison.search import Search
    from textclf_core.data.sampling import TrainSize
    from textclf_core.plugins import ActivePlugin
    from textclf_core.types.metric import MetricInfo

# With one seed nothing is known of the scatter between seeds.
_FEWEST_SEEDS = 2


@dataclass(frozen=True, kw_only=True)
class ComparisonRequest:
    """The specification of a comparison.

    Attributes:
        contenders: contenders from :func:`~textclf_core.comparison.contenders.named_contenders`, on each data set.
        seeds: the seeds of each contender, at first.
        max_seeds: the number of seeds up to which more are run while they could decide something; ``None`` for no more.
        sizes: the sizes of train; all of it if none is given.
        search: the options to tune for each contender, if any.
        vary: what varies over the seeds beside what the seed sets: ``data`` if each has its own training sample,
            ``data=all`` if it has its own test rows too, which all contenders share; ``seed`` if nothing does.
        data: splits in memory, by the contenders' ``data_set``; other data sets are loaded by their plugins.
        data_seed: the seed of held-out splits and samples, for all contenders.
        device: a torch device, or ``auto``.
        cache_directory: the cache's folder; the user's cache if not given.
        output: the folder of the run directories.
        criteria: by what the contenders are compared and recommended.
        executor: the plugin that runs the cells; ``None`` to run them in this process, one after another.
        workers: how many cells the executor should run at the same time; its own choice if not given.
        live: where to serve the page of the comparison while it runs; nowhere if not given.
        force: whether to run finished cells again.
        command: the command line, for the records.
    """

    contenders: tuple[Contender, ...]
    seeds: tuple[int, ...]
    max_seeds: int | None = None
    sizes: tuple[TrainSize, ...] = ()
    search: Search | None = None
    vary: str = "seed"
    data: Mapping[str | None, DatasetDict] = field(default_factory=dict)
    data_seed: int = 0
    device: str = "auto"
    cache_directory: Path | None = None
    output: Path = Path("runs")
    criteria: Criteria = field(default_factory=Criteria)
    executor: ActivePlugin | None = None
    workers: int | None = None
    live: Address | None = None
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
    request = _with_added(request)
    with _page(request) as page:
        if page and console and not quiet:
            console.print(f"The page of this comparison is {page.url}", soft_wrap=True, highlight=False, markup=False)
        planned, metric = _plan(request)

        from textclf_core.comparison.looks import run_looks
        from textclf_core.comparison.runner import failed_run
        from textclf_core.comparison.tuning import tune_plan
        from textclf_core.types.progress import Progress

        if page:
            page.begin(planned, "No cell has run yet." if not request.search else "Options are being tuned.")
        untuned: Sequence[FailedCell] = ()
        try:
            if request.search:
                progress = Progress(console, quiet=quiet)
                planned, untuned = tune_plan(planned, request.search, metric, progress)
            looks = run_looks(planned, request, metric.name, console, untuned=untuned, page=page, quiet=quiet)
            finished, failed, analyses, error = looks
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(_what_is_finished(planned, request))
            raise
        failed = [*untuned, *failed]
        outcome = ComparisonOutcome(
            report=Report(
                analyses=analyses,
                command=request.command,
                failed=tuple(failed_run(planned, one) for one in failed),
            ),
            finished=tuple(finished),
            failed=tuple(failed),
            error=error,
        )
        _notify_observers(planned, outcome)
        if page and page.end(outcome.report, error) and console and not quiet:
            console.print(f"The page is saved in {page.file}", soft_wrap=True, highlight=False, markup=False)
    return outcome


def _page(request: ComparisonRequest) -> AbstractContextManager[LivePage | None]:
    if request.live is None:
        return nullcontext()

    from textclf_core.comparison.live_page import LivePage

    return LivePage(request.live, request.criteria, request.output, request.command)


def _with_added(request: ComparisonRequest) -> ComparisonRequest:
    """Return the request with what the contenders' plugins add to its report."""
    added = added_by(plugin for contender in request.contenders for plugin in contender.plugins)
    return replace(request, criteria=replace(request.criteria, added=added))


def _notify_observers(planned: ComparisonPlan, outcome: ComparisonOutcome) -> None:
    from textclf_core.pipeline.observers import notify_of_comparison
    from textclf_core.types.record import FinishedComparison

    report = outcome.report
    comparison = FinishedComparison(
        name=planned.name,
        records=tuple(one.record for one in outcome.finished),
        failed=tuple((one.cell.contender.name, one.cell.seed, str(one.error)) for one in outcome.failed),
        recommended=report.recommended,
        report=tuple(json.loads(report.text("json"))) if report.analyses else (),
        directory=planned.output,
    )
    notify_of_comparison([cell.contender.plugins for cell in planned.cells], comparison)


def _what_is_finished(planned: ComparisonPlan, request: ComparisonRequest) -> str:
    finished = sum(cell.finished_in(planned.output) is not None for cell in planned.cells)
    command = "."
    if request.command:
        command = f": {shlex.join(word for word in shlex.split(request.command) if word != '--force')}"
    again = ", without --force," if request.force else ""
    return (
        f"{finished} of {len(planned.cells)} cells are finished, in {shown(planned.output)}. The same command{again} "
        f"reads them and runs the others{command}"
    )


def estimate(request: ComparisonRequest, *, console: Console | None = None, quiet: bool = False) -> Estimate:
    """Estimate the cost of the unfinished cells from pilot runs of each contender; no cell is run.

    The arguments and errors are those of :func:`compare`.
    """
    from textclf_core.system.process import process_state_restored

    search, missing = request.search, None
    if search:
        each = "contender" if request.vary == "seed" else "contender and seed"
        missing = f"Not included: up to {search.trials} trials per {each} with {search}."
    with process_state_restored():
        planned, _ = _plan(_with_added(request))

        from textclf_core.comparison.estimate import estimate_costs
        from textclf_core.types.progress import Progress

        lines = estimate_costs(planned, Progress(console, quiet=quiet))
    return Estimate(
        lines=lines,
        price_per_hour=prices.per_hour if (prices := request.criteria.prices) else None,
        not_included=missing,
    )


def emit(request: ComparisonRequest, folder: Path) -> list[Path]:
    """Write the unfinished cells of a comparison as files for ``textclf cell``, and return the paths; no cell is run.

    Raises:
        TextclfError: as for :func:`compare`, or the cells depend on the results of others.
    """
    from textclf_core.system.process import process_state_restored

    if request.search or request.max_seeds is not None:
        raise UsageError("--emit writes all cells before any has run, so it takes neither --tune nor --max-seeds.")
    with process_state_restored():
        planned, metric = _plan(request)

        from textclf_core.comparison.estimate import saved_estimates
        from textclf_core.comparison.execution import write_cells
        from textclf_core.comparison.live_view import LiveView

        expected = saved_estimates(planned.output)
        view = LiveView(planned.cells, metric.name, quiet=True)
        return write_cells(planned, view, folder, force=request.force, command=request.command, expected=expected)


def _plan(request: ComparisonRequest) -> tuple[ComparisonPlan, MetricInfo]:
    """Check the request, load each data set once, check the options; return the plan of cells and the metric."""
    request.criteria.check()
    if (launched := World.launched()).size > 1:
        raise UsageError(
            f"a comparison runs each cell in one process, but {launched.size} were launched; start it without torchrun."
        )

    from textclf_core.comparison.runner import VARY, plan
    from textclf_core.data import prepare
    from textclf_core.pipeline.directory import finish_killed_runs
    from textclf_core.plugins import check_options
    from textclf_core.records.remote_runs import remote_runs
    from textclf_core.statistics.looks import planned_looks

    if request.vary not in VARY:
        *others, last = VARY
        wanted = f"{', '.join(others)} or {last}"
        raise UsageError(f"--vary {request.vary}: {wanted}.{did_you_mean(request.vary, VARY)}")
    if request.vary == "data=all":
        _check_own_tests(request)
    if request.max_seeds is not None and len(request.seeds) < _FEWEST_SEEDS:
        raise UsageError(f"--max-seeds {request.max_seeds}: begin with --seeds {_FEWEST_SEEDS} or more.")
    seeds, looks = request.seeds, planned_looks(len(request.seeds), request.max_seeds or 0)
    unused = (seed for seed in count(max(seeds) + 1))
    planned = plan(
        request.contenders,
        (*seeds, *(next(unused) for _ in range(looks[-1] - len(seeds)))),
        looks=looks,
        output=request.output,
        sizes=request.sizes,
        data={name: prepare(splits, request.data_seed) for name, splits in request.data.items()},
        vary=request.vary,
        data_seed=request.data_seed,
        device=request.device,
        cache=request.cache_directory,
    )
    finish_killed_runs(planned.output)
    if runs := remote_runs(planned.output):
        runs.refresh([cell.id for cell in planned.cells])
    unfinished = (cell for cell in planned.cells if request.force or not cell.finished_in(planned.output))
    check_options(cell.contender.plugins for cell in unfinished)
    _check_cluster(planned, request)
    return planned, _check_metric(planned, request)


def _check_cluster(planned: ComparisonPlan, request: ComparisonRequest) -> None:
    """Refuse a column of clusters that the data lack, before anything is trained.

    Raises:
        UsageError: names the columns.
    """
    column = request.criteria.cluster
    for prepared in planned.data.values():
        known = ["id", *(name for name in prepared.data["test"].column_names if name != "label")]
        if column is not None and column not in known:
            raise UsageError(
                f"--cluster {column}: test has no such column (data: {prepared.record.source})."
                f"{did_you_mean(column, known)} The columns are {', '.join(known)}."
            )


def _check_own_tests(request: ComparisonRequest) -> None:
    """Refuse what needs the same test rows at every seed."""
    if request.max_seeds is not None:
        raise UsageError(
            f"--max-seeds {request.max_seeds}: with --vary data=all each seed has its own test rows, and a contender "
            "that is dropped has no score on those of later seeds, so it couldn't be compared there. Give --seeds."
        )
    if len(request.sizes) > 1:
        raise UsageError(
            "--train-size: with --vary data=all each seed has its own test rows, but a learning curve needs the same "
            "ones. Give one size, or use --vary data."
        )


def _check_metric(planned: ComparisonPlan, request: ComparisonRequest) -> MetricInfo:
    """Find the metric for each data set, and check that it is defined there; return that of the first.

    Raises:
        UsageError: no plugin describes it, it has no value for these labels, or it needs a tolerance.
    """
    from textclf_core.plugins import Catalogue
    from textclf_core.plugins.discovery import plugin_file_of
    from textclf_core.plugins.metrics import find_metric
    from textclf_core.records.predictions import Predictions

    plugins = request.contenders[0].plugins
    catalogue = Catalogue.discover({path for one in plugins if (path := plugin_file_of(one.distribution))})
    found = []
    for prepared in {prepared.fingerprint: prepared for prepared in planned.data.values()}.values():
        metric = find_metric(request.criteria.metric, plugins, catalogue, prepared.task)
        request.criteria.tolerance_for(metric.info)
        for name in ("validation", "test") if request.search else ("test",):
            rows = prepared.data[name]
            labels = kind_of(prepared.task).label_array(rows["label"][:])
            right = Predictions(rows, labels, labels, prepared.task)  # the scores don't matter
            check_defined(metric, right.scored_rows, f"{name} (data: {prepared.record.source})")
        found.append(metric.info)
    return found[0]

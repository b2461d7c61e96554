"""Running the cells of a comparison: in this process, one after another, or by an executor."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

from textclf_core.comparison.cell_file import CellOutcome, ids_in, read_cell_file, write_outcomes
from textclf_core.comparison.claims import claimed, claimed_here
from textclf_core.comparison.live_view import LiveView
from textclf_core.comparison.queue import ComparisonQueue
from textclf_core.comparison.runner import (
    ComparisonPlan,
    FailedCell,
    FinishedCell,
    finished_record,
    remove_checkpoints,
    run_group,
    wait_for_others,
)
from textclf_core.errors import TextclfError
from textclf_core.pipeline.directory import CLAIMS, finish_killed_runs
from textclf_core.pipeline.spec import FailedRun, RunSpec
from textclf_core.plugins import ActivePlugin
from textclf_core.plugins.calling import call_one
from textclf_core.records.schema import CostEstimate
from textclf_core.system.memory import present_objects_kept
from textclf_core.types.progress import Progress

_JOBS = ".jobs"


def run_cells(
    plan: ComparisonPlan,
    view: LiveView,
    *,
    executor: ActivePlugin | None = None,
    workers: int | None = None,
    force: bool = False,
    command: str | None = None,
    expected: Mapping[str, CostEstimate] | None = None,
) -> tuple[list[FinishedCell], list[FailedCell]]:
    """Run the unfinished cells; return all finished and all failed cells, in the plan's order.

    Args:
        plan: the cells and their data.
        view: the view that shows them.
        executor: the plugin that runs them; ``None`` to run them in this process, one after another.
        workers: how many of them the executor should run at the same time.
        force: whether to run finished cells again.
        command: the command line, for the records.
        expected: the estimated costs of the cells, by their ids, for the records.

    Raises:
        TextclfError: the executor failed, or a plugin's option can't be written for another process.
    """
    remove_abandoned_jobs(plan.output)
    with view, job_folder(plan.output) if executor else nullcontext() as folder:
        queue = ComparisonQueue(plan, view, folder, force=force, command=command, expected=expected)
        if executor is None:
            _run_here(queue)
        elif not queue.done:
            _run_by(executor, workers, queue)
    place = {cell: index for index, cell in enumerate(plan.cells)}
    queue.cells_finished.sort(key=lambda one: place[one.cell])
    queue.cells_failed.sort(key=lambda one: place[one.cell])
    return queue.cells_finished, queue.cells_failed


def write_cells(
    plan: ComparisonPlan,
    view: LiveView,
    folder: Path,
    *,
    force: bool = False,
    command: str | None = None,
    expected: Mapping[str, CostEstimate] | None = None,
) -> list[Path]:
    """Write the files of the jobs that run the unfinished cells into a folder, and return their paths.

    The arguments are those of :func:`run_cells`.

    Raises:
        UsageError: a plugin's option can't be written for another process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    queue = ComparisonQueue(plan, view, folder, force=force, command=command, expected=expected)
    queue.check_writable()
    files = []
    while job := queue.take(beside=None):
        files.append(job.file)
    return files


def _run_here(queue: ComparisonQueue) -> None:
    """Run the cells of a queue in this process, one after another."""
    with present_objects_kept():
        while not queue.done:
            taken = queue.next()
            if taken is None:  # another comparison is running what is left
                wait_for_others(queue.output)
                continue
            outcomes = run_claimed(taken.specs, queue.progress(taken), force=queue.force)
            if outcomes is None:
                queue.split(taken)
            else:
                queue.settle(taken, outcomes)


def _run_by(executor: ActivePlugin, workers: int | None, queue: ComparisonQueue) -> None:
    """Let an executor run the cells of a queue.

    Raises:
        TextclfError: it failed.
    """
    queue.check_writable()
    call_one(executor, "textclf_execute", cells=queue, workers=workers)
    if not queue.done:
        queue.give_up(f"{executor} returned before it had run this cell")


@contextmanager
def job_folder(output: Path) -> Iterator[Path]:
    """Yield a new folder for the files of jobs, and remove it at the end."""
    jobs = output / _JOBS
    name = uuid.uuid4().hex[:12]
    with claimed_here(output / CLAIMS, f"jobs-{name}"):
        (jobs / name).mkdir(parents=True)
        try:
            yield jobs / name
        finally:
            shutil.rmtree(jobs / name, ignore_errors=True)
            with suppress(OSError):  # another comparison has a folder there
                jobs.rmdir()


def remove_abandoned_jobs(output: Path) -> None:
    """Remove the files of jobs that killed comparisons have left."""
    jobs = output / _JOBS
    if not jobs.is_dir():
        return
    for left in jobs.iterdir():
        with claimed_here(output / CLAIMS, f"jobs-{left.name}") as is_abandoned:
            if is_abandoned:
                shutil.rmtree(left, ignore_errors=True)
    with suppress(OSError):  # another comparison has a folder there
        jobs.rmdir()


def run_claimed(specs: Sequence[RunSpec], progress: Progress, *, force: bool) -> list[CellOutcome] | None:
    """Run cells, jointly if there are several, except those that another process is running or has finished.

    Args:
        specs: the specifications of their runs, which have the same output folder.
        progress: the progress of the runs.
        force: whether to run finished cells again.

    Returns:
        The outcomes; ``None`` if the cells can't be trained jointly and must be run one by one.
    """
    outcomes: dict[str, CellOutcome] = {}
    own: list[RunSpec] = []
    with ExitStack() as stack:
        for spec in specs:
            assert spec.id is not None  # the spec of a cell
            if not stack.enter_context(claimed(spec.output / CLAIMS, spec.id)):
                outcomes[spec.id] = CellOutcome(id=spec.id, elsewhere=True)
            elif not force and finished_record(spec.output / spec.id):
                outcomes[spec.id] = CellOutcome(id=spec.id)
            else:
                own.append(spec)
        ran = run_group(own, progress) if own else []
        if ran is None:
            return None
        for run in ran:
            assert run.spec.id is not None
            if isinstance(run, FailedRun):
                outcomes[run.spec.id] = CellOutcome(id=run.spec.id, error=run.error)
            else:
                remove_checkpoints(run)
                outcomes[run.spec.id] = CellOutcome(id=run.spec.id, stores=run.stores)
    return [outcomes[spec.id] for spec in specs if spec.id]


def run_file(path: Path, progress: Progress) -> list[CellOutcome]:
    """Run the job in a file, and write its outcome beside it.

    Raises:
        UsageError: the file can't be read.
    """
    ids = ids_in(path)
    try:
        content = read_cell_file(path)
    except TextclfError as error:
        outcomes = [CellOutcome(id=one, error=error) for one in ids]
    else:
        finish_killed_runs(content.specs[0].output)
        together = run_claimed(content.specs, progress, force=content.force)
        outcomes = together if together is not None else []
        for spec in content.specs if together is None else ():
            outcomes += run_claimed([spec], progress, force=content.force) or []
    write_outcomes(path, outcomes)
    return outcomes

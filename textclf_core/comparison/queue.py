"""The queue of a comparison's cells: which cell runs next, and what became of each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from textclf_core.comparison.cell_file import CellOutcome, read_outcomes, write_cell_file
from textclf_core.comparison.cells import Cell, DataKey
from textclf_core.comparison.claims import claimed
from textclf_core.comparison.live_view import LiveView
from textclf_core.comparison.runner import ComparisonPlan, FailedCell, FinishedCell, read_cell, spec_of
from textclf_core.comparison.schedule import (
    Prefix,
    SharedWork,
    log_cells_trained_alone,
    prefixes,
    running_order,
    shared_work,
    trained_jointly,
)
from textclf_core.data.sampling import TrainSize
from textclf_core.errors import RunError, TextclfError
from textclf_core.pipeline.directory import CLAIMS
from textclf_core.pipeline.spec import RunSpec
from textclf_core.plugins.written import written_plugins
from textclf_core.records.remote_runs import remote_runs
from textclf_core.records.schema import CostEstimate
from textclf_core.storage.places import shown
from textclf_core.system.python import module_command
from textclf_core.types.execution import CellJob, CellQueue
from textclf_core.types.progress import Progress

logger = logging.getLogger("textclf")

_MOST_TRIES = 2


@dataclass(frozen=True)
class Taken:
    """Cells that the queue has given out, to run as one, with the specifications of their runs."""

    cells: tuple[Cell, ...]
    specs: tuple[RunSpec, ...]


class ComparisonQueue(CellQueue):
    """The unfinished cells of a comparison; finished ones are read.

    Args:
        plan: the cells and their data.
        view: the view that shows them.
        folder: where to write the files of jobs; ``None`` if all cells run in this process.
        force: whether to run finished cells again.
        command: the command line, for the records.
        expected: the estimated costs of the cells, by their ids.

    Attributes:
        cells_finished: the finished cells.
        cells_failed: the failed cells.
        output: the folder of the run directories.
        force: whether finished cells run again.
    """

    def __init__(
        self,
        plan: ComparisonPlan,
        view: LiveView,
        folder: Path | None,
        *,
        force: bool = False,
        command: str | None = None,
        expected: Mapping[str, CostEstimate] | None = None,
    ) -> None:
        self.worker_command = module_command("textclf_core", "cell", "-")
        self.output = plan.output
        self.folder = folder or plan.output
        self.device = plan.device
        self.force = force
        self.cells_finished: list[FinishedCell] = []
        self.cells_failed: list[FailedCell] = []
        self._plan, self._view, self._command, self._expected = plan, view, command, expected or {}
        self._running: dict[str, Taken] = {}
        if runs := remote_runs(plan.output):
            runs.refresh([cell.id for cell in plan.cells], now=False)  # all at once
        waiting = [cell for cell in plan.cells if force or not self._read(cell)]
        self._prefix_of = prefixes(waiting, plan.task_of)
        log_cells_trained_alone(waiting, self._prefix_of)
        self._waiting = running_order(waiting, self._prefix_of)
        self._alone: set[Cell] = set()
        self._without_others: set[Cell] = set()
        self._tries: Counter[Cell] = Counter()
        self._made: set[SharedWork] = set()
        self._shared_of: dict[tuple[str, DataKey], SharedWork | None] = {}
        self._stores: dict[tuple[Prefix | None, str], set[str]] = {}
        self._superseded: set[str] = set()
        self._proven: set[str] = set()
        self._peak_bytes: dict[tuple[str, TrainSize | None], int] = {}

    @property
    def done(self) -> bool:
        """Whether every cell has ended."""
        return not self._waiting and not self._running

    @property
    def waiting(self) -> int:
        """The number of cells that no job has been given out for."""
        return len(self._waiting)

    def progress(self, taken: Taken) -> Progress:
        """Return what shows the progress of cells that run in this process."""
        return self._view.progress(taken.cells[0])

    def check_writable(self) -> None:
        """Check that the plugins of all cells can be written for another process.

        Raises:
            UsageError: an option of one can't.
        """
        for plugins in {cell.contender.name: cell.contender.plugins for cell in self._waiting}.values():
            written_plugins(plugins)

    def take(self, *, beside: int | None = 0, memory_bytes: int | None = None) -> CellJob | None:
        """Return the next job to run now, if there is one."""
        taken = self.next(beside=beside, memory_bytes=memory_bytes)
        if taken is None:
            return None
        first = taken.cells[0]
        file = self.folder / f"{first.id}.json"
        write_cell_file(file, taken.specs, force=self.force)
        file.with_suffix(".outcome").unlink(missing_ok=True)  # of an earlier try
        return CellJob(
            id=first.id,
            names=tuple(cell.name for cell in taken.cells),
            file=file,
            command=(*self.worker_command[:-1], str(file)),
            device=self.device,
            memory_bytes=self._memory_bytes(taken.cells),
            seconds=sum(self._expected[cell.id].seconds for cell in taken.cells)
            if all(cell.id in self._expected for cell in taken.cells)
            else None,
        )

    def show(self, job: CellJob, text: str) -> None:
        """Show how far a job is."""
        self._view.show(self._running[job.id].cells[0], text)

    def ended(self, job: CellJob, reason: str | None = None, *, again: bool = False) -> None:
        """Report that the process of a job has ended, or will never run."""
        taken, outcomes = self._running[job.id], read_outcomes(job.file)
        self.settle(taken, list(outcomes.values()))
        for cell in taken.cells:
            if cell.id not in outcomes:
                self._lost(cell, reason or "ended without a result", again=again)

    def next(self, *, beside: int | None = 0, memory_bytes: int | None = None) -> Taken | None:
        """Return the next cells to run now, with the arguments of :meth:`take`."""
        if any(not self._without_others.isdisjoint(taken.cells) for taken in self._running.values()):
            return None
        for cell in self._in_order():
            if not self.force and self._read(cell):  # another comparison has finished it
                self._waiting.remove(cell)
                continue
            if self._running and cell in self._without_others:
                continue
            others = [one for one in self._waiting if one is not cell and one not in self._alone]
            cells = trained_jointly(cell, [] if cell in self._alone else others, self._prefix_of)
            needed = self._memory_bytes(cells)
            if self._running and needed is not None and memory_bytes is not None and needed > memory_bytes:
                continue
            with claimed(self._plan.output / CLAIMS, cell.id) as is_free:
                if is_free:
                    return self._give_out(cells, beside)
        return None

    def settle(self, taken: Taken, outcomes: Sequence[CellOutcome]) -> None:
        """Take in the outcomes of cells that were given out."""
        del self._running[taken.cells[0].id]
        by_id = {cell.id: cell for cell in taken.cells}
        for outcome in outcomes:
            cell = by_id[outcome.id]
            if outcome.elsewhere:
                self._return(cell)
            elif outcome.error is not None:
                self._fail(cell, outcome.error)
            else:
                self._finish(cell, outcome.stores)
        prefix = self._prefix(taken.cells[0])
        running = [cell for one in self._running.values() for cell in one.cells]
        if not any(self._prefix(cell) == prefix for cell in (*self._waiting, *running)):
            self._superseded |= self._stores.pop(prefix, set())

    def split(self, taken: Taken) -> None:
        """Take back cells that can't be trained jointly, to give them out one by one."""
        del self._running[taken.cells[0].id]
        self._alone.update(taken.cells)
        self._waiting = [*taken.cells, *self._waiting]
        self._view.waits(taken.cells)

    def give_up(self, reason: str) -> None:
        """Record all cells that haven't ended as failed."""
        cells = [*self._waiting, *(cell for taken in self._running.values() for cell in taken.cells)]
        self._waiting, self._running = [], {}
        for cell in cells:
            self._fail(cell, RunError(f"{reason}; give the same command again to run it."))

    def _read(self, cell: Cell) -> bool:
        """Read a cell if it is finished; return whether it is."""
        if found := read_cell(self._plan, cell, now=False):
            self._view.reused(cell, found.record)
            self.cells_finished.append(found)
        return found is not None

    def _in_order(self) -> list[Cell]:
        """Return the waiting cells, those last that would start from what a running cell is making."""
        running = {self._shared(cell) for taken in self._running.values() for cell in taken.cells}
        being_made = {work.family for work in running if work and work not in self._made}

        def could_wait(cell: Cell) -> bool:
            work = self._shared(cell)
            return work is not None and work.family in being_made and work not in self._made

        return sorted(self._waiting, key=could_wait) if being_made else list(self._waiting)

    def _prefix(self, cell: Cell) -> tuple[Prefix | None, str]:
        """Return the frozen prefix of a cell, and on which data set."""
        return self._prefix_of.get(cell.contender.label), cell.data_key.data_set

    def _shared(self, cell: Cell) -> SharedWork | None:
        key = cell.contender.label, cell.data_key
        if key not in self._shared_of:
            self._shared_of[key] = shared_work(cell, self._prefix_of)
        return self._shared_of[key]

    def _give_out(self, cells: Sequence[Cell], beside: int | None) -> Taken:
        names = {cell.contender.name for cell in cells}
        proving = {
            cell.contender.name
            for taken in self._running.values()
            for cell, spec in zip(taken.cells, taken.specs, strict=True)
            if spec.prove
        }
        specs = [
            replace(
                spec_of(self._plan, cell, self._command, self._expected.get(cell.id)),
                superseded=tuple(self._superseded),
                prove=not names <= self._proven | proving,
                beside=beside,
            )
            for cell in cells
        ]
        taken = Taken(tuple(cells), tuple(specs))
        self._waiting = [cell for cell in self._waiting if cell not in cells]
        self._running[cells[0].id] = taken
        self._view.started(cells)
        return taken

    def _finish(self, cell: Cell, stores: Sequence[str]) -> None:
        found = read_cell(self._plan, cell)
        if found is None:
            self._fail(cell, RunError(f"{shown(self._plan.output / cell.id)} was removed after the run."))
            return
        self._view.finished(cell, found.record)
        self.cells_finished.append(found)
        self._proven.add(cell.contender.name)
        self._stores.setdefault(self._prefix(cell), set()).update(stores)
        if work := self._shared(cell):
            self._made.add(work)
        like = cell.contender.name, cell.train_size
        self._peak_bytes[like] = max(self._peak_bytes.get(like, 0), found.record.cost.peak_memory_bytes)

    def _fail(self, cell: Cell, error: TextclfError) -> None:
        self._view.failed(cell, error)
        self.cells_failed.append(FailedCell(cell, error))

    def _lost(self, cell: Cell, reason: str, *, again: bool) -> None:
        """Give a cell another try, unless it has had all, or fail it."""
        if again:
            self._without_others.add(cell)
        else:
            self._tries[cell] += 1
        if self._tries[cell] == _MOST_TRIES:
            self._fail(cell, RunError(f"the process that ran it {reason}; it was tried {_MOST_TRIES} times."))
            return
        logger.warning("%s runs once more: the process that ran it %s", cell.name, reason)
        self._alone.add(cell)
        self._waiting.insert(0, cell)
        self._view.waits([cell])

    def _return(self, cell: Cell) -> None:
        self._waiting.append(cell)
        self._view.waits([cell])

    def _memory_bytes(self, cells: Sequence[Cell]) -> int | None:
        """Return the memory that cells take together: by their estimates, or as finished cells of the contenders."""
        known = [
            self._expected[cell.id].peak_memory_bytes
            if cell.id in self._expected
            else self._peak_bytes.get((cell.contender.name, cell.train_size))
            for cell in cells
        ]
        return max((one for one in known if one is not None), default=None)

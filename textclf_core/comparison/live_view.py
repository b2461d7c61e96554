"""The live view of a comparison: the state and score of every cell, and the remaining time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from textclf_core.comparison.cells import Cell
from textclf_core.errors import TextclfError
from textclf_core.records.schema import CostEstimate, Record
from textclf_core.types.progress import Bar, Progress, format_seconds

_MOST_ROWS = 40


@dataclass
class _State:
    cell: Cell
    status: str = "waiting"
    seconds: float | None = None
    score: float | None = None
    note: str = ""


class LiveView:
    """Show all cells of a comparison: as a live table in a terminal, as one line per cell in a log.

    Args:
        cells: the cells, in the order in which they run.
        metric: the metric to show for finished cells, on the test split.
        console: where to show it; standard error by default.
        expected: the estimated costs of cells, by their ids.
        quiet: whether to show nothing.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        metric: str,
        console: Console | None = None,
        *,
        expected: Mapping[str, CostEstimate] | None = None,
        quiet: bool = False,
    ) -> None:
        self._states = {cell: _State(cell) for cell in cells}
        self._metric = metric
        self._expected = expected or {}
        self._console = console or Console(stderr=True)
        self._quiet = quiet
        self._live_wanted = not quiet and (self._console.is_terminal or self._console.is_jupyter)
        self._live: Live | None = None
        self._current: _State | None = None
        self._bar: Bar | None = None
        self._started = 0.0

    def __enter__(self) -> LiveView:
        if self._live_wanted:
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=2)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    @contextmanager
    def running(self, cell: Cell) -> Iterator[Progress]:
        """Show that a cell is running while the block runs, and yield its progress."""
        self._current, self._started = self._states[cell], time.perf_counter()
        self._current.status = "running"
        try:
            yield _CellProgress(self) if self._live else Progress(self._console, quiet=self._quiet)
        finally:
            self._current.seconds = time.perf_counter() - self._started
            self._current = self._bar = None

    def reused(self, cell: Cell, record: Record) -> None:
        """Show that a cell was finished earlier."""
        state = self._states[cell]
        state.status, state.score = "read", self._score(record)
        state.seconds = record.cost.seconds["total"]
        self._print_line(state)

    def finished(self, cell: Cell, record: Record) -> None:
        """Show that a cell is finished."""
        state = self._states[cell]
        state.status, state.score = "done", self._score(record)
        self._print_line(state)

    def failed(self, cell: Cell, error: TextclfError) -> None:
        """Show that a cell failed."""
        state = self._states[cell]
        state.status, state.note = "failed", str(error).splitlines()[0]
        self._print_line(state)

    @property
    def seconds_left(self) -> float | None:
        """The remaining seconds for all cells; ``None`` if they can't be estimated yet.

        For each cell, this is its estimate if there is one, or else the mean time of the contender's finished cells, or
        of all finished cells.
        """
        known: dict[tuple[str, object], list[float]] = {}
        for state in self._states.values():
            if state.status in ("done", "read") and state.seconds is not None:
                known.setdefault((state.cell.contender.label, state.cell.train_size), []).append(state.seconds)
        everything = [seconds for values in known.values() for seconds in values]
        left = 0.0
        for state in self._states.values():
            if state.status not in ("waiting", "running"):
                continue
            values = known.get((state.cell.contender.label, state.cell.train_size), everything)
            spent = time.perf_counter() - self._started if state.status == "running" else 0.0
            if state.cell.id in self._expected:
                values = [self._expected[state.cell.id].seconds]
            if values:
                left += max(0.0, sum(values) / len(values) - spent)
            elif state.status == "running" and self._bar is not None and self._bar.done:
                left += self._bar.seconds_left
            else:
                return None
        return left

    def _score(self, record: Record) -> float | None:
        return record.metrics["test"].get(self._metric)

    def _print_line(self, state: _State) -> None:
        if self._quiet or self._live:
            return
        states = list(self._states.values())
        score = f", {self._metric} {state.score:.4f}" if state.score is not None else ""
        took = f", {format_seconds(state.seconds)}" if state.seconds is not None else ""
        # While finished cells are still being read, it isn't known how many cells will run.
        seconds_left = None if state.status == "read" else self.seconds_left
        left = f"; about {format_seconds(seconds_left)} left" if seconds_left else ""
        note = f": {state.note}" if state.note else ""
        where = f"cell {states.index(state) + 1}/{len(states)}"
        line = f"{where} {state.cell.name}: {state.status}{score}{took}{note}{left}"
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _render(self) -> Group:
        states = list(self._states.values())
        done = sum(state.status not in ("waiting", "running") for state in states)
        left = self.seconds_left
        head = f"{done} of {len(states)} cells" + (f", about {format_seconds(left)} left" if left else "")
        table = Table("cell", "", self._metric, "time", box=None, pad_edge=False)
        first = 0
        if len(states) > _MOST_ROWS:  # show the part of the list around the running cell
            first = max(0, min(len(states) - _MOST_ROWS, done - _MOST_ROWS // 2))
        for state in states[first : first + _MOST_ROWS]:
            status = state.status
            seconds = state.seconds
            if state is self._current:
                seconds = time.perf_counter() - self._started
                if self._bar is not None:
                    status = f"{self._bar.description} {self._bar.done}/{self._bar.total} {self._bar.note}"
            table.add_row(
                Text(state.cell.name),
                Text(state.note or status, style={"failed": "red", "waiting": "dim"}.get(state.status, "")),
                f"{state.score:.4f}" if state.score is not None else "",
                format_seconds(seconds) if seconds is not None else "",
            )
        return Group(Text(head, style="bold"), table)


class _CellProgress(Progress):
    """Show a cell's progress bars in its row of the live view."""

    def __init__(self, view: LiveView) -> None:
        super().__init__(quiet=True)
        self._view = view

    @contextmanager
    def bar(self, description: str, total: int | None, unit: str = "steps") -> Iterator[Bar]:
        outer = self._view._bar
        self._view._bar = Bar(description, total, unit)
        try:
            yield self._view._bar
        finally:
            self._view._bar = outer

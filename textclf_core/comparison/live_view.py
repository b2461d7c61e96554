"""The live view of a comparison: the state and score of every cell, and the remaining time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from textclf_core.comparison.cells import Cell
from textclf_core.errors import TextclfError
from textclf_core.records.schema import CostEstimate, Record
from textclf_core.types.progress import Bar, Progress, format_seconds

if TYPE_CHECKING:
    from textclf_core.comparison.live_page import LivePage

_MOST_ROWS = 40


@dataclass
class _State:
    cell: Cell
    status: str = "waiting"
    seconds: float | None = None
    score: float | None = None
    note: str = ""
    started: float = 0.0
    bar: Bar | None = None

    @property
    def ended(self) -> bool:
        return self.status not in ("waiting", "running")


class LiveView:
    """Show all cells of a comparison: as a live table in a terminal, as one line per cell in a log.

    Args:
        cells: the cells, in the order in which they run.
        metric: the metric to show for finished cells, on the test split.
        console: where to show it; standard error by default.
        expected: the estimated costs of cells, by their ids.
        quiet: whether to show nothing.
        page: the page that shows them too.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        metric: str,
        console: Console | None = None,
        *,
        expected: Mapping[str, CostEstimate] | None = None,
        quiet: bool = False,
        page: LivePage | None = None,
    ) -> None:
        self._states = {cell: _State(cell) for cell in cells}
        self._metric = metric
        self._expected = expected or {}
        self._console = console or Console(stderr=True)
        self._quiet = quiet
        self._live_wanted = not quiet and (self._console.is_terminal or self._console.is_jupyter)
        self._live: Live | None = None
        self._most_at_once = 1
        self._page = page
        if page:
            page.watch(self)

    def __enter__(self) -> LiveView:
        if self._live_wanted:
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=2)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def started(self, cells: Sequence[Cell]) -> None:
        """Show that cells are running; several if they are trained jointly."""
        if self._page:
            self._page.started()
        now = time.perf_counter()
        for cell in cells:
            self._states[cell].status, self._states[cell].started = "running", now
        at_once = {state.started for state in self._states.values() if state.status == "running"}
        self._most_at_once = max(self._most_at_once, len(at_once))

    def progress(self, cell: Cell) -> Progress:
        """Return what shows the progress of a cell that runs in this process."""
        return _CellProgress(self._states[cell]) if self._live else Progress(self._console, quiet=self._quiet)

    def show(self, cell: Cell, text: str) -> None:
        """Show how far a cell is that runs in another process."""
        self._states[cell].note = text

    def waits(self, cells: Sequence[Cell]) -> None:
        """Show that cells that were running will run again."""
        for cell in cells:
            self._states[cell] = _State(cell)

    def reused(self, cell: Cell, record: Record) -> None:
        """Show that a cell was finished earlier."""
        self._end(cell, "read", record=record)

    def finished(self, cell: Cell, record: Record) -> None:
        """Show that a cell is finished."""
        self._end(cell, "done", record=record)

    def failed(self, cell: Cell, error: TextclfError) -> None:
        """Show that a cell failed."""
        self._end(cell, "failed", note=str(error).splitlines()[0])
        if self._page:
            self._page.ended(cell, error)

    def _end(self, cell: Cell, status: str, *, record: Record | None = None, note: str = "") -> None:
        state = self._states[cell]
        if record is not None:
            state.score, state.seconds = record.metrics["test"].get(self._metric), record.cost.seconds["total"]
        elif state.status == "running":
            state.seconds = time.perf_counter() - state.started
        state.status, state.note, state.bar = status, note, None
        self._print_line(state)
        if self._page and record is not None:
            self._page.ended(cell, record, read=status == "read")

    @property
    def time_left(self) -> str:
        """The remaining time as text: ``about 5 min 00 s left``; empty if nothing is known of it yet.

        A cell takes as long as its estimate says, or else as the mean of the contender's finished cells, or of the
        finished cells with the same plugins and other options on the same data. If there is neither for some cells, it
        is ``at least 5 min 00 s left``.
        """
        known: dict[object, list[float]] = {}
        for state in self._states.values():
            if state.status in ("done", "read") and state.seconds is not None:
                for like in _alike(state.cell):
                    known.setdefault(like, []).append(state.seconds)
        left, unknown = [], 0
        for state in self._states.values():
            if state.ended:
                continue
            spent = time.perf_counter() - state.started if state.status == "running" else 0.0
            values = next((known[like] for like in _alike(state.cell) if like in known), [])
            if state.cell.id in self._expected:
                values = [self._expected[state.cell.id].seconds]
            if values:
                left.append(max(0.0, sum(values) / len(values) - spent))
            elif (bar := state.bar) is not None and bar.done:  # another thread may ask
                left.append(bar.seconds_left)
            else:
                unknown += 1
        seconds = max([sum(left) / self._most_at_once, *left], default=0.0)
        return f"{'at least' if unknown else 'about'} {format_seconds(seconds)} left" if seconds else ""

    def _print_line(self, state: _State) -> None:
        if self._quiet or self._live:
            return
        score = f", {self._metric} {state.score:.4f}" if state.score is not None else ""
        took = f", {format_seconds(state.seconds)}" if state.seconds is not None else ""
        note = f": {state.note}" if state.note else ""
        line = f"{state.cell.name}: {state.status}{score}{took}{note} ({self._summary(state.status != 'read')})"
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    @property
    def summary(self) -> str:
        """How many cells have ended, and the remaining time."""
        return self._summary()

    @property
    def running(self) -> list[str]:
        """The running cells, each with how far it is and how long it has been running."""
        now = time.perf_counter()
        return [
            f"{state.cell.name}: {_how_far(state)}, {format_seconds(now - state.started)}"
            for state in self._states.values()
            if state.status == "running"
        ]

    def _summary(self, with_time: bool = True) -> str:
        """Return how many cells have ended, and the remaining time.

        While finished cells are still being read, it isn't known how many cells will run.
        """
        ended = sum(state.ended for state in self._states.values())
        left = self.time_left if with_time else ""
        return f"{ended} of {len(self._states)} cells" + (f", {left}" if left else "")

    def _render(self) -> Group:
        states = list(self._states.values())
        table = Table("cell", "", self._metric, "time", box=None, pad_edge=False)
        first = 0
        if len(states) > _MOST_ROWS:  # show the part of the list around the first cell that hasn't ended
            place = next((place for place, state in enumerate(states) if not state.ended), 0)
            first = max(0, min(len(states) - _MOST_ROWS, place - _MOST_ROWS // 2))
        for state in states[first : first + _MOST_ROWS]:
            status = state.status
            seconds = state.seconds
            if state.status == "running":
                seconds = time.perf_counter() - state.started
                status = _how_far(state)
            table.add_row(
                Text(state.cell.name),
                Text(state.note or status, style={"failed": "red", "waiting": "dim"}.get(state.status, "")),
                f"{state.score:.4f}" if state.score is not None else "",
                format_seconds(seconds) if seconds is not None else "",
            )
        return Group(Text(self._summary(), style="bold"), table)


def _how_far(state: _State) -> str:
    bar = state.bar  # another thread may ask
    return state.note or (bar.text if bar is not None else state.status)


def _alike(cell: Cell) -> tuple[object, ...]:
    """Return what cells have in common that take about as long, the likest first."""
    plugins = tuple(plugin.name for plugin in cell.contender.plugins)
    return (cell.contender.name, cell.train_size), (plugins, cell.data_key.data_set, cell.train_size)


class _CellProgress(Progress):
    """Show a cell's progress bars in its row of the live view."""

    def __init__(self, state: _State) -> None:
        super().__init__(quiet=True)
        self._state = state

    @contextmanager
    def bar(self, description: str, total: int | None, unit: str = "steps") -> Iterator[Bar]:
        outer = self._state.bar
        self._state.bar = Bar(description, total, unit)
        try:
            yield self._state.bar
        finally:
            self._state.bar = outer

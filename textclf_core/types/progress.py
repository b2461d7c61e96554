"""Progress of long work: a bar in a terminal or notebook, plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.progress import Task as RichTask
from rich.text import Text

_SECONDS_BETWEEN_LINES = 10.0


class Bar:
    """The progress of one piece of work."""

    def __init__(self, description: str, total: int | None, unit: str) -> None:
        self.description = description
        self.total = total
        self.unit = unit
        self.done = 0
        self.note = ""
        self._skipped = 0
        self._started = time.perf_counter()
        self._paused = 0.0

    def advance(self, count: int = 1, note: str = "") -> None:
        """Report that ``count`` more units are done; ``note``, such as a loss, is shown beside the bar."""
        self.done += count
        self.note = note or self.note
        self._show()

    def skip(self, count: int) -> None:
        """Report that ``count`` units were done earlier; the rate leaves them out."""
        self.done += count
        self._skipped += count

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the time of the block, work that isn't counted in units, out of the rate and the time left."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - started

    @property
    def rate(self) -> float:
        """Units per second since the start."""
        return (self.done - self._skipped) / max(time.perf_counter() - self._started - self._paused, 1e-9)

    @property
    def seconds_left(self) -> float:
        """The remaining seconds at the rate so far."""
        return (self.total - self.done) / self.rate if self.rate and self.total is not None else float("inf")

    @property
    def text(self) -> str:
        """How far the work is, in one line: ``train 12/40 loss 0.31``."""
        total = "" if self.total is None else f"/{self.total}"
        return f"{self.description} {self.done}{total} {self.note}".rstrip()

    def _show(self) -> None:
        """Update the display; this base class shows nothing."""


class _LogBar(Bar):
    """Print a plain line every ten seconds, and a last one if the work took that long."""

    def __init__(self, description: str, total: int | None, unit: str, console: Console) -> None:
        super().__init__(description, total, unit)
        self._console = console
        self._last = self._started

    def _show(self) -> None:
        now = time.perf_counter()
        finished = self.total is not None and self.done >= self.total
        if now - (self._started if finished else self._last) < _SECONDS_BETWEEN_LINES:
            return
        self._last = now
        left = (
            f"took {format_seconds(now - self._started)}" if finished else f"{format_seconds(self.seconds_left)} left"
        )
        if self.total is None:
            parts = [f"{self.done} {self.unit}", f"{self.rate:.1f} {self.unit}/s", self.note]
        else:
            parts = [f"{self.done}/{self.total} {self.unit}", f"{self.rate:.1f} {self.unit}/s", left, self.note]
        line = f"{self.description}: " + ", ".join(part for part in parts if part)
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)


class _RichBar(Bar):
    def __init__(self, description: str, total: int | None, unit: str, rich: RichProgress) -> None:
        super().__init__(description, total, unit)
        self._rich = rich
        self._task = rich.add_task(description, total=total, bar=self)

    def _show(self) -> None:
        self._rich.update(self._task, completed=self.done)


class _RateColumn(ProgressColumn):
    def render(self, task: RichTask) -> Text:
        bar: Bar = task.fields["bar"]
        return Text(f"{bar.rate:.1f} {bar.unit}/s" if bar.done else "", style="cyan")


class _NoteColumn(ProgressColumn):
    def render(self, task: RichTask) -> Text:
        bar: Bar = task.fields["bar"]
        return Text(bar.note, style="dim")


class Progress:
    """Show the progress of long work on standard error: bars in a terminal or notebook, lines elsewhere.

    >>> with progress.bar("train", total=534, unit="steps") as bar:
    ...     bar.advance(note="loss 0.31")

    Args:
        console: where to show it; standard error by default.
        quiet: whether to show nothing.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or Console(stderr=True)
        self._quiet = quiet

    @contextmanager
    def bar(self, description: str, total: int | None, unit: str = "steps") -> Iterator[Bar]:
        """Show the progress of ``total`` units of work, ``None`` if their number is unknown, while the block runs."""
        if self._quiet:
            yield Bar(description, total, unit)
        elif not (self._console.is_terminal or self._console.is_jupyter):
            yield _LogBar(description, total, unit, self._console)
        else:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                _RateColumn(),
                TimeRemainingColumn(),
                _NoteColumn(),
            )
            with RichProgress(*columns, console=self._console, refresh_per_second=4) as rich:
                yield _RichBar(description, total, unit, rich)


def format_seconds(seconds: float) -> str:
    """Return a duration as text: ``12 ms``, ``4.2 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds == float("inf"):
        return "unknown time"
    if 0 < seconds < 0.1:
        return f"{1000 * seconds:.2g} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"

"""A queue of made-up cells, each a small process, for the checks of executors."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from textclf_core.testing import made_job
from textclf_core.types.execution import CellJob, CellQueue


@dataclass(frozen=True)
class MadeCell:
    """A made-up cell.

    Attributes:
        name: its name.
        seconds: how long its process takes.
        dies: how many tries end by SIGKILL.
    """

    name: str
    seconds: float = 0.0
    dies: int = 0


class MadeQueue(CellQueue):
    """A queue that gives out made-up cells, and counts what the executor does.

    Args:
        folder: where the files are.
        cells: the cells.
        empty_seconds: for how long it gives out none at first, as if another comparison was running them.
        interrupted: whether it raises ``KeyboardInterrupt`` once a job is running.

    Attributes:
        most_at_once: the largest number of jobs that were given out and hadn't ended.
        takes: how often it was asked for a job.
        results: the names of the cells that have ended with a result.
        lost: the reasons that were reported for jobs without a result, by the names of their cells.
    """

    worker_command = (sys.executable, made_job.__file__, "-")
    device = "cpu"

    def __init__(
        self, folder: Path, cells: Sequence[MadeCell], *, empty_seconds: float = 0.0, interrupted: bool = False
    ) -> None:
        self.folder = folder
        self.most_at_once = self.takes = 0
        self.results: list[str] = []
        self.lost: dict[str, list[str | None]] = {}
        self._waiting = list(cells)
        self._running: dict[str, MadeCell] = {}
        self._from = time.monotonic() + empty_seconds
        self._interrupted = interrupted
        self._tries: Counter[str] = Counter()

    @property
    def done(self) -> bool:
        """Whether every cell has ended."""
        self._interrupt()
        return not self._waiting and not self._running

    @property
    def waiting(self) -> int:
        """The number of cells that no job has been given out for."""
        return len(self._waiting)

    def take(self, *, beside: int | None = 0, memory_bytes: int | None = None) -> CellJob | None:
        """Return the next job."""
        self._interrupt()
        self.takes += 1
        if not self._waiting or time.monotonic() < self._from:
            return None
        cell = self._waiting.pop(0)
        file = self.folder / f"{cell.name}.json"
        self._tries[cell.name] += 1
        file.write_text(json.dumps({"seconds": cell.seconds, "dies": self._tries[cell.name] <= cell.dies}))
        self._running[cell.name] = cell
        self.most_at_once = max(self.most_at_once, len(self._running))
        command = (*self.worker_command[:-1], str(file))
        return CellJob(id=cell.name, names=(cell.name,), file=file, command=command, device=self.device)

    def show(self, job: CellJob, text: str) -> None:
        """Show nothing."""

    def ended(self, job: CellJob, reason: str | None = None, *, again: bool = False) -> None:
        """Count a job that has ended; one without a result is given out once more."""
        cell = self._running.pop(job.id)
        if job.file.with_suffix(made_job.OUTCOME).exists():
            self.results.append(cell.name)
            return
        self.lost.setdefault(cell.name, []).append(reason)
        if len(self.lost[cell.name]) == 1:
            self._waiting.insert(0, cell)

    def processes(self) -> list[psutil.Process]:
        """Return the processes of jobs that are still running."""
        found = []
        for path in self.folder.glob(f"*{made_job.STARTED}"):
            pid = int(path.read_text())
            if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(psutil.Process(pid))
        return found

    def _interrupt(self) -> None:
        if self._interrupted and list(self.folder.glob(f"*{made_job.STARTED}")):
            raise KeyboardInterrupt

"""An executor."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, hookimpl

if TYPE_CHECKING:
    from textclf_core import CellJob, CellQueue


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """Run each cell in a process of its own."""

    processes: Annotated[int, Option("How many at a time, unless --workers says it.", ge=1)] = 1

    @hookimpl
    def textclf_execute(self, cells: CellQueue, workers: int | None) -> bool:
        """Run the command of each job, here or on another machine, and report its end."""
        most = workers or self.processes
        running: list[tuple[CellJob, subprocess.Popen[bytes]]] = []
        try:
            while not cells.done:
                while len(running) < most and (job := cells.take(beside=most - 1)):
                    running.append((job, subprocess.Popen(job.command)))
                time.sleep(0.1)
                for job, process in list(running):
                    if process.poll() is not None:
                        running.remove((job, process))
                        cells.ended(job, f"ended with exit code {process.returncode}")
        finally:
            for _, process in running:
                process.kill()
                process.wait()
        return True

"""An executor: cells on other machines, by a command that runs a line of shell there."""

from __future__ import annotations

import shlex
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, hookimpl

if TYPE_CHECKING:
    from textclf_core import CellJob, CellQueue


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """Run cells on a few machines that share the output folder and have textclf in the same place.

    ``--workers`` is the number of cells on each of them at a time, 1 by default. After Ctrl-C, a cell on another
    machine may run to its end, since ssh doesn't pass signals on.
    """

    names: Annotated[tuple[str, ...], Option("The machines.")]
    command: Annotated[str, Option("What runs a line of shell on one: it gets the machine and the line.")] = "ssh"

    @hookimpl
    def textclf_execute(self, cells: CellQueue, workers: int | None) -> bool:
        """Give each machine its number of jobs, and report their ends."""
        places = list(self.names) * (workers or 1)
        running: dict[int, tuple[CellJob, subprocess.Popen[bytes]]] = {}
        try:
            while not cells.done:
                for place, name in enumerate(places):
                    if place not in running and (job := cells.take(beside=(workers or 1) - 1)):
                        # exec, so that what ends the shell ends the cell.
                        line = [*shlex.split(self.command), name, f"exec {shlex.join(job.command)}"]
                        running[place] = job, subprocess.Popen(line, stdin=subprocess.DEVNULL)
                time.sleep(0.1)
                for place, (job, process) in list(running.items()):
                    if process.poll() is not None:
                        del running[place]
                        cells.ended(job, f"{self.command} ended with exit code {process.returncode}")
        finally:
            for _, process in running.values():
                process.terminate()
                process.wait()
        return True

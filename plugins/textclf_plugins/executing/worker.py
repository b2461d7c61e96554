"""A process of this machine that runs jobs one after another."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from textclf_core.types.execution import CellJob

Event = Mapping[str, Any]
"""What the process wrote, or ``{"left": HOW}`` when it has ended."""

_SHOWN_LINES = 10


class Worker:
    """A process with the command ``CellQueue.worker_command``.

    Args:
        number: the worker's number.
        command: the command line.
        environment: the environment variables.
        log: where its standard error goes.
        events: gets what it sends.

    Attributes:
        job: the job that it is running.
        started: when it started the job.
        out_of_memory: whether it was killed because memory ran out.
    """

    def __init__(
        self,
        number: int,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        events: SimpleQueue[tuple[Worker, Event]],
    ) -> None:
        self.number = number
        self.environment = dict(environment)
        self.job: CellJob | None = None
        self.started = 0.0
        self.out_of_memory = False
        self._log = log
        self._events = events
        with log.open("ab") as stream:
            # In a session of its own, so that Ctrl-C reaches only the parent, which closes the input then.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env=self.environment,
                text=True,
                start_new_session=True,
            )
        self._memory = psutil.Process(self._process.pid)
        threading.Thread(target=self._read, daemon=True).start()

    def start(self, job: CellJob) -> None:
        """Let the process run a job, at once or when it has started."""
        self.job, self.started = job, time.monotonic()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, which is an event of its own
            self._process.stdin.write(f"{job.file}\n")
            self._process.stdin.flush()

    def memory_bytes(self) -> int:
        """Return the memory that the process takes; 0 if it has ended."""
        with suppress(psutil.Error):
            return int(self._memory.memory_info().rss)
        return 0

    def why(self, how: str) -> str:
        """Return how the process ended, with the last line that it wrote unless it was killed."""
        last = self.last_output().rpartition("\n")[2]
        return how if "killed" in how or not last else f"{how} ({last})"

    def last_output(self) -> str:
        """Return the last lines of what it wrote to standard error."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_SHOWN_LINES:])

    def close(self) -> None:
        """Close the input, at which the process ends, also in the middle of a job."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    def wait(self, seconds: float) -> None:
        """Wait until the process has ended, but not longer than ``seconds``."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def kill(self) -> None:
        """Kill the process, and the processes that it has started."""
        with suppress(psutil.Error):
            for child in self._memory.children(recursive=True):
                with suppress(psutil.Error):
                    child.kill()
        self._process.kill()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put((self, json.loads(line)))
        self._events.put((self, {"left": _how(self._process.wait())}))


def _how(code: int) -> str:
    """Return how a process ended, after "its process"."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}"

"""The processes of this machine that run cells, each one after another."""

from __future__ import annotations

import logging
import time
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import psutil

from textclf_core.errors import RunError
from textclf_core.system.memory import available_memory_bytes
from textclf_plugins.executing.worker import Event, Worker

if TYPE_CHECKING:
    from textclf_core.types.execution import CellQueue

logger = logging.getLogger("textclf")

_POLL_SECONDS = 0.5
_SECONDS_TO_END = 10.0
_RESERVE = 0.05
"""The share of the memory that no job is started for."""
_LEAST = 0.02
"""The share of the memory below which a job is ended."""


class Pool:
    """The processes, and the events that they send.

    Args:
        cells: the queue.
        environments: the environment variables of each process.
    """

    def __init__(self, cells: CellQueue, environments: list[dict[str, str]]) -> None:
        self._cells = cells
        self._events: SimpleQueue[tuple[Worker, Event]] = SimpleQueue()
        self._free = deque(enumerate(environments, start=1))
        self._most = len(environments)
        self._idle: list[Worker] = []
        self._busy: list[Worker] = []
        self._memory_bytes = int(psutil.virtual_memory().total)
        self._one_was_ready = False

    def run(self) -> None:
        """Run all cells."""
        while not self._cells.done:
            self._start_jobs()
            self._take_in_events()
            self._watch_memory()

    def end(self) -> None:
        """End all processes: their input is closed, and those that don't end are killed."""
        workers = [*self._idle, *self._busy]
        for worker in workers:
            worker.close()
        until = time.monotonic() + _SECONDS_TO_END
        try:
            for worker in workers:
                worker.wait(max(0.0, until - time.monotonic()))
        finally:
            for worker in workers:
                worker.kill()

    def _start_jobs(self) -> None:
        while self._idle or self._free:
            job = self._cells.take(beside=self._most - 1, memory_bytes=self._spare_bytes())
            if job is None:
                return
            if self._idle:
                worker = self._idle.pop()
            else:
                number, environment = self._free.popleft()
                log = self._cells.folder / f"worker-{number}.log"
                worker = Worker(number, self._cells.worker_command, environment, log, self._events)
            self._busy.append(worker)
            worker.start(job)

    def _take_in_events(self) -> None:
        """Wait for an event, and take in all that there are."""
        try:
            worker, event = self._events.get(timeout=_POLL_SECONDS)
            while True:
                self._take_in(worker, event)
                worker, event = self._events.get_nowait()
        except Empty:
            return

    def _take_in(self, worker: Worker, event: Event) -> None:
        if "log" in event:
            level, message = event["log"]
            logger.log(level, "%s", message)
        elif "ready" in event:
            self._one_was_ready = True
        elif "show" in event and worker.job is not None:
            self._cells.show(worker.job, event["show"])
        elif "ended" in event:
            self._end_job(worker)
            self._idle.append(worker)
        elif "left" in event:
            if not self._one_was_ready:
                raise RunError(f"a worker could not start: its process {event['left']}.\n{worker.last_output()}")
            if worker.job is not None:
                self._end_job(worker, worker.why(event["left"]))
            else:
                self._idle.remove(worker)
            self._free.append((worker.number, worker.environment))

    def _end_job(self, worker: Worker, reason: str | None = None) -> None:
        job, worker.job = worker.job, None
        self._busy.remove(worker)
        if job is not None:
            self._cells.ended(job, reason, again=worker.out_of_memory)

    def _spare_bytes(self) -> int | None:
        """Return how much memory a further job may take: less than is free, since running ones will take more."""
        expected = sum(
            max(0, worker.job.memory_bytes - worker.memory_bytes())
            for worker in self._busy
            if worker.job is not None and worker.job.memory_bytes is not None
        )
        return int(available_memory_bytes() - expected - _RESERVE * self._memory_bytes)

    def _watch_memory(self) -> None:
        if len(self._busy) > 1 and available_memory_bytes() < _LEAST * self._memory_bytes:
            last = max(self._busy, key=lambda worker: worker.started)
            if not last.out_of_memory:
                last.out_of_memory = True
                last.kill()

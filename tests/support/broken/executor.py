"""Broken executors."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from broken import broken
from textclf_core import hookimpl


def run(cells: Any, job: Any, reason: str | None = "ended") -> None:
    process = subprocess.Popen(job.command)
    try:
        process.wait()
    finally:
        process.kill()
    cells.ended(job, reason)


@dataclass(frozen=True)
class GoodExecutor:
    """Run one job after another."""

    @hookimpl
    def textclf_execute(self, cells: Any) -> bool:
        while not cells.done:
            if job := cells.take():
                process = subprocess.Popen(job.command)
                try:
                    while process.poll() is None and not cells.done:
                        time.sleep(0.01)
                finally:
                    process.kill()
                process.wait()
                cells.ended(job, f"ended with exit code {process.returncode}")
            else:
                time.sleep(0.05)
        return True


@broken("runs_every_cell", "had no result")
@dataclass(frozen=True)
class RunsTheFirst:
    """The others are left."""

    @hookimpl
    def textclf_execute(self, cells: Any) -> bool:
        run(cells, cells.take())
        return True


@broken("runs_as_many_as_workers", "jobs had been taken")
@dataclass(frozen=True)
class TakesAllAtOnce:
    """Whatever the user wants."""

    @hookimpl
    def textclf_execute(self, cells: Any) -> bool:
        jobs = []
        while job := cells.take():
            jobs.append(job)
        for job in jobs:
            run(cells, job)
        return True


@broken("reports_jobs_that_die", "no second try")
@dataclass(frozen=True)
class TakesEachOnce:
    """A job that was lost stays lost."""

    @hookimpl
    def textclf_execute(self, cells: Any) -> bool:
        for _ in range(cells.waiting):
            run(cells, cells.take())
        return True


@broken("reports_jobs_that_die", "no reason was given")
@dataclass(frozen=True)
class GivesNoReason:
    """Nobody knows how it ended."""

    @hookimpl
    def textclf_execute(self, cells: Any) -> bool:
        while not cells.done:
            run(cells, cells.take(), None)
        return True


@broken("waits_while_nothing_is_given_out", "wait and ask again")
@dataclass(frozen=True)
class GivesUp:
    """No job is the end."""

    @hookimpl
    def textclf_execute(self, cells: Any) -> bool:
        while job := cells.take():
            run(cells, job)
        return True


@broken("waits_while_nothing_is_given_out", "sleep a little")
@dataclass(frozen=True)
class AsksAllTheTime:
    """A core for nothing."""

    @hookimpl
    def textclf_execute(self, cells: Any) -> bool:
        while not cells.done:
            if job := cells.take():
                run(cells, job)
        return True


@broken("ends_its_processes", "still running after KeyboardInterrupt")
@dataclass(frozen=True)
class LeavesThemBehind:
    """Processes without a parent."""

    @hookimpl
    def textclf_execute(self, cells: Any) -> bool:
        process = subprocess.Popen(cells.take().command)
        while not cells.done:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        return True

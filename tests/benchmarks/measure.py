"""Runs each piece of work in a process of its own, so that its memory and its whole time are its own, and adds up."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

Job = Mapping[str, Any]
"""What a process is to do, as JSON: ``do`` names one of its script's functions, the rest are that one's settings."""


@dataclass(frozen=True)
class Measured:
    """What a piece of work took.

    Attributes:
        seconds: of the stage that is timed.
        f1: on the test split, of what was trained or predicted; ``None`` where nothing was.
        peak_mib: the largest resident set of the process, in MiB.
        process_seconds: from the start of the process to its end, imports included.
        rest_seconds: of training, but neither of the stage that is timed nor of tokens, validation and checkpoints;
            ``None`` where that isn't measured separately.
        parts: other seconds, by name, to look a surprise up in.
    """

    seconds: float
    f1: float | None = None
    peak_mib: float = 0.0
    process_seconds: float = 0.0
    rest_seconds: float | None = None
    parts: dict[str, float] = field(default_factory=dict)


class ChildError(Exception):
    """A process failed; the message holds what it wrote."""


def ask(script: str, job: Job) -> tuple[Any, float]:
    """Run a script of this folder on a job; return its answer, which is its last line, and the seconds it lived.

    Raises:
        ChildError: it failed.
    """
    start = time.perf_counter()
    child = subprocess.run(
        [sys.executable, str(HERE / script), json.dumps(job)], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if child.returncode:
        raise ChildError(f"{script} {json.dumps(job)} ended with {child.returncode}:\n{child.stderr[-4000:]}")
    return json.loads(child.stdout.splitlines()[-1]), seconds


def measure(script: str, job: Job) -> Measured:
    """Return what a job took in a process of its own."""
    answer, seconds = ask(script, job)
    return replace(Measured(**answer), process_seconds=seconds)


def answer(jobs: Mapping[str, Callable[[Job], Measured]]) -> None:
    """Do, in the process that :func:`ask` started, what it was asked for, and print the answer."""
    job = json.loads(sys.argv[1])
    measured = jobs[job["do"]](job)
    print(json.dumps(asdict(replace(measured, peak_mib=max(measured.peak_mib, peak_mib())))))


def peak_mib() -> float:
    """Return the largest resident set of this process, in MiB."""
    if sys.platform == "linux":
        # Not ru_maxrss: a child inherits its parent's until it outgrows it.
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def median_of(runs: Sequence[Measured]) -> Measured:
    """Return the medians of repeats."""
    scores = [run.f1 for run in runs if run.f1 is not None]
    rests = [run.rest_seconds for run in runs if run.rest_seconds is not None]
    return Measured(
        seconds=statistics.median(run.seconds for run in runs),
        f1=statistics.median(scores) if scores else None,
        peak_mib=statistics.median(run.peak_mib for run in runs),
        process_seconds=statistics.median(run.process_seconds for run in runs),
        rest_seconds=statistics.median(rests) if rests else None,
    )


def fastest(runs: Iterable[Measured]) -> Measured:
    """Return the run of the least time."""
    return min(runs, key=lambda run: run.seconds)


def one_after_another(runs: Sequence[Measured], each: int) -> Measured:
    """Return what ``each`` of every run take together: summed times, the best F1, the largest memory."""
    scores = [run.f1 for run in runs if run.f1 is not None]
    return Measured(
        seconds=each * sum(run.seconds for run in runs),
        f1=max(scores, default=None),
        peak_mib=max(run.peak_mib for run in runs),
        process_seconds=each * sum(run.process_seconds for run in runs),
    )

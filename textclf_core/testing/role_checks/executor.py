"""Checks of executors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import Subject

if TYPE_CHECKING:
    from textclf_core.testing.made_cells import MadeCell, MadeQueue

_MOST_TAKES_A_SECOND = 200
_SECONDS_TO_END = 10.0


def _cells(number: int, seconds: float = 0.0) -> list[MadeCell]:
    from textclf_core.testing.made_cells import MadeCell

    return [MadeCell(f"cell-{place}", seconds) for place in range(number)]


def _executed(
    subject: Subject, cells: Sequence[MadeCell], *, workers: int | None = 2, empty_seconds: float = 0.0
) -> MadeQueue:
    """Return the queue that an executor was called with."""
    from textclf_core.testing.made_cells import MadeQueue

    queue = MadeQueue(subject.folder(), cells, empty_seconds=empty_seconds)
    subject.call("textclf_execute", cells=queue, workers=workers)
    return queue


@check_of("textclf_execute")
def runs_every_cell(subject: Subject) -> Iterator[str]:
    """It runs each job and reports its end, whether it is given a number of workers or decides it."""
    for workers in (2, None):
        queue = _executed(subject, _cells(3), workers=workers)
        if missing := [f"cell-{place}" for place in range(3) if f"cell-{place}" not in queue.results]:
            yield (
                f"with workers={workers}, {', '.join(missing)} had no result; run the command of every job that the "
                "queue gives out, and call cells.ended(job) when its process has ended, until cells.done."
            )


@check_of("textclf_execute")
def runs_as_many_as_workers(subject: Subject) -> Iterator[str]:
    """It never has more jobs at a time than there are workers."""
    queue = _executed(subject, _cells(3, 0.05), workers=1)
    if queue.most_at_once > 1:
        yield (
            f"with workers=1, {queue.most_at_once} jobs had been taken and had not ended; take a job only when it can "
            "start."
        )


@check_of("textclf_execute")
def reports_jobs_that_die(subject: Subject) -> Iterator[str]:
    """A job whose process is killed is reported with the reason, and runs again."""
    from textclf_core.testing.made_cells import MadeCell

    queue = _executed(subject, [MadeCell("cell-0"), MadeCell("dies-once", dies=1)], workers=1)
    reasons = queue.lost.get("dies-once", [])
    if "dies-once" not in queue.results or len(reasons) > 1:
        yield "a job whose process was killed had no second try; call cells.ended(job, reason) and take the next job."
    elif not reasons[0]:
        yield "a job was killed by SIGKILL, and no reason was given; say in cells.ended(job, reason) how it ended."


@check_of("textclf_execute")
def waits_while_nothing_is_given_out(subject: Subject) -> Iterator[str]:
    """If the queue gives out no job at present, it waits and asks again."""
    seconds = 0.5
    queue = _executed(subject, _cells(1), workers=1, empty_seconds=seconds)
    if not queue.results:
        yield (
            "it returned while the queue gave out no job but wasn't done; cells may be running in another comparison, "
            "so wait and ask again until cells.done."
        )
    elif queue.takes > _MOST_TAKES_A_SECOND * seconds:
        yield f"it asked {queue.takes} times in {seconds} s; sleep a little between two calls of cells.take."


@check_of("textclf_execute")
def ends_its_processes(subject: Subject) -> Iterator[str]:
    """After Ctrl-C, the processes that it has started end."""
    from textclf_core.testing.made_cells import MadeQueue

    queue = MadeQueue(subject.folder(), _cells(2, 300.0), interrupted=True)
    try:
        subject.call("textclf_execute", cells=queue, workers=1)
    except KeyboardInterrupt:
        pass
    else:
        yield "it caught KeyboardInterrupt; let it pass, so that Ctrl-C ends the comparison."
    until = time.monotonic() + _SECONDS_TO_END
    while (left := queue.processes()) and time.monotonic() < until:
        time.sleep(0.05)
    for process in left:
        process.kill()
    if left:
        yield "a job's process was still running after KeyboardInterrupt; end it in a `finally`."

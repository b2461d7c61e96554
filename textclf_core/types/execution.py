"""What an executor gets: a queue that gives out the cells of a comparison as jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class CellJob:
    """A cell to run in another process, or several cells that are trained jointly.

    Attributes:
        id: the name of the first cell's run directory; no other job of the queue has it at the same time.
        names: the names of the cells, for messages.
        file: the file that describes the job. It, the data that it refers to and the output folder must be reachable
            where the job runs.
        command: the command line that runs the job in a process of its own. It ends with exit code 1 if a cell failed,
            which is a result like any other: it needs no second try.
        device: the torch device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        memory_bytes: how much memory its process is expected to take; ``None`` if that is unknown.
        seconds: how long it is expected to take; ``None`` if that is unknown.
    """

    id: str
    names: tuple[str, ...]
    file: Path
    command: tuple[str, ...]
    device: str
    memory_bytes: int | None = None
    seconds: float | None = None


class CellQueue(ABC):
    """The cells of a comparison that are to run. An executor takes jobs from it until it is done.

    >>> while not cells.done:
    ...     if job := cells.take():
    ...         subprocess.run(job.command)
    ...         cells.ended(job)
    ...     else:
    ...         time.sleep(1)

    Attributes:
        folder: a folder for files of the executor. It is in the output folder, and removed when all has run.
        device: the torch device of all jobs.
        worker_command: the command line of a process that runs jobs one after another, which saves importing torch for
            each. It reads paths of jobs' files from standard input, one per line. To standard output it writes lines of
            JSON: ``{"ready": true}`` when it has started, ``{"ended": FILE}`` after each job, ``{"show": TEXT}`` for
            the live view, ``{"log": [LEVEL, MESSAGE]}`` for ``logging.getLogger("textclf")``. When its standard input
            is closed, it ends, also in the middle of a job.
    """

    folder: Path
    device: str
    worker_command: tuple[str, ...]

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether every cell has ended."""

    @property
    @abstractmethod
    def waiting(self) -> int:
        """The number of cells that no job has been given out for."""

    @abstractmethod
    def take(self, *, beside: int | None = 0, memory_bytes: int | None = None) -> CellJob | None:
        """Return the next job to run now; ``None`` if there is none at present, though the queue may not be done.

        Jobs that can start from what a running job computes (a frozen prefix, an adapted encoder) come later than
        others. A cell that another comparison in the same output folder is running isn't given out before that ends.

        Args:
            beside: how many other jobs may run on the same machine at the same time, ``None`` if that is unknown. The
                costs of the runs are marked with it.
            memory_bytes: how much memory is free. A job that is expected to take more is given out only if no other
                is running.
        """

    @abstractmethod
    def show(self, job: CellJob, text: str) -> None:
        """Show how far a job is in the live view."""

    @abstractmethod
    def ended(self, job: CellJob, reason: str | None = None, *, again: bool = False) -> None:
        """Report that the process of a job has ended, or will never run.

        Cells without a result are given out once more, each as a job of its own. If that one ends without a result
        too, they have failed.

        Args:
            job: the job.
            reason: why it ended without a result, if it did: ``killed by SIGKILL``.
            again: whether the executor ended the job itself, for lack of memory. Its cells are then given out when no
                other job is running, and this isn't counted as a try.
        """

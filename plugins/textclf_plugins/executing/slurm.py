"""Running cells as jobs of a Slurm cluster."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.executing.one_job import run_job

if TYPE_CHECKING:
    from textclf_core.types.execution import CellJob, CellQueue

_POLL_SECONDS = {"slurm": 10.0, "local": 0.5}

# A job that has left the queue may have left a result that a shared file system doesn't show at once.
_POLLS_WITHOUT_A_RESULT = 3


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """Run cells as a job array of a Slurm cluster, by submitit.

    The output folder must be one that all nodes share, and textclf must be installed there in the same place. A job
    that is lost with its node, or over its limits, runs once more.
    """

    partition: Annotated[str | None, Option("The partition of the jobs.")] = None
    account: Annotated[str | None, Option("The account that they are charged to.")] = None
    qos: Annotated[str | None, Option("Their quality of service.")] = None
    time: Annotated[int, Option("The limit of a job's time, in minutes.", ge=1)] = 240
    cpus: Annotated[int, Option("Cores of a job.", ge=1)] = 4
    gpus: Annotated[int | None, Option("GPUs of a job; one if the device is cuda and it isn't given.", ge=0)] = None
    memory: Annotated[
        float | None,
        Option("Memory of a job in GB; if not given, what a dry run expects, or the site's default.", gt=0),
    ] = None
    cluster: Annotated[
        Literal["slurm", "local"], Option("local runs the jobs on this machine instead, to try them without a cluster.")
    ] = "slurm"

    @hookimpl
    def textclf_check_options(self) -> None:
        """Check that submitit is installed and finds the cluster."""
        try:
            import submitit
        except ImportError as error:
            raise UsageError('it needs submitit: pip install "textclf-core[slurm]".') from error
        if self.cluster == "slurm" and submitit.SlurmExecutor.affinity() < 0:
            raise UsageError(
                "there is no command srun here; give the command on a node that submits jobs, or try it without a "
                "cluster by slurm:cluster=local."
            )

    @hookimpl
    def textclf_execute(self, cells: CellQueue, workers: int | None) -> bool:
        """Submit all jobs at once, or so many as there are workers, and wait for them."""
        running: list[tuple[CellJob, Any]] = []
        missed: Counter[str] = Counter()
        try:
            while not cells.done:
                most = workers or (cells.waiting + len(running))
                jobs: list[CellJob] = []
                while len(running) + len(jobs) < most and (job := cells.take(beside=None)):
                    jobs.append(job)
                running += self._submit(cells, jobs)
                time.sleep(_POLL_SECONDS[self.cluster])
                if self.cluster == "slurm":
                    missed.update(_not_in_the_queue(submitted for _, submitted in running))
                running = [one for one in running if not self._has_ended(cells, *one, missed)]
        finally:
            for _, submitted in running:
                submitted.cancel(check=False)
        return True

    def _has_ended(self, cells: CellQueue, job: CellJob, submitted: Any, missed: Counter[str]) -> bool:
        """Report the end of a job, if it has ended; return whether it has."""
        if self.cluster == "local":
            if not submitted.done():
                return False
            reason = f"ended as {submitted.state}"
        else:
            if not submitted.paths.result_pickle.exists() and missed[submitted.job_id] < _POLLS_WITHOUT_A_RESULT:
                return False
            reason = f"left the queue of Slurm without a result (see {submitted.paths.stderr})"
        cells.ended(job, reason)
        return True

    def _submit(self, cells: CellQueue, jobs: list[CellJob]) -> list[tuple[CellJob, Any]]:
        if not jobs:
            return []
        import submitit

        executor = submitit.AutoExecutor(folder=cells.folder / "slurm", cluster=self.cluster)
        executor.update_parameters(**self._parameters(cells, jobs))
        with executor.batch():
            submitted = [executor.submit(run_job, cells.worker_command, str(job.file)) for job in jobs]
        return list(zip(jobs, submitted, strict=True))

    def _parameters(self, cells: CellQueue, jobs: list[CellJob]) -> dict[str, Any]:
        expected = [job.memory_bytes for job in jobs if job.memory_bytes is not None]
        memory = self.memory or (1.25 * max(expected) / 1e9 if expected else None)
        gpus = self.gpus if self.gpus is not None else int(cells.device.startswith("cuda"))
        of_site = {"partition": self.partition, "account": self.account, "qos": self.qos}
        return {
            "name": "textclf",
            "timeout_min": self.time,
            "cpus_per_task": self.cpus,
            "gpus_per_node": gpus,
            **({"mem_gb": memory} if memory else {}),
            **{f"slurm_{name}": value for name, value in of_site.items() if value is not None},
        }


def _not_in_the_queue(jobs: Iterable[Any]) -> list[str]:
    """Return the ids of the jobs that neither wait nor run any more; none if Slurm doesn't answer.

    submitit asks the accounting for them, which not every site has, and every ten minutes.
    """
    command = ["squeue", "--noheader", "--array", "--me", "--format=%i"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    queued = set(done.stdout.split())
    return [] if done.returncode else [job.job_id for job in jobs if job.job_id not in queued]

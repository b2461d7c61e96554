"""Running cells as tasks of a Ray cluster."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from textclf_core.errors import UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.executing.one_job import run_job

if TYPE_CHECKING:
    from textclf_core.types.execution import CellJob, CellQueue

_POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Ray:
    """Run cells as tasks of a Ray cluster, or of one that is started on this machine.

    The output folder must be one that all nodes share, and textclf must be installed there in the same place. A cell
    whose node is lost runs once more.
    """

    address: Annotated[str | None, Option("The cluster's address; one is started here if it isn't given.")] = None
    cpus: Annotated[int, Option("Cores of a cell.", ge=1)] = 1
    gpus: Annotated[float | None, Option("GPUs of a cell; one if the device is cuda and it isn't given.", ge=0)] = None

    @hookimpl
    def textclf_check_options(self) -> None:
        """Check that Ray is installed."""
        try:
            import ray  # noqa: F401
        except ImportError as error:
            raise UsageError('it needs Ray: pip install "textclf-core[ray]".') from error

    @hookimpl
    def textclf_execute(self, cells: CellQueue, workers: int | None) -> bool:
        """Run so many cells at a time as there are workers, or cores for them."""
        ray: Any = import_module("ray")  # not all that is used here has types
        ray.init(address=self.address, logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
        running: dict[Any, CellJob] = {}
        try:
            while not cells.done:
                most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)) // self.cpus)
                while len(running) < most and (job := cells.take(beside=None)):
                    running[self._start(ray, cells, job)] = job
                if not running:  # another comparison is running what is left
                    time.sleep(_POLL_SECONDS)
                    continue
                for task in ray.wait(list(running), timeout=_POLL_SECONDS)[0]:
                    cells.ended(running.pop(task), _how(ray, task))
        finally:
            for task in running:
                ray.cancel(task)
            ray.shutdown()
        return True

    def _start(self, ray: Any, cells: CellQueue, job: CellJob) -> Any:
        gpus = self.gpus if self.gpus is not None else int(job.device.startswith("cuda"))
        # The queue gives a lost cell another try, by the same rule for all executors.
        options = {"num_cpus": self.cpus, "num_gpus": gpus, "max_retries": 0, "memory": job.memory_bytes}
        return ray.remote(run_job).options(**options).remote(cells.worker_command, str(job.file))


def _how(ray: Any, task: Any) -> str | None:
    """Return how a task was lost; ``None`` if it has ended by itself."""
    try:
        ray.get(task)
    except ray.exceptions.RayError as error:
        return f"was lost: {type(error).__name__}"
    return None

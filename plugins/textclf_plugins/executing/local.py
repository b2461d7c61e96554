"""Running cells in several processes of this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from textclf_core.types.execution import CellQueue


@dataclass(frozen=True, kw_only=True)
class Local:
    """Run cells in processes of this machine, each with its share of the cores, or with a GPU of its own.

    If memory runs out, the cell that began last is ended, and runs again when no other does.
    """

    threads: Annotated[int | None, Option("Threads of each process; its share of the cores if not given.", ge=1)] = None

    @hookimpl
    def textclf_execute(self, cells: CellQueue, workers: int | None) -> bool:
        """Run the cells, by default in one process for each GPU, or else in one."""
        from textclf_plugins.executing.pool import Pool

        gpus = _gpus() if cells.device == "cuda" else []
        number = workers or max(1, len(gpus))
        environments = [self._environment(place, number, gpus) for place in range(number)]
        pool = Pool(cells, environments)
        try:
            pool.run()
        finally:
            pool.end()
        return True

    def _environment(self, place: int, number: int, gpus: list[str]) -> dict[str, str]:
        share = max(1, _cores() // number)
        limit = os.environ.get("OMP_NUM_THREADS", "")
        threads = str(self.threads or (min(share, int(limit)) if limit.isdigit() else share))
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
        gpu = {"CUDA_VISIBLE_DEVICES": gpus[place % len(gpus)]} if gpus else {}
        return {**os.environ, **dict.fromkeys(names, threads), **gpu}


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus() -> list[str]:
    """Return the GPUs that this process may use, as CUDA names them."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]

"""The processes that share a run, as torchrun or accelerate launched them, and what they exchange.

The variables are those that torch.distributed reads: ``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``, ``MASTER_ADDR`` and
``MASTER_PORT``. All processes execute the same run; where a method here is called, all of them must call it.
"""

from __future__ import annotations

import atexit
import os
import platform
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from textclf_core.errors import OtherProcessError, UsageError

if TYPE_CHECKING:
    from torch import Tensor
    from torch._C._distributed_c10d import Store
    from torch.distributed import ProcessGroup

_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
# Rank 0 saves and measures while the others wait. A process that dies is noticed by its closed connections.
_LONGEST_WAIT = timedelta(hours=6)
# Smaller tensors are summed in one buffer, since each exchange has a latency.
_LEAST_SUMMED_ALONE = 2**18
_SECONDS_FOR_RANK_0 = 2.0


@dataclass(frozen=True)
class World:
    """The processes that share a run; of a run in one process, that one, and then no method communicates.

    Attributes:
        rank: this process's number, from 0.
        size: the number of processes.
        local_rank: this process's number among those on its host, from 0.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    _group: ProcessGroup | None = field(default=None, repr=False, compare=False)
    _of_host: World | None = field(default=None, repr=False, compare=False)

    @property
    def of_host(self) -> World:
        """The processes on this process's host."""
        return self._of_host or self

    @classmethod
    def launched(cls, environment: Mapping[str, str] | None = None) -> World:
        """Return the processes as the environment describes them, before they are connected."""
        found = os.environ if environment is None else environment
        if not all(found.get(name) for name in _VARIABLES) or int(found["WORLD_SIZE"]) == 1:
            return cls()
        return cls(int(found["RANK"]), int(found["WORLD_SIZE"]), int(found.get("LOCAL_RANK", found["RANK"])))

    def share(self, count: int) -> range:
        """Return this process's part of ``count`` numbers from 0; the parts are contiguous, in the order of ranks."""
        return range(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all processes, in the order of their ranks."""
        if self.size == 1:
            return [value]
        import torch.distributed as dist

        values: list[Any] = [None] * self.size
        with _loss_named():
            dist.all_gather_object(values, value, group=self._group)
        return values

    def broadcast(self, value: Any) -> Any:
        """Return the value of rank 0; the others wait for it."""
        return self.gather(value if self.rank == 0 else None)[0]

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.gather(None)

    def check_equal(self, what: str, value: object) -> None:
        """Check that a value is the same in all processes.

        Raises:
            UsageError: it isn't.
        """
        for rank, other in enumerate(self.gather(value)):
            if other != value:
                raise UsageError(
                    f"{what} differ between the processes {self.rank} and {rank} of this run. All hosts need the same "
                    "files, packages and options."
                )

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over the processes, with the same bits in all of them."""
        if self.size == 1:
            return
        import torch
        import torch.distributed as dist

        by_type: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
        works = []
        with _loss_named():
            for tensor in tensors:
                if tensor.numel() >= _LEAST_SUMMED_ALONE and tensor.is_contiguous():
                    works.append(dist.all_reduce(tensor, group=self._group, async_op=True))
                else:
                    by_type.setdefault((tensor.dtype, tensor.device), []).append(tensor)
            for small in by_type.values():
                buffer = torch.cat([one.reshape(-1) for one in small])
                dist.all_reduce(buffer, group=self._group)
                parts = buffer.split_with_sizes([one.numel() for one in small])
                torch._foreach_copy_(small, [part.view_as(one) for part, one in zip(parts, small, strict=True)])
            for work in works:
                work.wait()


ALONE = World()
"""One process."""


@contextmanager
def connected(device: str) -> Iterator[World]:
    """Connect the processes that were launched together, and yield them; one process alone connects to nothing.

    The connections serve all runs of a program, and a group that the caller's program has made is used as it is. They
    close when the process ends; if an error ends it, only then do the others notice, after it was printed.

    Args:
        device: the type of device that they compute on, ``cpu`` or ``cuda``.
    """
    world = World.launched()
    if world.size == 1:
        yield ALONE
        return
    import torch
    import torch.distributed as dist

    if not dist.is_initialized():
        if device == "cuda":
            torch.cuda.set_device(world.local_rank)
        dist.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo", timeout=_LONGEST_WAIT)
        atexit.register(dist.destroy_process_group)
    world = World(dist.get_rank(), dist.get_world_size(), world.local_rank)
    with _termination_raised():
        yield replace(world, _of_host=_of_host(world))


def _of_host(world: World) -> World | None:
    """Return the processes on this host; ``None`` if all are there."""
    import torch.distributed as dist

    hosts = world.gather(platform.node())
    if len(set(hosts)) == 1:
        return None
    for host in dict.fromkeys(hosts):
        ranks = [rank for rank, other in enumerate(hosts) if other == host]
        group = dist.new_group(ranks)  # all processes must make all groups
        if world.rank in ranks:
            own = World(ranks.index(world.rank), len(ranks), world.local_rank, group)
    return own


def reports_failure() -> bool:
    """Return whether this process prints the error that ends the run: of several processes, the first that failed.

    Rank 0 comes first if it fails too, since an error that all processes have should name no process. Call this once.
    """
    world = World.launched()
    if world.size == 1:
        return True
    try:
        store = _store()
    except Exception:  # torch raises several: there is no store, or none any more; better twice than never
        return True
    key = f"textclf/failed/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    until = time.monotonic() + (_SECONDS_FOR_RANK_0 if world.rank else 0)
    while time.monotonic() < until:
        if store.add(key, 0):
            return False
        time.sleep(0.05)
    return store.add(key, 1) == 1


def _store() -> Store:
    """Return a connection to the store that the launcher, or rank 0, holds for the processes."""
    from torch._C._distributed_c10d import TCPStore  # torch.distributed exports it for all but type checkers

    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(address, port, is_master=False, timeout=timedelta(seconds=_SECONDS_FOR_RANK_0))


@contextmanager
def _loss_named() -> Iterator[None]:
    """Turn the errors of torch.distributed into one that says that another process is gone."""
    try:
        yield
    except RuntimeError as error:
        _on_termination(signal.SIG_IGN)  # the launcher has seen it too, but files are yet to be moved
        raise OtherProcessError(
            "another process of this run ended before its end, or can't be reached any more."
        ) from error


@contextmanager
def _termination_raised() -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` when the launcher ends this process, so that what was written is kept.

    After an error the process ends by itself, once files are moved and the error is printed; the launcher, which has
    seen another process end, must not end it before.
    """

    def interrupt(*_: object) -> None:
        if sys.exception() is None:  # else another error is ending the process, and may be moving files
            raise KeyboardInterrupt

    before = _on_termination(interrupt)
    try:
        yield
    except BaseException:
        _on_termination(signal.SIG_IGN)
        raise
    _on_termination(before)


def _on_termination(handler: Any) -> Any:
    """Set the handler of SIGTERM, and return the one before."""
    with suppress(ValueError):  # not the main thread
        return signal.signal(signal.SIGTERM, handler)
    return signal.SIG_DFL

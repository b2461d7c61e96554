"""The memory of this process: measuring the peak of a run, and releasing unused memory."""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

_STEPS_BETWEEN_TRIMS = 32
_STEPS_BETWEEN_LARGE = 8
_LARGE = 0.8
"""As a share of the largest step so far. With batches grouped by length, few are as large."""

_CONTROL_GROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "cache"),
)
"""The folder of a container's control group, the files of its limit and use, and the name in ``memory.stat`` of the
cached files, which the use includes; in the second and the first version of Linux's control groups."""

_MADV_PAGEOUT = 21
"""From Linux's asm-generic/mman-common.h; ``mmap`` has no name for it."""


def reset_peak_memory(device: str) -> int | None:
    """Reset the peak memory, so that each run in a process has its own.

    Memory left by an earlier run is released first: models in reference cycles (those of transformers' Trainer), and
    freed memory that the C library keeps. Without this, the peak of a small run would be that of the run before it.

    Returns:
        The memory in use now, in bytes; ``None`` if only the peak of the whole process can be measured.

    Raises:
        UsageError: this is Windows, which has none of POSIX's calls that a run makes (getrusage, preadv).
    """
    if sys.platform == "win32":
        raise UsageError(
            "textclf trains on Linux and macOS; this is Windows, which can't measure a run's memory or read its cache "
            "the way it is done here. Run it in WSL (the Windows Subsystem for Linux)."
        )
    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return int(torch.cuda.memory_allocated(device))
    if sys.platform == "linux":
        trim_heap()
        # proc(5): writing 5 resets the peak resident set size.
        Path("/proc/self/clear_refs").write_text("5")
        return int(psutil.Process().memory_info().rss)
    return None


@contextmanager
def present_objects_kept() -> Iterator[None]:
    """Leave the objects that exist now, such as imported modules, out of garbage collection in the block.

    Each run collects garbage before it begins; going through all modules each time takes a quarter of a second. Those
    that become garbage in the block are collected after it.
    """
    if gc.get_freeze_count():  # a caller has done the same
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def peak_memory_bytes(device: str) -> int:
    """Return the largest memory use since :func:`reset_peak_memory`, in bytes."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "linux":
        # proc(5): the peak since the last reset, which psutil doesn't read.
        return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    import resource  # POSIX alone has it

    # Elsewhere only the peak of the whole process is to be had; macOS counts it in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def available_memory_bytes() -> int:
    """Return how much memory processes can still take: on the machine, and in the control group if that has a limit."""
    available = int(psutil.virtual_memory().available)
    for folder, limit, used, cached in _CONTROL_GROUPS:
        try:
            most, now, *stat = (Path(folder, name).read_text() for name in (limit, used, "memory.stat"))
        except OSError:  # there is no control group, or one of the other version
            continue
        if most.strip().isdigit():
            counts = dict(line.split() for line in stat[0].splitlines())
            available = min(available, int(most) - int(now) + int(counts.get(cached, 0)))
    return max(0, available)


def trim_heap() -> None:
    """Make the C library return freed memory to the system; otherwise it stays resident."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only in glibc
    if trim is not None:
        trim(0)


class HeapTrimming:
    """Call :func:`trim_heap` at intervals in a loop of steps.

    Batches of many shapes leave gaps in the heap that later ones don't fit into; their size grows with the steps, in
    addition to the memory of the largest batches.
    """

    def __init__(self) -> None:
        self._largest, self._last = 0, -_STEPS_BETWEEN_LARGE

    def before(self, step: int, size: int = 0) -> None:
        """Trim the heap if it is due; call this before each step.

        Args:
            step: the step's number, from 1; the heap is trimmed before every 32nd.
            size: the memory of the step, in any unit; the heap is also trimmed before one of the largest steps so far,
                unless it was in the last 8 steps, since steps of equal size leave few gaps.
        """
        large = size > _LARGE * self._largest and step - self._last >= _STEPS_BETWEEN_LARGE
        self._largest = max(self._largest, size)
        if large or step % _STEPS_BETWEEN_TRIMS == 0:
            trim_heap()
            self._last = step


def page_out(tensors: Iterable[Tensor]) -> None:
    """Let the system drop file-backed tensors from memory; it reads them again when they are used.

    The weights of a checkpoint are its file, mapped into memory. Until they are written to, the system can drop their
    pages and read them again (madvise(2), ``MADV_PAGEOUT``; Linux 5.4). On other systems, and for tensors without a
    file, this does nothing.
    """
    advise = getattr(ctypes.CDLL(None), "madvise", None) if sys.platform == "linux" else None
    if advise is None:
        return
    for tensor in tensors:
        if tensor.device.type == "cpu":
            start = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
            size = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE - start
            if size > 0:
                # The result is ignored, since this is only advice to the system.
                advise(ctypes.c_void_p(start), ctypes.c_size_t(size), ctypes.c_int(_MADV_PAGEOUT))

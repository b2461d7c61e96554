"""The memory of this process: how much a run takes, and giving back what it needs no longer."""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

_STEPS_BETWEEN_TRIMS = 32
_STEPS_BETWEEN_LARGE = 8
_LARGE = 0.8
"""A share of the largest step so far. Grouped by length, few batches are so large."""

_MADV_PAGEOUT = 21
"""Of Linux's asm-generic/mman-common.h; ``mmap`` doesn't name it."""


def reset_peak_memory(device: str) -> int | None:
    """Start measuring peak memory anew, so that runs in one process don't see each other's.

    What an earlier run left behind is given back first: models in reference cycles (those of transformers' Trainer),
    and freed memory that the C library keeps for itself. Without that, what a run of the majority class seemed to
    take was what the fine-tuning before it had taken.

    Returns:
        The memory in use now, in bytes; ``None`` where only the peak of the whole process is to be had.

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


def trim_heap() -> None:
    """Have the C library give what was freed back to the system; it keeps it for later, and it stays resident."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)


class HeapTrimming:
    """Calls :func:`trim_heap` now and then in a loop.

    Batches of many shapes leave gaps in the heap that later ones don't fit into. They add up with the steps, and stand
    beside what the largest batches take.
    """

    def __init__(self) -> None:
        self._largest, self._last = 0, -_STEPS_BETWEEN_LARGE

    def before(self, step: int, size: int = 0) -> None:
        """Call it before each step.

        Args:
            step: its number, from 1; memory is given back before each 32nd.
            size: what the step takes, in any unit; memory is given back before one of the largest so far, too, if it
                hasn't been for 8 steps: where all are alike, they leave few gaps.
        """
        large = size > _LARGE * self._largest and step - self._last >= _STEPS_BETWEEN_LARGE
        self._largest = max(self._largest, size)
        if large or step % _STEPS_BETWEEN_TRIMS == 0:
            trim_heap()
            self._last = step


def page_out(tensors: Iterable[Tensor]) -> None:
    """Have the system take tensors from memory that it can read from their file again; whoever uses one, gets it.

    The weights of a checkpoint are its file, mapped into memory: until something writes to one, the system can drop
    its pages and read them again (madvise(2), ``MADV_PAGEOUT``; Linux 5.4). Elsewhere, and where a tensor has no file,
    nothing happens.
    """
    advise = getattr(ctypes.CDLL(None), "madvise", None) if sys.platform == "linux" else None
    if advise is None:
        return
    for tensor in tensors:
        if tensor.device.type == "cpu":
            start = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
            size = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE - start
            if size > 0:
                # Advice: a system that doesn't take it says so in the result, which changes nothing here.
                advise(ctypes.c_void_p(start), ctypes.c_size_t(size), ctypes.c_int(_MADV_PAGEOUT))

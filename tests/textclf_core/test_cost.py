"""Memory is measured anew for each run of a process."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from textclf_core.cost import give_back_now_and_then, peak_memory_bytes, reset_peak_memory

MUCH = 64 * 2**20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only a process's whole peak is to be had")


@pytest.fixture
def before() -> int:
    start = reset_peak_memory("cpu")
    assert start is not None
    return start


def leave_a_cycle() -> None:
    ring: list[object] = [np.ones(MUCH // 8)]
    ring.append(ring)


def leave_the_heap_full_of_holes() -> bytes:
    """The bytes that are kept lie behind what is freed, so that the heap can't shrink by itself."""
    kept = [bytes(1000) for _ in range(MUCH // 1000)]
    return kept[-1]


def test_the_peak_counts_what_is_gone_by_now(before: int) -> None:
    np.ones(MUCH // 8).sum()
    assert peak_memory_bytes("cpu") > before + MUCH // 2


def test_what_an_earlier_run_left_in_a_cycle_is_not_counted(before: int) -> None:
    leave_a_cycle()
    assert peak_memory_bytes("cpu") > before + MUCH // 2
    assert (reset_peak_memory("cpu") or 0) < before + MUCH // 2
    assert peak_memory_bytes("cpu") < before + MUCH // 2


def test_what_an_earlier_run_freed_and_the_c_library_keeps_is_not_counted(before: int) -> None:
    kept = leave_the_heap_full_of_holes()
    assert (reset_peak_memory("cpu") or 0) < before + MUCH // 2
    assert peak_memory_bytes("cpu") < before + MUCH // 2
    assert len(kept) == 1000


def resident() -> int:
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


def test_a_loops_steps_give_back_what_they_freed_every_32nd_time(before: int) -> None:
    kept = leave_the_heap_full_of_holes()
    full = resident()
    assert full > before + MUCH // 2
    for step in range(1, 32):
        give_back_now_and_then(step)
    assert resident() > full - MUCH // 4
    give_back_now_and_then(32)
    assert resident() < full - MUCH // 2
    assert len(kept) == 1000

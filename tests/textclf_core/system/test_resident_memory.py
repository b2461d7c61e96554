"""Memory is measured anew for each run of a process."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from textclf_core.errors import UsageError
from textclf_core.system.memory import HeapTrimming, page_out, peak_memory_bytes, reset_peak_memory

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


def test_a_loop_returns_freed_memory_to_the_system(before: int) -> None:
    kept = leave_the_heap_full_of_holes()
    full = resident()
    assert full > before + MUCH // 2
    trimming = HeapTrimming()
    for step in range(1, 101):
        trimming.before(step)
    assert resident() < full - MUCH // 2
    assert len(kept) == 1000


def test_freed_memory_is_returned_before_a_step_larger_than_all_others(before: int) -> None:
    trimming = HeapTrimming()
    for step in range(1, 21):
        trimming.before(step, 100 if step == 1 else 10)
    kept = leave_the_heap_full_of_holes()
    full = resident()
    assert full > before + MUCH // 2
    trimming.before(21, 200)
    assert resident() < full - MUCH // 2
    assert len(kept) == 1000


def test_weights_that_are_in_a_file_are_dropped_from_memory_and_come_back(before: int, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(MUCH // 4, dtype=np.float32)
    values.tofile(tmp_path / "weights")
    weights = torch.from_file(str(tmp_path / "weights"), shared=False, size=len(values))
    assert torch.equal(weights, torch.from_numpy(values))
    used = resident()
    page_out([weights])
    assert resident() < used - MUCH // 2
    assert torch.equal(weights, torch.from_numpy(values))
    assert resident() > used - MUCH // 4


def test_weights_that_were_written_to_keep_what_was_written(tmp_path: Path) -> None:
    np.zeros(MUCH // 4, dtype=np.float32).tofile(tmp_path / "weights")
    weights = torch.from_file(str(tmp_path / "weights"), shared=False, size=MUCH // 4)
    weights[::2] = 1
    page_out([weights, torch.ones(3), torch.empty(0)])
    assert torch.equal(weights.view(-1, 2), torch.tensor([1.0, 0.0]).expand(MUCH // 8, 2))


def test_a_run_on_windows_ends_with_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(UsageError, match="trains on Linux and macOS; this is Windows"):
        reset_peak_memory("cpu")

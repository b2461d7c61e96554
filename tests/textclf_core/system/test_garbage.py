"""Garbage collection between runs, which leaves out what was there before the first."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from textclf_core.system.memory import present_objects_kept


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """The tests' own modules are kept, too (see ``conftest.py``)."""
    was_kept = gc.get_freeze_count()
    gc.unfreeze()
    yield
    if was_kept:
        gc.freeze()


class _Ring:
    """An object that only the garbage collection frees."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_before_is_collected_after_the_block_alone() -> None:
    before = _Ring()
    earlier = weakref.ref(before)
    with present_objects_kept():
        del before
        later = weakref.ref(_Ring())
        gc.collect()
        assert later() is None
        assert earlier() is not None
    gc.collect()
    assert earlier() is None
    assert gc.get_freeze_count() == 0


def test_objects_that_a_caller_keeps_stay_kept() -> None:
    ring = _Ring()
    kept = weakref.ref(ring)
    gc.freeze()
    try:
        with present_objects_kept():
            pass
        del ring
        gc.collect()
        assert kept() is not None
    finally:
        gc.unfreeze()

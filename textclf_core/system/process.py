"""Restoring the process-wide state that a run's libraries change."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textclf_core.system.hub import without_bars


@contextmanager
def process_state_restored() -> Iterator[None]:
    """Restore process-wide state that training and its libraries change, when the block ends.

    That is the state of the generators of Python, NumPy and torch (a run seeds them), the progress bars of
    transformers, and the device that accelerate keeps from its first use on.
    """
    before = {state: dict(state._shared_state) for state in _accelerate_states()}
    try:
        with without_bars(), generators_restored():
            yield
    finally:
        for state in _accelerate_states():
            state._shared_state.clear()
            state._shared_state.update(before.get(state, {}))


@contextmanager
def generators_restored() -> Iterator[None]:
    """Restore the state of the generators of Python, NumPy and torch when the block ends."""
    import numpy as np
    import torch

    python, numpy_, torch_ = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_)
        torch.set_rng_state(torch_)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)


def _accelerate_states() -> tuple[Any, ...]:
    """Return the classes in which accelerate keeps process state; none before its first use."""
    module = sys.modules.get("accelerate.state")
    return (module.PartialState, module.AcceleratorState, module.GradientState) if module else ()

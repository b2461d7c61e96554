"""What a run's libraries change in the process, put back when the run is over."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def process_state_restored() -> Iterator[None]:
    """Put back, when the block ends, what training and its libraries set for the whole process.

    That is the state of the generators of Python, NumPy and torch (a run seeds them), the progress bars of
    transformers, and the device that accelerate keeps from its first use on.
    """
    import numpy as np
    import torch

    before = {state: dict(state._shared_state) for state in _accelerate_states()}
    python, numpy_, torch_ = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        with quiet_transformers():
            yield
    finally:
        for state in _accelerate_states():
            state._shared_state.clear()
            state._shared_state.update(before.get(state, {}))
        random.setstate(python)
        np.random.set_state(numpy_)
        torch.set_rng_state(torch_)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)


def _accelerate_states() -> tuple[Any, ...]:
    """Return the classes in which accelerate keeps the state of the process; none before its first use."""
    module = sys.modules.get("accelerate.state")
    return (module.PartialState, module.AcceleratorState, module.GradientState) if module else ()


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Let transformers show no progress bars while the block runs: they would run through ours."""
    import transformers.utils.logging as bars
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    of_transformers, of_hub = bars.is_progress_bar_enabled(), not are_progress_bars_disabled()
    bars.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if of_transformers:
            bars.enable_progress_bar()  # type: ignore[no-untyped-call]
        # transformers switches the hub's with its own.
        (enable_progress_bars if of_hub else disable_progress_bars)()

"""When the steps of a training loop end, whoever's loop it is."""

from __future__ import annotations

import statistics
import time
from itertools import pairwise

from measure import Measured


def watch_steps() -> list[float]:
    """Return a list to which every optimizer step of this process adds the time, in seconds, when it ended."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    finished: list[float] = []
    register_optimizer_step_post_hook(lambda *_: finished.append(time.perf_counter()))
    return finished


def median_step(finished: list[float]) -> Measured:
    """Return the median time from one step's end to the next one's."""
    return Measured(statistics.median(later - earlier for earlier, later in pairwise(finished)))

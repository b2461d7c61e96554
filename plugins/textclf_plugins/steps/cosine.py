"""A cosine schedule of the learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """Let the learning rate fall along half a cosine instead of a line, after linear warm-up.

    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, equation 5, without
    restarts. It changes when the rate falls, not the peak; the recipe's warm-up stays.
    """

    floor: Annotated[float, Option("The last learning rate, as a share of the peak.", ge=0, lt=1)] = 0.0

    @hookimpl
    def textclf_schedule(self, step: int, warmup_steps: int, total_steps: int) -> float:
        """Return the fraction of the peak rate."""
        done = step - 1
        if done < warmup_steps:
            return done / warmup_steps
        share = (done - warmup_steps) / (total_steps - warmup_steps)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * share)) / 2

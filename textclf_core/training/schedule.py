"""The learning rate over the steps of a run."""

from __future__ import annotations


def linear_schedule(step: int, warmup_steps: int, total_steps: int) -> float:
    """Return the share of the peak rate that a step, counted from 1, uses: a linear rise from 0, a fall towards 0."""
    done = step - 1
    return done / warmup_steps if done < warmup_steps else (total_steps - done) / (total_steps - warmup_steps)

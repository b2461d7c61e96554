"""A schedule: a constant learning rate after warm-up."""

from __future__ import annotations

from dataclasses import dataclass

from textclf_core import hookimpl


@dataclass(frozen=True, kw_only=True)
class ConstantRate:
    """Keep the learning rate at its peak after the recipe's warm-up."""

    @hookimpl
    def textclf_schedule(self, step: int, warmup_steps: int) -> float:
        """Return the fraction of the peak."""
        return min(1.0, (step - 1) / warmup_steps) if warmup_steps else 1.0

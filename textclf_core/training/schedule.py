"""The learning rate over the steps of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textclf_core.types.phases import Phase
from textclf_core.types.recipe import Recipe


def linear_schedule(step: int, warmup_steps: int, total_steps: int) -> float:
    """Return the fraction of the peak rate at a step, counted from 1: linear warm-up from 0, linear decay towards 0."""
    done = step - 1
    return done / warmup_steps if done < warmup_steps else (total_steps - done) / (total_steps - warmup_steps)


Shape = Callable[[int, int, int], float]
"""The fraction of the peak rate at a step, given the step and the number of warm-up steps and of all steps."""


@dataclass(frozen=True)
class Schedule:
    """One warm-up and decay of the learning rate.

    Attributes:
        first_step: its first step, counted from 1 over the whole run.
        steps: its number of steps.
        warmup_steps: the number of steps of the warm-up.
        peak: the highest learning rate.
        shape: linear unless a plugin replaces it.
    """

    first_step: int
    steps: int
    warmup_steps: int
    peak: float
    shape: Shape = linear_schedule

    def rate(self, step: int) -> float:
        """Return the learning rate of a step of the run, counted from 1."""
        return self.peak * self.shape(step - self.first_step + 1, self.warmup_steps, self.steps)


def schedules(
    phases: Sequence[Phase], recipe: Recipe, steps_per_epoch: int, shape: Shape = linear_schedule
) -> list[Schedule]:
    """Return the schedule of each phase; neighbouring phases without a learning rate of their own share one."""
    together: list[list[Phase]] = []
    for phase in phases:
        if together and phase.learning_rate is None and together[-1][-1].learning_rate is None:
            together[-1].append(phase)
        else:
            together.append([phase])
    found: list[Schedule] = []
    done = 0
    for group in together:
        steps = steps_per_epoch * sum(phase.epochs for phase in group)
        peak = group[0].learning_rate or recipe.learning_rate
        found += [Schedule(done + 1, steps, math.ceil(recipe.warmup * steps), peak, shape)] * len(group)
        done += steps
    return found

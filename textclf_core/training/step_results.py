"""Losses and gradient norms of training steps: checked, logged and shown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from textclf_core.errors import RunError

if TYPE_CHECKING:
    from textclf_core.training.phases import TrainingPhases
    from textclf_core.types.events import RunEvents
    from textclf_core.types.progress import Bar

# Rows of history.jsonl between two epochs' ends.
_LOSSES_PER_EPOCH = 50

# Reading a number from a GPU waits for it, so it is done for several steps at once.
_STEPS_UNSEEN_ON_A_GPU = 20


class StepLog:
    """Check the losses and gradient norms of a run's steps, and log the losses of an epoch.

    Args:
        phases: the phases of the run.
        events: get the losses.
        warmup: the recipe's share of warm-up.
        replaced_by: the plugins that replace a part of the steps, for errors; ``None`` if there are none.
    """

    def __init__(self, phases: TrainingPhases, events: RunEvents, warmup: float, replaced_by: str | None) -> None:
        self._phases, self._events, self._warmup = phases, events, warmup
        self._replaced_by = replaced_by
        self._losses: list[float] = []

    def add(self, step: int, loss: float, learning_rate: float, norm: float | None = None) -> None:
        """Check and log a step; call it before the optimizer changes the weights.

        Args:
            step: the step's number, from 1.
            loss: the mean loss of the batch.
            learning_rate: the learning rate.
            norm: the 2-norm of the gradient, if known.

        Raises:
            RunError: the loss or the norm isn't finite.
        """
        self.check_finite(step, "the loss", loss)
        if norm is not None:
            self.check_finite(step, "the norm of the gradient", norm)
        self._losses.append(loss)
        if len(self._losses) % max(1, self._phases.steps_per_epoch // _LOSSES_PER_EPOCH) == 0:
            self._events.log_step(step, loss, learning_rate)

    def check_finite(self, step: int, quantity: str, value: float) -> None:
        """Stop training if a number of a step isn't finite, before that step changes the weights.

        Raises:
            RunError: it isn't.
        """
        if not math.isfinite(value):
            epoch = (step - 1) // self._phases.steps_per_epoch + 1
            raise RunError(
                f"{quantity} became {value} at step {step} (epoch {epoch}), and training stopped before that step "
                f"changed the weights. {self.advice(epoch)}"
            )

    def advice(self, epoch: int) -> str:
        """Return advice against a loss that isn't finite in an epoch, counted from 1."""
        rate = self._phases.peak_rate(epoch)
        advice = f"A lower learning_rate (now {rate:g}) or some warmup (now {self._warmup:g}) usually helps."
        return advice if self._replaced_by is None else f"{advice} The steps were changed by: {self._replaced_by}."

    def take_mean(self) -> float:
        """Return the mean of the losses since the last call."""
        losses, self._losses = self._losses, []
        return sum(losses) / len(losses)


class StepResults:
    """Losses and gradient norms on their device: checked, logged and shown, on a GPU twenty steps at a time.

    From the first step on whose loss or gradient isn't finite, no step changes the weights, even if it is read later:
    the optimizer gets ``broken`` as ``found_inf``.

    Args:
        log: the log of the steps.
        bar: the progress bar.
        device: the device of the losses.
        unseen: the number of steps that are read at once; by default 1 on a CPU and 20 on a GPU.
    """

    def __init__(self, log: StepLog, bar: Bar, device: torch.device, unseen: int | None = None) -> None:
        self._log = log
        self._bar = bar
        self._unseen = unseen or (1 if device.type == "cpu" else _STEPS_UNSEEN_ON_A_GPU)
        self._waiting: list[tuple[int, float, Tensor]] = []
        self.broken = torch.zeros((), device=device)
        """1 after the first step that isn't finite, else 0; a float32 scalar on the device."""

    def add(self, step: int, learning_rate: float, loss: Tensor, norm: Tensor) -> None:
        """Add a step; call it before the optimizer's step.

        Args:
            step: the step's number, from 1.
            learning_rate: the learning rate.
            loss: the mean loss of the batch, a scalar.
            norm: the 2-norm of the gradient, a scalar.

        Raises:
            RunError: a step that is read now isn't finite.
        """
        if self._unseen == 1:
            self._tell(step, learning_rate, loss.item(), norm.item())
            return
        both = torch.stack([loss.detach().float(), norm.detach().float()])
        self.broken = torch.maximum(self.broken, (~both.isfinite().all()).float())
        self._waiting.append((step, learning_rate, both))
        if len(self._waiting) >= self._unseen:
            self.look()

    def look(self) -> None:
        """Read, check and log all waiting steps.

        Raises:
            RunError: a step isn't finite.
        """
        if not self._waiting:
            return
        steps, self._waiting = self._waiting, []
        numbers = torch.stack([both for *_, both in steps]).tolist()
        for (step, learning_rate, _), (loss, norm) in zip(steps, numbers, strict=True):
            self._tell(step, learning_rate, loss, norm)

    def _tell(self, step: int, learning_rate: float, loss: float, norm: float) -> None:
        self._log.add(step, loss, learning_rate, norm)
        self._bar.advance(note=f"loss {loss:.3f}")

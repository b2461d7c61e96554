"""What steps gave: checked, kept for the history, looked at a few at a time."""

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

# A GPU works on while the next steps are prepared; to look at a number is to wait for it.
_STEPS_UNSEEN_ON_A_GPU = 20


class StepLog:
    """Checks what the steps of a run give, and keeps the losses of an epoch."""

    def __init__(self, phases: TrainingPhases, events: RunEvents, warmup: float) -> None:
        self._phases, self._events, self._warmup = phases, events, warmup
        self._losses: list[float] = []

    def add(self, step: int, loss: float, learning_rate: float, norm: float | None = None) -> None:
        """Keep what a step gave.

        Args:
            step: its number, from 1.
            loss: the mean loss of its batch.
            learning_rate: the rate that it uses.
            norm: the 2-norm of its gradient, where that is known.

        Raises:
            RunError: loss or norm isn't finite; the step must not have changed the weights.
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
        """Return what to do about a number of an epoch, counted from 1, that isn't finite."""
        rate = self._phases.peak_rate(epoch)
        return f"A lower learning_rate (now {rate:g}) or some warmup (now {self._warmup:g}) usually mends it."

    def take_mean(self) -> float:
        """Return the mean of the losses since this was last called."""
        losses, self._losses = self._losses, []
        return sum(losses) / len(losses)


class StepResults:
    """Losses and gradient norms of steps: checked, logged and shown, on a GPU twenty at a time.

    A step whose loss or gradient isn't finite changes no weight, however late it is seen, nor does any after it:
    ``broken`` stands beside the optimizer's step (``optimizer.found_inf``).

    Args:
        log: gets each step.
        bar: shows each.
        device: where they are computed.
        unseen: how many steps may go by before they are looked at; 1 on a CPU if not set.
    """

    def __init__(self, log: StepLog, bar: Bar, device: torch.device, unseen: int | None = None) -> None:
        self._log = log
        self._bar = bar
        self._unseen = unseen or (1 if device.type == "cpu" else _STEPS_UNSEEN_ON_A_GPU)
        self._waiting: list[tuple[int, float, Tensor]] = []
        self.broken = torch.zeros((), device=device)
        """1 from the first step on that isn't finite, else 0; float32, on the device."""

    def add(self, step: int, learning_rate: float, loss: Tensor, norm: Tensor) -> None:
        """Take in a step, before the optimizer's step.

        Args:
            step: its number, from 1.
            learning_rate: the rate that it uses.
            loss: the mean loss of its batch, a scalar.
            norm: the 2-norm of its gradient, a scalar.

        Raises:
            RunError: a step that is looked at now isn't finite.
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
        """Look at all that wasn't looked at.

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

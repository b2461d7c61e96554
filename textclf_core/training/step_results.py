"""What steps gave, looked at a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from textclf_core.training.session import TrainingSession
    from textclf_core.types.progress import Bar

# A GPU works on while the next steps are prepared; to look at a number is to wait for it.
_STEPS_UNSEEN_ON_A_GPU = 20


class StepResults:
    """Losses and gradient norms of steps: checked, told to the session and shown, on a GPU twenty at a time.

    A step whose loss or gradient isn't finite changes no weight, however late it is seen, nor does any after it:
    ``broken`` stands beside the optimizer's step (``optimizer.found_inf``).

    Args:
        session: is told of each step.
        bar: shows each.
        device: where they are computed.
        unseen: how many steps may go by before they are looked at; 1 on a CPU if not set.
    """

    def __init__(self, session: TrainingSession, bar: Bar, device: torch.device, unseen: int | None = None) -> None:
        self._session = session
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
        self._session.check_finite(step, "the loss", loss)
        self._session.check_finite(step, "the norm of the gradient", norm)
        self._session.step_done(step, loss, learning_rate)
        self._bar.advance(note=f"loss {loss:.3f}")

"""A training step, as a plugin sees it that changes its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class TrainingStep(Protocol):
    """A step between its backward passes and the optimizer; ``textclf_gradient`` gets it."""

    @property
    def number(self) -> int:
        """The number of the step in the run, from 1."""
        ...

    def add_gradients(self, losses: Callable[[Callable[[int], Tensor], Tensor], Tensor] | None = None) -> None:
        """Repeat the passes over the batch with the present parameters, and add the gradients to the existing ones.

        The batch is computed in the same micro-batches, and the losses are weighted as those of the step.

        Args:
            losses: a function of ``forward`` and ``labels`` that returns one loss per label, in the shape of
                ``labels``, for a micro-batch. ``forward(0)`` returns the logits with the step's own dropout masks,
                ``forward(1)`` with others, and so on; logits and labels are those of ``textclf_loss``. By default the
                loss of the run, of ``forward(0)``.

        Raises:
            RunError: the losses have another shape, or no gradient.
        """
        ...

    def clear_gradients(self) -> None:
        """Remove the gradients of all parameters."""
        ...

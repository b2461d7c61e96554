"""The plan of training that a trainer gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from textclf_core.encoder.encoder import Encoder
    from textclf_core.types.phases import Change, FinishedEpoch, Phase
    from textclf_core.types.task import Task


class Plan(Protocol):
    """The phases of a training run, the decisions of plugins during it, and the parts of its steps they replace."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases in order; a single one without further freezing if no plugin plans phases."""
        ...

    @property
    def epochs(self) -> int:
        """The total number of epochs of all phases."""
        ...

    @property
    def planned_by(self) -> str | None:
        """The plugins that plan training, with all their options; ``None`` if there are none."""
        ...

    @property
    def measures_gradients(self) -> bool:
        """Whether a plugin needs gradient norms, which cost memory and time."""
        ...

    def rate_factors(self, encoder: Encoder) -> dict[str, float]:
        """Return the factors of the learning rate that aren't 1, by parameter name."""
        ...

    def interval_finished(self, encoder: Encoder, gradient_norms: Sequence[Mapping[int, float]]) -> tuple[str, ...]:
        """Return the names of the parameters to freeze after an interval; see ``textclf_interval_finished``."""
        ...

    def epoch_finished(self, encoder: Encoder, epochs: Sequence[FinishedEpoch]) -> Change:
        """Return the change after an epoch; see ``textclf_epoch_finished``."""
        ...

    @property
    def steps_replaced_by(self) -> str | None:
        """The plugins that replace a part of the steps, with all their options; ``None`` if there are none."""
        ...

    def replaces(self, hook: str) -> bool:
        """Return whether a plugin replaces a part of the steps by this hook, such as ``textclf_loss``."""
        ...

    def losses(self, logits: Tensor, labels: Tensor, task: Task, class_counts: Tensor) -> Tensor | None:
        """Return the losses of a batch; ``None`` if the trainer's own loss is used; see ``textclf_loss``."""
        ...

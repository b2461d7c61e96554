"""The plan of training that a trainer gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor
    from torch.optim import Optimizer

    from textclf_core.encoder.encoder import Encoder
    from textclf_core.types.phases import Change, FinishedEpoch, Phase
    from textclf_core.types.recipe import Recipe
    from textclf_core.types.task import Task
    from textclf_core.types.training_step import TrainingStep


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

    def training_rows(self, train: Dataset, task: Task, epoch: int, seed: int) -> Dataset:
        """Return the rows of an epoch, counted from 1; ``train`` itself unless a plugin chooses or changes them."""
        ...

    def losses(self, logits: Tensor, labels: Tensor, task: Task, class_counts: Tensor) -> Tensor | None:
        """Return the losses of a batch; ``None`` if the trainer's own loss is used; see ``textclf_loss``."""
        ...

    def change_gradient(self, encoder: Encoder, step: TrainingStep) -> None:
        """Let the plugins change the gradient of a step; see ``textclf_gradient``."""
        ...

    def optimizer(self, groups: Sequence[dict[str, Any]], recipe: Recipe) -> Optimizer | None:
        """Return the optimizer of a plugin; ``None`` if the trainer's own is used; see ``textclf_optimizer``."""
        ...

    def schedule(self, step: int, warmup_steps: int, total_steps: int) -> float:
        """Return the fraction of the peak learning rate at a step; see ``textclf_schedule``."""
        ...

"""Training, as a trainer is given it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from textclf_core.encoder.encoder import Encoder
    from textclf_core.types.phases import Change, FinishedEpoch, Phase


class Plan(Protocol):
    """The phases of a training run, and the answers of the plugins that decide during it."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases in their order; one, without freezing of its own, where no plugin plans any."""
        ...

    @property
    def epochs(self) -> int:
        """The epochs of all phases."""
        ...

    @property
    def planned_by(self) -> str | None:
        """The plugins that decide, with all of their options; ``None`` in a plain run."""
        ...

    @property
    def measures_gradients(self) -> bool:
        """Whether a plugin needs the gradients' norms, which cost memory and time."""
        ...

    def rate_factors(self, encoder: Encoder) -> dict[str, float]:
        """Return what the learning rate is multiplied with, by parameter name, where it isn't by 1."""
        ...

    def interval_finished(self, encoder: Encoder, gradient_norms: Sequence[Mapping[int, float]]) -> tuple[str, ...]:
        """Return the names of what is frozen after an interval; see ``textclf_interval_finished``."""
        ...

    def epoch_finished(self, encoder: Encoder, epochs: Sequence[FinishedEpoch]) -> Change:
        """Return what is to change after an epoch; see ``textclf_epoch_finished``."""
        ...

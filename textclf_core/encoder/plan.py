"""The plan of training that a trainer gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from textclf_core.encoder.encoder import Encoder
    from textclf_core.types.phases import Change, FinishedEpoch, Phase


class Plan(Protocol):
    """The phases of a training run, and the decisions of plugins during it."""

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

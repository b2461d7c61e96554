"""What leaves a run while it goes on: the one way out beside its outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from textclf_core.types.meter import Meter
from textclf_core.types.phases import PhaseRecord

History = Sequence[dict[str, Any]]
"""The rows of ``history.jsonl``: steps and epochs, each with its ``step``."""


@dataclass
class RunEvents:
    """Collects what a run tells as it goes on; a run's record, its history file and its log are made of it.

    Attributes:
        meter: seconds by stage, counts of work, use of the cache.
        notes: what was logged at level INFO or above, each message once, in its order.
        phases: the phases of training so far, the last as far as it came.
        history: the rows of steps and epochs so far.
        listeners: called with the history at the end of each epoch.
    """

    meter: Meter = field(default_factory=Meter)
    notes: list[str] = field(default_factory=list)
    phases: tuple[PhaseRecord, ...] = ()
    history: list[dict[str, Any]] = field(default_factory=list)
    listeners: list[Callable[[History], None]] = field(default_factory=list)

    def note(self, message: str) -> None:
        """Keep a message for the record, if it is new."""
        if message not in self.notes:
            self.notes.append(message)

    def log_step(self, step: int, loss: float, learning_rate: float) -> None:
        """Add a step to the history.

        Args:
            step: its number, from 1.
            loss: the mean loss of its batch.
            learning_rate: the rate that it used.
        """
        self.history.append({"step": step, "loss": loss, "learning_rate": learning_rate})

    def log_epoch(self, row: dict[str, Any]) -> None:
        """Add an epoch that is over to the history, with ``epoch`` (from 1), ``step`` and its numbers by name."""
        self.history.append(row)
        for listener in self.listeners:
            listener(self.history)

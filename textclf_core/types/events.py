"""The events of a run: apart from its outcome, nothing else leaves a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from textclf_core.types.meter import Meter
from textclf_core.types.phases import PhaseRecord
from textclf_core.types.record import Fact

History = Sequence[dict[str, Any]]
"""The rows of ``history.jsonl``: steps and epochs, each with its ``step``; those of epochs have an ``epoch`` too."""

Listener = Callable[[History, History], None]
"""A function that is called with the whole history and its new rows: one, or all when a checkpoint is restored."""


@dataclass
class RunEvents:
    """Collect the events of a run, from which its record, its history file and its log are made.

    Attributes:
        meter: seconds by stage, counts of work, use of the cache.
        notes: the messages logged at level INFO or above, without repetitions, in order.
        phases: the phases of training so far; the last one may be incomplete.
        facts: what the trainer recorded, by name.
        history: the rows of the steps and epochs so far.
        listeners: functions that are called whenever the history changes.
    """

    meter: Meter = field(default_factory=Meter)
    notes: list[str] = field(default_factory=list)
    phases: tuple[PhaseRecord, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)

    def note(self, message: str) -> None:
        """Add a message to the record's notes, unless it is there already."""
        if message not in self.notes:
            self.notes.append(message)

    def log_step(self, step: int, loss: float, learning_rate: float) -> None:
        """Add a step to the history.

        Args:
            step: the step's number, from 1.
            loss: the mean loss of its batch.
            learning_rate: the learning rate of the step.
        """
        self._log({"step": step, "loss": loss, "learning_rate": learning_rate})

    def log_epoch(self, row: dict[str, Any]) -> None:
        """Add a finished epoch to the history: ``epoch`` (from 1), ``step``, and its numbers by name."""
        self._log(row)

    def restore_history(self, history: History) -> None:
        """Replace the history, as by that of a checkpoint."""
        self.history[:] = history
        self._notify(self.history)

    def _log(self, row: dict[str, Any]) -> None:
        self.history.append(row)
        self._notify([row])

    def _notify(self, new: History) -> None:
        for listener in self.listeners:
            listener(self.history, new)

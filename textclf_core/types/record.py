"""What an observer can read of a run's record, and what a record can hold of a plugin's own."""

from __future__ import annotations

from typing import Any, Protocol

Fact = str | int | float | bool | None
"""What a record can hold of a plugin's own."""


class RecordedPlugin(Protocol):
    """One active plugin, as the record keeps it."""

    @property
    def name(self) -> str:
        """The name in a spec."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """What it does: ``dataset``, ``model``, ``strategy`` and so on."""
        ...

    @property
    def distribution(self) -> str:
        """What brings it: a distribution, or ``file PATH``."""
        ...

    @property
    def version(self) -> str | None:
        """The distribution's version; a file has none."""
        ...

    @property
    def options(self) -> dict[str, Any]:
        """Every option with its value."""
        ...


class RecordedCost(Protocol):
    """What a run cost, as the record keeps it; ``None`` where a trainer doesn't count it."""

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time by stage; ``total`` is the whole run."""
        ...

    @property
    def train_flops(self) -> float | None:
        """FLOPs of the forward and backward passes of training."""
        ...

    @property
    def peak_memory_bytes(self) -> int:
        """Largest resident set of the process during the run (on a GPU: largest allocation there)."""
        ...

    @property
    def trainable_parameters(self) -> int | None:
        """How many numbers training could change."""
        ...

    @property
    def total_parameters(self) -> int | None:
        """How many numbers the model has."""
        ...

    @property
    def artifact_bytes(self) -> int:
        """Size of the saved model."""
        ...

    @property
    def latency_seconds(self) -> float:
        """Median time to score one example on its own."""
        ...


class RunRecord(Protocol):
    """What was asked of a run, and what came of it: the part of ``record.json`` that a tracker tells of.

    All of it is :class:`textclf_core.records.schema.Record`, which is what an observer gets.
    """

    @property
    def id(self) -> str:
        """The name of the run's directory."""
        ...

    @property
    def label(self) -> str:
        """What tells the run from others: its strategies, or how a comparison called it."""
        ...

    @property
    def started(self) -> str:
        """When, in UTC (ISO 8601)."""
        ...

    @property
    def finished(self) -> str:
        """When, in UTC (ISO 8601)."""
        ...

    @property
    def command(self) -> str | None:
        """The command line that asked for it; ``None`` for a call from Python."""
        ...

    @property
    def seed(self) -> int:
        """Decided the head, the order of the examples and the dropout."""
        ...

    @property
    def data_seed(self) -> int:
        """Decided held-out splits and samples."""
        ...

    @property
    def plugins(self) -> tuple[RecordedPlugin, ...]:
        """The active plugins, in the order in which their hooks were called."""
        ...

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """Numbers by split (``validation``, ``test``) and name."""
        ...

    @property
    def cost(self) -> RecordedCost:
        """What it took."""
        ...

    @property
    def environment(self) -> dict[str, str]:
        """Versions of Python and of the packages that compute, the platform, the device, the threads."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the run told its user, warnings included."""
        ...

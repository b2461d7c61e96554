"""What observers get: a run that has started, its record, a comparison; and the facts that plugins add to a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Fact = str | int | float | bool | None
"""A value that a plugin can add to the record."""


class RecordedPlugin(Protocol):
    """An active plugin, as recorded."""

    @property
    def name(self) -> str:
        """The name in a spec."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """Its roles: ``dataset``, ``model``, ``strategy`` and so on."""
        ...

    @property
    def distribution(self) -> str:
        """The distribution that it comes from, or ``file PATH``."""
        ...

    @property
    def version(self) -> str | None:
        """The distribution's version; ``None`` for a file."""
        ...

    @property
    def options(self) -> dict[str, Any]:
        """Every option with its value."""
        ...


class RecordedCost(Protocol):
    """The cost of a run, as recorded; ``None`` for what the trainer doesn't count."""

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time by stage; ``total`` is the whole run."""
        ...

    @property
    def train_flops(self) -> float | None:
        """FLOPs of the forward and backward passes of training."""
        ...

    @property
    def adapt_flops(self) -> float | None:
        """FLOPs of adapting the model before training on labels."""
        ...

    @property
    def peak_memory_bytes(self) -> int:
        """Peak resident set size of the process during the run; on a GPU, the peak allocation there."""
        ...

    @property
    def trainable_parameters(self) -> int | None:
        """The number of trainable parameters."""
        ...

    @property
    def total_parameters(self) -> int | None:
        """The number of the model's parameters."""
        ...

    @property
    def artifact_bytes(self) -> int:
        """Size of the saved model."""
        ...

    @property
    def latency_seconds(self) -> float:
        """Median time to score a single example."""
        ...


class RunRecord(Protocol):
    """The inputs and results of a run: the part of ``record.json`` that a tracker or a report needs.

    A plugin gets a :class:`textclf_core.records.schema.Record`, which has all fields.
    """

    @property
    def id(self) -> str:
        """The name of the run's directory."""
        ...

    @property
    def label(self) -> str:
        """The run's strategies, or the contender's name in a comparison."""
        ...

    @property
    def started(self) -> str:
        """When the run started, in UTC (ISO 8601)."""
        ...

    @property
    def finished(self) -> str:
        """When the run finished, in UTC (ISO 8601)."""
        ...

    @property
    def command(self) -> str | None:
        """The command line of the run; ``None`` for a call from Python."""
        ...

    @property
    def seed(self) -> int:
        """The seed of the head's initial weights, the order of the examples and dropout."""
        ...

    @property
    def data_seed(self) -> int:
        """The seed of held-out splits and samples."""
        ...

    @property
    def plugins(self) -> tuple[RecordedPlugin, ...]:
        """The active plugins, in the order in which their hooks were called."""
        ...

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """The metrics by split (``validation``, ``test``) and name."""
        ...

    @property
    def cost(self) -> RecordedCost:
        """The cost of the run."""
        ...

    @property
    def facts(self) -> dict[str, Fact]:
        """What the trainer recorded by :meth:`textclf_core.Workspace.add_facts`, by name."""
        ...

    @property
    def environment(self) -> dict[str, str]:
        """Versions of Python and of the packages that compute, the platform, the device, the number of threads."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """The messages that the run logged, warnings included."""
        ...


@dataclass(frozen=True, kw_only=True)
class StartedRun:
    """A run whose training is about to start.

    Attributes:
        id: the name of the run's directory, which no other run in the same folder has.
        label: the run's strategies, or the contender's name in a comparison.
        started: when the run started, in UTC (ISO 8601).
        seed: the seed of the head's initial weights, the order of the examples and dropout.
        data_seed: the seed of held-out splits and samples.
        plugins: the active plugins, in the order in which their hooks are called.
        comparison: the name of the comparison that the run belongs to: that of the folder, the beginning of the test
            rows' hash, and the number of training rows. It is the same for all its contenders and seeds, and whenever
            it is continued. ``None`` for a run alone.
    """

    id: str
    label: str
    started: str
    seed: int
    data_seed: int
    plugins: tuple[RecordedPlugin, ...]
    comparison: str | None = None


@dataclass(frozen=True, kw_only=True)
class FinishedComparison:
    """A comparison of which all cells have run.

    Attributes:
        name: its name, as in :class:`StartedRun`; the name of the folder alone if the contenders' data differ.
        records: the records of its finished runs, contender by contender.
        failed: for each failed run, the contender's name, the seed and the message of the error.
        recommended: the name of the recommended contender; ``None`` if no runs can be compared.
        report: the content of the report by contender, as ``textclf compare --format json`` prints it.
        directory: the folder of the runs' directories.
    """

    name: str
    records: tuple[RunRecord, ...]
    failed: tuple[tuple[str, int, str], ...]
    recommended: str | None
    report: tuple[Mapping[str, Any], ...]
    directory: Path

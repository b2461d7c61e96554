"""The specification and the outcome of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.errors import TextclfError
from textclf_core.records.schema import CostEstimate, Record, Tuning

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.data import PreparedData
    from textclf_core.plugins import ActivePlugins


@dataclass(frozen=True)
class InMemoryData:
    """Data that a run uses in place of a dataset plugin; two are equal if their fingerprints are.

    Attributes:
        fingerprint: identifies the data.
        data: the argument or the result of :func:`textclf_core.data.prepare`.
    """

    fingerprint: str
    data: DatasetDict | PreparedData = field(compare=False, repr=False)

    @classmethod
    def of(cls, data: DatasetDict) -> InMemoryData:
        """Return unprepared data, with the fingerprints that ``datasets`` assigns to them."""
        return cls(" ".join(f"{name}:{split._fingerprint}" for name, split in data.items()), data)


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """The specification of a run, which can be compared, hashed and pickled.

    Attributes:
        plugins: the active plugins, one for each exclusive role.
        data: data in memory, used in place of a dataset plugin.
        seed: the seed of the head's initial weights, the order of the examples and dropout.
        data_seed: the seed of held-out splits and samples.
        output: the folder of the run directories.
        device: a torch device, or ``auto``.
        cache: the cache's folder; the user's cache if not set.
        command: the command line of the run, for the record.
        id: the name of the run directory; made of time, strategy and seed if not set.
        label: the contender's name in a comparison.
        comparison: the name of the comparison that it belongs to, for observers.
        left_out: plugins of a comparison's base that this run doesn't need, for the record.
        replace: whether to replace an earlier run with the same ``id``; otherwise a number is appended.
        superseded: keys of cache stores that are no longer needed; they are removed when this run writes a store.
        expected: the estimated cost from a pilot run, for the record.
        tuning: the tuning of options, for the record.
        looks: the numbers of seeds at which the comparison looks at its results, for the record.
        prove: whether to load the saved model and compare it with the trained one; once per contender in a comparison.
        pilot: whether this is a pilot run; see ``Workspace.pilot``.
        beside: how many other runs may run on the same machine at the same time, for the record; ``None`` if unknown.
    """

    plugins: ActivePlugins
    data: InMemoryData | None = None
    seed: int = 0
    data_seed: int = 0
    output: Path = Path("runs")
    device: str = "auto"
    cache: Path | None = None
    command: str | None = None
    id: str | None = None
    label: str | None = None
    comparison: str | None = None
    left_out: tuple[str, ...] = ()
    replace: bool = False
    superseded: tuple[str, ...] = ()
    expected: CostEstimate | None = None
    tuning: Tuning | None = None
    looks: tuple[int, ...] = ()
    prove: bool = True
    pilot: bool = False
    beside: int | None = 0


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A finished run.

    Attributes:
        spec: the specification of the run.
        directory: the run directory.
        record: the content of its ``record.json``.
        stores: the keys of the cache stores that its frozen prefixes were read from.
    """

    spec: RunSpec
    directory: Path
    record: Record
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FailedRun:
    """A failed run.

    Attributes:
        spec: the specification of the run.
        error: the reason; its notes say where the files written so far are.
    """

    spec: RunSpec
    error: TextclfError


RunOutcome = FinishedRun | FailedRun
"""The outcome of a run."""

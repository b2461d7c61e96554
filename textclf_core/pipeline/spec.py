"""What goes into a run, and what comes out."""

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
    """Data that a run is given instead of asking its dataset plugin; equal where the fingerprints are.

    Attributes:
        fingerprint: tells them from any other.
        data: as :func:`textclf_core.data.prepare` takes them, or what it returned.
    """

    fingerprint: str
    data: DatasetDict | PreparedData = field(compare=False, repr=False)

    @classmethod
    def of(cls, data: DatasetDict) -> InMemoryData:
        """Return data that aren't prepared yet, under the fingerprints that ``datasets`` keeps of them."""
        return cls(" ".join(f"{name}:{split._fingerprint}" for name, split in data.items()), data)


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Everything that a run is asked for. Plain: it can be compared, hashed and sent to another process.

    Attributes:
        plugins: the active plugins, one for each exclusive role.
        data: data in memory; the dataset plugin isn't asked then.
        seed: decides the head, the order of the examples and the dropout.
        data_seed: decides held-out splits and samples.
        output: the folder that gets the run's directory.
        device: a torch device, or ``auto``.
        cache: the folder of what runs share; the user's cache if not set.
        command: the command line that asked for it, for the record.
        id: the name of the run's directory; time, strategy and seed if not set.
        label: how a comparison calls it.
        left_out: plugins of a comparison's base that this run has no use for, for the record.
        replace: take the place of an earlier run of the same ``id``; else the new one gets a number.
        superseded: stores of the cache that nobody waits for; they go when this run has written one of its own.
        expected: what a pilot run expected it to take, for the record.
        tuning: how the value of a tuned option was found, for the record.
        prove: load what was saved and compare it with what was trained; a comparison does so once a contender.
        pilot: it is run to find out what runs will take; see ``Workspace.pilot``.
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
    left_out: tuple[str, ...] = ()
    replace: bool = False
    superseded: tuple[str, ...] = ()
    expected: CostEstimate | None = None
    tuning: Tuning | None = None
    prove: bool = True
    pilot: bool = False


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run that is on disk, whole.

    Attributes:
        spec: what was asked for.
        directory: the run's directory.
        record: what its ``record.json`` holds.
        stores: the stores of the cache that its frozen prefixes were taken from.
    """

    spec: RunSpec
    directory: Path
    record: Record
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FailedRun:
    """A run that came to no end, with the reason; the error says what is left of it.

    Attributes:
        spec: what was asked for.
        error: the reason.
    """

    spec: RunSpec
    error: TextclfError


RunOutcome = FinishedRun | FailedRun
"""What comes of a run."""

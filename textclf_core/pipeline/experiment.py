"""What to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.cache import CacheFolder
from textclf_core.data import PreparedData
from textclf_core.plugins import ActivePlugins
from textclf_core.records.schema import (
    Expected,
    Tuning,
)

if TYPE_CHECKING:
    from datasets import DatasetDict


@dataclass(frozen=True)
class Experiment:
    """What to run.

    Attributes:
        plugins: the active plugins, one for each exclusive role.
        data: data in memory, or prepared before; the dataset plugin isn't asked then.
        id: the name of the run's directory; time, strategy and seed if not set.
        label: how a comparison calls it.
        seed: decides the head, the order of the examples and the dropout.
        data_seed: decides carved splits and samples.
        output: the folder that gets the run's directory.
        device: a torch device, or ``auto``.
        command: the command line that asked for it, for the record.
        left_out: plugins of a comparison's base that this run has no use for, for the record.
        replace: take the place of a run of the same ``id``; else the new one gets a number.
        cache: what runs share; the user's cache if not set.
        expected: what a probe expected it to take, for the record.
        tuning: how the value of a tuned option was found, for the record.
        prove: load what was saved and compare it with what was trained; a comparison does so once a contender.
        probe: it is run to find out what runs will take; see ``Workspace.probe``.
    """

    plugins: ActivePlugins
    data: DatasetDict | PreparedData | None = None
    seed: int = 0
    data_seed: int = 0
    output: Path = Path("runs")
    device: str = "auto"
    command: str | None = None
    id: str | None = None
    label: str | None = None
    left_out: tuple[str, ...] = ()
    replace: bool = False
    cache: CacheFolder | None = None
    expected: Expected | None = None
    tuning: Tuning | None = None
    prove: bool = True
    probe: bool = False

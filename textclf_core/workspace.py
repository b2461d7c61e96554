"""Where a run writes and computes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workspace:
    """The places of one run.

    ``directory`` becomes the run directory when the run is whole; what a plugin writes there stays.
    ``device`` is a torch device string. Only ``rank`` 0 writes.
    """

    directory: Path
    device: str = "cpu"
    rank: int = 0

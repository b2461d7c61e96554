"""Where a run writes and computes, and what it spends."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from textclf_core.cache import CacheFolder
from textclf_core.cost import Meter


@dataclass(frozen=True)
class Workspace:
    """The places of one run.

    Attributes:
        directory: becomes the run directory when the run is whole; what a plugin writes there stays.
        device: a torch device string: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        rank: this process among those that share the run. Only rank 0 writes.
        meter: counts time and work; a trainer that counts its batches gets its throughput and FLOPs reported.
        cache: what runs share, on disk; one for all runs of a user unless another is asked for.
    """

    directory: Path
    device: str = "cpu"
    rank: int = 0
    meter: Meter = field(default_factory=Meter)
    cache: CacheFolder = field(default_factory=CacheFolder)

"""The environment of a run: its directory, device, events and cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from numbers import Integral, Real
from pathlib import Path

from textclf_core.cache import CacheFolder
from textclf_core.cache.keys import Conditions, product_key
from textclf_core.system.code import code_of
from textclf_core.types.events import RunEvents
from textclf_core.types.meter import Meter
from textclf_core.types.record import Fact


@dataclass(frozen=True)
class Workspace:
    """Where a run writes, computes and caches.

    Attributes:
        directory: becomes the run directory when the run is finished; files that a plugin writes there stay.
        device: a torch device string: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        rank: this process's number among those that share the run. Only rank 0 writes.
        events: collects cost, notes and history during the run.
        cache: the cache on disk that runs share; by default one per user.
        pilot: whether this is a pilot run on a few rows, from which the cost of the real runs is estimated. Work that
            doesn't depend on the number of rows does only a few steps then, and passes the estimated time of the
            others to ``meter.skip``.
    """

    directory: Path
    device: str = "cpu"
    rank: int = 0
    events: RunEvents = field(default_factory=RunEvents)
    cache: CacheFolder = field(default_factory=CacheFolder)
    pilot: bool = False

    @property
    def meter(self) -> Meter:
        """The counters of time and work; throughput and FLOPs are reported for trainers that count their batches."""
        return self.events.meter

    def add_facts(self, **facts: Fact) -> None:
        """Add facts of the training to the record, which reports show: ``workspace.add_facts(trees=100)``.

        A number that isn't finite is recorded as ``None``. A fact that is added again replaces the earlier one.

        Raises:
            TypeError: a fact is neither text, number, bool nor ``None``.
        """
        self.events.facts.update({name: _plain(name, value) for name, value in facts.items()})

    @contextmanager
    def reuse(self, key: Mapping[str, object], make: Callable[[Path], None], about: str) -> Iterator[Path]:
        """Yield a folder that runs share; the first run that asks for it makes it.

        The folder lies in the cache: it counts towards the cache's limit, and ``textclf cache`` lists it. If it is
        larger than the limit, it is removed when the block ends. Other processes that ask for the same folder wait.

        Args:
            key: everything that could change the folder's content, as JSON values: weights (by a hash), data, options.
                The device, the versions of torch and transformers and the code of ``make`` are added to it.
            make: fills the empty folder it is given with files, not subfolders.
            about: a description of the content, for the user.

        Raises:
            TypeError: JSON can't hold something in the key.
        """
        from textclf_core.system.environment import device_facts  # torch takes a second to import

        conditions = Conditions(
            versions={name: version(name) for name in ("torch", "transformers")},
            device=device_facts(self.device),
            code=[code_of(make.__module__) or make.__module__],
        )
        digest = product_key(conditions, key)

        def make_and_count(folder: Path) -> None:
            make(folder)
            self.meter.cache_bytes += sum(path.stat().st_size for path in folder.iterdir())

        with self.cache.product(digest, make_and_count, about) as folder:
            yield folder


def _plain(name: str, value: object) -> Fact:
    """Return a fact as JSON holds it; NumPy's numbers are numbers too."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    raise TypeError(f"the fact {name!r} must be str, int, float, bool or None, not {value!r}")

"""Where a run writes and computes, what it spends, and what it shares with others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from textclf_core.cache import CacheFolder
from textclf_core.cache.keys import Conditions, product_key
from textclf_core.system.code import code_of
from textclf_core.types.events import RunEvents
from textclf_core.types.meter import Meter


@dataclass(frozen=True)
class Workspace:
    """The places of one run.

    Attributes:
        directory: becomes the run directory when the run is whole; what a plugin writes there stays.
        device: a torch device string: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        rank: this process among those that share the run. Only rank 0 writes.
        events: takes what leaves the run as it goes on: what it spends, how training goes on.
        cache: what runs share, on disk; one for all runs of a user unless another is asked for.
        pilot: the run is one on a few rows, to find out what the real ones will take. Work that the rows don't bound
            does a few steps then, and tells ``meter.skip`` what the others would take.
    """

    directory: Path
    device: str = "cpu"
    rank: int = 0
    events: RunEvents = field(default_factory=RunEvents)
    cache: CacheFolder = field(default_factory=CacheFolder)
    pilot: bool = False

    @property
    def meter(self) -> Meter:
        """Counts time and work; a trainer that counts its batches gets its throughput and FLOPs reported."""
        return self.events.meter

    @contextmanager
    def reuse(self, key: Mapping[str, object], make: Callable[[Path], None], about: str) -> Iterator[Path]:
        """Hand out a folder that runs share, made by the first that asks for it, while the block runs.

        It lies in the cache: bounded with the rest of it, and listed by ``textclf cache``. Where it is too large for
        the cache, it goes when the block ends. Other processes that want the same folder wait.

        Args:
            key: everything that could change what is in the folder, as JSON has it: weights (by a hash), data,
                options. The device, the versions of torch and transformers and the code of ``make`` are added to it.
            make: fills the folder, which is empty; without folders of its own.
            about: what is in it, for a person.

        Raises:
            TypeError: something in the key is none of JSON's.
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

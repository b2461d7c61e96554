"""The cells of a comparison: a contender at a seed, and the key of everything that could change its result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from textclf_core.cache.keys import Conditions, cell_key
from textclf_core.comparison.contenders import Contender
from textclf_core.data.sampling import TrainSize
from textclf_core.plugins.provenance import dependencies, option_contents, plugin_facts
from textclf_core.records.schema import RECORD_FILE
from textclf_core.system.code import distribution_code

# What computes, whichever plugins there are; a new version of any of them may give other bits.
_ENGINES = (
    "textclf-core",
    "torch",
    "transformers",
    "tokenizers",
    "accelerate",
    "datasets",
    "numpy",
    "scipy",
    "scikit-learn",
)


@dataclass(frozen=True)
class Cell:
    """One contender at one seed.

    ``id`` names its run directory; it ends in the start of ``key``, so that two cells that could differ never share
    one.
    """

    contender: Contender
    seed: int
    key: str
    train_size: TrainSize | None = None

    @property
    def id(self) -> str:
        """The name of the run directory: label, seed, start of the key."""
        slug = re.sub(r"[^A-Za-z0-9.+=-]+", "-", self.contender.label)[:80]
        size = f"-{str(self.train_size).replace('/', '-per-').replace('%', '-percent')}" if self.train_size else ""
        return f"{slug}{size}-s{self.seed}-{self.key[:12]}"

    @property
    def name(self) -> str:
        """The cell as a person is told of it: label, size of train where it isn't all, seed."""
        return f"{self.line} seed {self.seed}"

    @property
    def line(self) -> str:
        """The cell without its seed: label, and size of train where it isn't all."""
        return f"{self.contender.label} at {self.train_size}" if self.train_size else self.contender.label

    def finished_in(self, output: Path) -> Path | None:
        """Return the directory of the finished run, or ``None``. It is whole if it is there."""
        directory = output / self.id
        return directory if (directory / RECORD_FILE).is_file() else None


def cells(
    contenders: Sequence[Contender],
    sizes: Sequence[TrainSize | None],
    seeds: Sequence[int],
    *,
    fingerprints: Mapping[tuple[str, TrainSize | None], str],
    data_seed: int,
    device: str,
) -> tuple[Cell, ...]:
    """Return the cells, contender by contender, size by size.

    Args:
        contenders: the contenders.
        sizes: how much of train; ``None`` is all.
        seeds: the seeds of each.
        fingerprints: of the data, by the contender's label and the size.
        data_seed: the seed of the data.
        device: where they run; devices round differently.
    """
    return tuple(
        make_cell(
            contender, seed, size, fingerprint=fingerprints[contender.label, size], data_seed=data_seed, device=device
        )
        for contender in contenders
        for size in sizes
        for seed in seeds
    )


def make_cell(
    contender: Contender, seed: int, size: TrainSize | None, *, fingerprint: str, data_seed: int, device: str
) -> Cell:
    """Return one cell; the arguments are those of :func:`cells`."""
    return Cell(contender, seed, _key(contender, seed, fingerprint, data_seed, device), size)


def _key(contender: Contender, seed: int, fingerprint: str, data_seed: int, device: str) -> str:
    plugins = [plugin for plugin in contender.plugins if plugin.roles != ("observer",)]  # which change no result
    conditions = Conditions(
        versions={name: distribution_code(name) or "" for name in _ENGINES},
        device=[device],
        code=[fact for plugin in plugins for fact in dependencies(plugin)],
    )
    return cell_key(
        conditions,
        plugins=[{**plugin_facts(plugin), "contents": option_contents(plugin)} for plugin in plugins],
        data=fingerprint,
        data_seed=data_seed,
        seed=seed,
    )

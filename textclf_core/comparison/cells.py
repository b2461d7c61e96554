"""The cells of a comparison: a contender at a seed, and the key of everything that could change its result."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from textclf_core.cache.keys import Conditions, cell_key
from textclf_core.comparison.contenders import Contender
from textclf_core.data.sampling import TrainSize
from textclf_core.plugins.provenance import dependencies, option_contents, plugin_facts
from textclf_core.records.schema import RECORD_FILE
from textclf_core.system.code import distribution_code


class DataKey(NamedTuple):
    """Which data a cell has.

    Attributes:
        data_set: the data set: see :func:`data_set_of`.
        train_size: the size of train; ``None`` for all of it.
        sample: the seed of the run, if each has its own training sample; ``None`` if all have the same.
    """

    data_set: str
    train_size: TrainSize | None
    sample: int | None


# The packages that compute in every run; a new version of any of them may change the bits of a result.
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
    """A contender at a seed.

    Its run directory is named by ``id``, which ends in the first characters of ``key``, so that cells with different
    results never share a directory.
    """

    contender: Contender
    seed: int
    key: str
    data_key: DataKey

    def __hash__(self) -> int:
        return hash(self.key)  # that of the plugins takes much longer

    @property
    def train_size(self) -> TrainSize | None:
        """The size of train; ``None`` for all of it."""
        return self.data_key.train_size

    @property
    def id(self) -> str:
        """The name of the run directory: label, size of train, seed, and the first characters of the key."""
        slug = re.sub(r"[^A-Za-z0-9.+=-]+", "-", self.contender.label)[:80]
        size = f"-{str(self.train_size).replace('/', '-per-').replace('%', '-percent')}" if self.train_size else ""
        return f"{slug}{size}-s{self.seed}-{self.key[:12]}"

    @property
    def name(self) -> str:
        """The cell's name in messages: that of its contender, size of train if it isn't all of it, and seed."""
        return f"{self.contender_name} seed {self.seed}"

    @property
    def contender_name(self) -> str:
        """The cell's name without its seed: that of its contender, and size of train if it isn't all of it."""
        return f"{self.contender.name} at {self.train_size}" if self.train_size else self.contender.name

    def finished_in(self, output: Path) -> Path | None:
        """Return the directory of the finished run; ``None`` if the cell isn't finished."""
        directory = output / self.id
        return directory if (directory / RECORD_FILE).is_file() else None


def cells(
    contenders: Sequence[Contender],
    sizes: Sequence[TrainSize | None],
    seeds: Sequence[int],
    *,
    fingerprints: Mapping[DataKey, str],
    own_samples: bool,
    data_seed: int,
    device: str,
) -> tuple[Cell, ...]:
    """Return the cells, contender by contender, size by size.

    Args:
        contenders: the contenders.
        sizes: the sizes of train; ``None`` is all of it.
        seeds: the seeds of each contender.
        fingerprints: the fingerprints of the data.
        own_samples: whether each seed has its own training sample.
        data_seed: the seed of splits and samples.
        device: the device of the runs, which is part of the key since devices round differently.
    """
    found = []
    for contender in contenders:
        facts = _facts(contender, device)
        for size in sizes:
            for seed in seeds:
                key = DataKey(data_set_of(contender), size, seed if own_samples else None)
                found.append(_cell(contender, seed, key, facts, fingerprints[key], data_seed))
    return tuple(found)


def data_set_of(contender: Contender) -> str:
    """Return what identifies a contender's data set: its dataset plugins with their options, or its name in memory."""
    datasets = contender.plugins.of_role("dataset")
    options = [(dataset.name, sorted(dataset.options.items())) for dataset in datasets]
    return repr((contender.data_set, options))


def make_cell(
    contender: Contender, seed: int, data_key: DataKey, *, fingerprint: str, data_seed: int, device: str
) -> Cell:
    """Return a cell; the arguments are those of :func:`cells`."""
    return _cell(contender, seed, data_key, _facts(contender, device), fingerprint, data_seed)


_Facts = tuple[Conditions, list[dict[str, object]]]
"""What the keys of a contender's cells have in common."""


def _facts(contender: Contender, device: str) -> _Facts:
    # Observers and reporters don't change results.
    plugins = [plugin for plugin in contender.plugins if not {"observer", "reporter"}.issuperset(plugin.roles)]
    conditions = Conditions(
        versions={name: distribution_code(name) or "" for name in _ENGINES},
        device=[device],
        code=[fact for plugin in plugins for fact in dependencies(plugin)],
    )
    return conditions, [{**plugin_facts(plugin), "contents": option_contents(plugin)} for plugin in plugins]


def _cell(contender: Contender, seed: int, data_key: DataKey, facts: _Facts, fingerprint: str, data_seed: int) -> Cell:
    conditions, plugins = facts
    key = cell_key(conditions, plugins=plugins, data=fingerprint, data_seed=data_seed, seed=seed)
    return Cell(contender, seed, key, data_key)

"""The runs of a comparison that failed, so that its tables lack them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from textclf_core.types.data import DataRecord


@dataclass(frozen=True)
class FailedRun:
    """A failed run of a comparison.

    Attributes:
        data: the data of the run.
        contender: the label of the contender.
        seed: the seed.
        error: the first line of the error.
    """

    data: DataRecord
    contender: str
    seed: int
    error: str

    @property
    def heading(self) -> str:
        """The origin of the data, and the size of train."""
        return f"{self.data.source}, {self.data.train_size} of train" if self.data.train_size else self.data.source

    def json(self) -> dict[str, Any]:
        """Return the run as JSON values, without its data."""
        return {"contender": self.contender, "seed": self.seed, "error": self.error}


def failed_sentences(failed: Sequence[FailedRun]) -> list[str]:
    """Return a sentence on the failed runs of each contender, with their errors."""
    by_contender = _by((one.contender, one) for one in failed)
    return [
        f"Without {contender} at {_seeds(own)}, which failed: {'; '.join(dict.fromkeys(one.error for one in own))}"
        for contender, own in by_contender.items()
    ]


def failed_data_sets(failed: Sequence[FailedRun]) -> dict[str, list[str]]:
    """Return, for each data set with a size of train, the sentences on its failed runs."""
    by_data = _by((one.heading, one) for one in failed)
    return {f"Data: {heading}": ["No run has finished.", *failed_sentences(own)] for heading, own in by_data.items()}


def _by(keyed: Iterable[tuple[str, FailedRun]]) -> dict[str, list[FailedRun]]:
    groups: dict[str, list[FailedRun]] = {}
    for key, one in keyed:
        groups.setdefault(key, []).append(one)
    return groups


def _seeds(failed: Sequence[FailedRun]) -> str:
    seeds = [str(one.seed) for one in failed]
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(seeds[:-1])} and {seeds[-1]}"

"""The costs by which contenders can be recommended, and the loss that is accepted for a lower cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textclf_core.records.schema import Record
from textclf_core.types.progress import format_seconds

TOLERANCE = 0.01
"""The loss that is accepted unless another is given, in the metric's units: one point."""


@dataclass(frozen=True)
class CostKind:
    """A kind of cost: its name on the command line, its heading, and functions to read and to format its value.

    ``timed`` says whether it is a time, or computed from one, so that it depends on what else the machine was doing.
    """

    name: str
    heading: str
    read: Callable[[Record], float | None]
    write: Callable[[float], str]
    timed: bool = False


def _bytes(count: float) -> str:
    return f"{count / 2**20:,.1f} MiB" if count < 2**30 else f"{count / 2**30:,.2f} GiB"


def _count(count: float) -> str:
    return f"{count / 1e6:,.2f} M" if count >= 1e5 else f"{count:,.0f}"


def _flops(count: float) -> str:
    if count >= 1e10:
        return f"{count / 1e12:,.2f} T"
    return f"{count / 1e9:,.2f} G" if count >= 1e7 else f"{count / 1e6:,.2f} M" if count else "0"


COSTS: Mapping[str, CostKind] = {
    kind.name: kind
    for kind in (
        CostKind("train-seconds", "training", lambda record: train_seconds(record), format_seconds, timed=True),
        CostKind("flops", "FLOPs", lambda record: _train_flops(record), _flops),
        CostKind("memory", "peak memory", lambda record: float(record.cost.peak_memory_bytes), _bytes),
        CostKind("trainable", "trainable", lambda record: _float(record.cost.trainable_parameters), _count),
        CostKind("artifact", "model size", lambda record: float(record.cost.artifact_bytes), _bytes),
        CostKind(
            "latency",
            "one text",
            lambda record: record.cost.latency_seconds,
            lambda seconds: f"{1000 * seconds:.1f} ms",
            timed=True,
        ),
    )
}
"""The costs by name; ``None`` for one that a record lacks, such as FLOPs for a trainer without an encoder."""


def train_seconds(record: Record) -> float:
    """Return the seconds of training, including the adaptation of the model before it."""
    return record.cost.seconds["train"] + record.cost.seconds.get("adapt", 0.0)


def _train_flops(record: Record) -> float | None:
    flops, of_adapting = record.cost.train_flops, record.cost.adapt_flops
    return None if flops is None or of_adapting is None else flops + of_adapting


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)

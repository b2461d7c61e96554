"""The costs by which contenders can be recommended, and the loss that is accepted for a lower cost."""

from __future__ import annotations

from collections.abc import Mapping

from textclf_core.types.progress import format_seconds
from textclf_core.types.record import RunRecord
from textclf_core.types.report import ReportCost

TOLERANCE = 0.01
"""The loss that is accepted unless another is given, in the metric's units: one point."""


def _bytes(count: float) -> str:
    return f"{count / 2**20:,.1f} MiB" if count < 2**30 else f"{count / 2**30:,.2f} GiB"


def _count(count: float) -> str:
    return f"{count / 1e6:,.2f} M" if count >= 1e5 else f"{count:,.0f}"


def _flops(count: float) -> str:
    if count >= 1e10:
        return f"{count / 1e12:,.2f} T"
    return f"{count / 1e9:,.2f} G" if count >= 1e7 else f"{count / 1e6:,.2f} M" if count else "0"


TIMES = ("train-seconds", "latency", "money")
"""The costs that are times, or computed from them, so that they depend on what else the machine was doing."""


def train_seconds(record: RunRecord) -> float:
    """Return the seconds of training, including the adaptation of the model before it."""
    return record.cost.seconds["train"] + record.cost.seconds.get("adapt", 0.0)


def _train_flops(record: RunRecord) -> float | None:
    flops, of_adapting = record.cost.train_flops, record.cost.adapt_flops
    return None if flops is None or of_adapting is None else flops + of_adapting


COSTS: Mapping[str, ReportCost] = {
    cost.name: cost
    for cost in (
        ReportCost(
            name="train-seconds",
            heading="training",
            read=train_seconds,
            write=format_seconds,
            axis="training time (s)",
        ),
        ReportCost(
            name="flops", heading="FLOPs", read=_train_flops, write=_flops, axis="training FLOPs (10¹²)", unit=1e12
        ),
        ReportCost(
            name="memory",
            heading="peak memory",
            read=lambda record: record.cost.peak_memory_bytes,
            write=_bytes,
            axis="peak memory (MiB)",
            unit=2**20,
        ),
        ReportCost(
            name="trainable",
            heading="trainable",
            read=lambda record: record.cost.trainable_parameters,
            write=_count,
            axis="trainable parameters (millions)",
            unit=1e6,
        ),
        ReportCost(
            name="artifact",
            heading="model size",
            read=lambda record: record.cost.artifact_bytes,
            write=_bytes,
            axis="model size (MiB)",
            unit=2**20,
        ),
        ReportCost(
            name="latency",
            heading="one text",
            read=lambda record: record.cost.latency_seconds,
            write=lambda seconds: f"{1000 * seconds:.1f} ms",
            axis="time for one text (ms)",
            unit=1e-3,
        ),
    )
}
"""The costs by name; ``None`` for one that a record lacks, such as FLOPs for a trainer without an encoder."""

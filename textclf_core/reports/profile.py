"""The profile of a run: its time by stage, and the lower bound that the machine sets for training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabulate import tabulate

from textclf_core.types.meter import PREFIX, STEPS
from textclf_core.types.progress import format_seconds

if TYPE_CHECKING:
    from textclf_core.records.schema import Record

# The memory traffic of an AdamW step per parameter: it reads the gradient, the weight and two moments, and writes all
# but the gradient, which are seven numbers of four bytes.
_OPTIMIZER_BYTES = 28
_ROWS, _INNER, _COLUMNS = 512, 768, 3072


@dataclass(frozen=True)
class MachineRates:
    """The measured peak rates of the machine.

    Attributes:
        flops: float32 operations per second in matrix products with an encoder's shapes.
        bytes: bytes per second read or written in an optimizer step.
    """

    flops: float
    bytes: float


def measure_rates(device: str) -> MachineRates:
    """Measure the machine's rates, in about a second: the best of several matrix products and optimizer steps."""
    import torch

    left, right = torch.randn(_ROWS, _INNER, device=device), torch.randn(_INNER, _COLUMNS, device=device)
    product_seconds = _best_seconds(lambda: left @ right, device)
    weight = torch.nn.Parameter(torch.randn(8 * 10**6, device=device))
    weight.grad = torch.randn_like(weight)
    optimizer = torch.optim.AdamW([weight], fused=True)
    step_seconds = _best_seconds(optimizer.step, device)
    return MachineRates(
        flops=2 * _ROWS * _INNER * _COLUMNS / product_seconds,
        bytes=_OPTIMIZER_BYTES * weight.numel() / step_seconds,
    )


def _best_seconds(work: Callable[[], object], device: str) -> float:
    import torch

    best = math.inf
    for _ in range(10):
        start = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return best


def floor_seconds(record: Record, rates: MachineRates) -> float | None:
    """Return a lower bound of the run's training time, from its FLOPs and its optimizer's memory traffic.

    Returns ``None`` if the trainer counts no FLOPs.
    """
    cost, trainer = record.cost, record.plugin("trainer")
    if cost.train_flops is None or trainer is None or "batch_size" not in trainer.options:
        return None
    rows = next(split.rows for split in record.data.splits if split.name == "train")
    steps = math.ceil(rows / trainer.options["batch_size"]) * trainer.options["epochs"]
    traffic = _OPTIMIZER_BYTES * (cost.trainable_parameters or 0) * steps
    floor: float = cost.train_flops / rates.flops + traffic / rates.bytes
    return floor


def profile_text(record: Record, rates: MachineRates, format: str = "simple") -> str:
    """Return a table of the stages with their share of the run, and training time relative to its lower bound."""
    seconds = record.cost.seconds
    rows = [
        ("  " * stage.count("/") + stage.rpartition("/")[2], format_seconds(spent), f"{spent / seconds['total']:.1%}")
        for stage, spent in _in_order(seconds)
    ]
    headings = ("stage", "time", "of the run")
    table = tabulate(rows, headings, tablefmt=format, colalign=("left", "right", "right"), preserve_whitespace=True)
    floor = floor_seconds(record, rates)
    if floor is None:
        return table
    trained = seconds.get(PREFIX, 0.0) + seconds.get(STEPS, seconds["train"])
    return (
        f"{table}\n\n"
        f"The frozen prefix and the steps took {trained / floor:.2f} times their lower bound of "
        f"{format_seconds(floor)}: {(record.cost.train_flops or 0) / 1e12:.2f} TFLOP at {rates.flops / 1e9:.0f} "
        f"GFLOP/s and the optimizer's memory traffic at {rates.bytes / 1e9:.1f} GB/s, both measured just now."
    )


def _in_order(seconds: dict[str, float]) -> Iterator[tuple[str, float]]:
    """Yield the stages with their seconds, each followed by its parts; the total comes last."""

    def below(parent: str) -> Iterator[tuple[str, float]]:
        depth = parent.count("/") + 1 if parent else 0
        for stage in seconds:
            if stage.count("/") == depth and stage.startswith(f"{parent}/" if parent else "") and stage != "total":
                yield stage, seconds[stage]
                yield from below(stage)

    yield from below("")
    yield "total", seconds["total"]

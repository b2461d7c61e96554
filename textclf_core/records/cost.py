"""What a run costs: seconds by stage, examples, tokens, FLOPs, memory. Measured, not quoted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textclf_core.system.memory import peak_memory_bytes
from textclf_core.types.meter import CHECKPOINT, PREFIX, STEPS, Meter

FIXED_STAGES = ("load", "build", CHECKPOINT, "save", "latency")
"""The stages that take as long however many rows there are; all are part of ``total``, none of another."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The measured cost of a run, as its record keeps it. ``None`` where a trainer doesn't count it.

    Attributes:
        seconds: wall time by stage; ``total`` is the whole run.
        train_examples: examples trained on, each epoch counted.
        train_non_padding_tokens: their tokens without padding.
        train_padded_tokens: their tokens with padding: what was computed.
        train_flops: FLOPs of the forward and backward passes of training, freezing counted; what came from the cache
            cost none.
        examples_per_second: ``train_examples`` over the seconds of the frozen prefix and the training steps.
        tokens_per_second: ``train_non_padding_tokens`` over the seconds of the frozen prefix and the training steps.
        adapt_flops: FLOPs of what changed the model before training on labels; what came from the cache cost none.
        prefix_flops: FLOPs of what was put into the cache, for validation and test too, and of the rows computed anew
            to check what was there.
        prefix_rows_computed: rows whose frozen prefix was computed and put into the cache.
        prefix_rows_read: rows whose frozen prefix was in the cache already.
        cache_bytes: what the run added to the cache.
        predict_flops: FLOPs of scoring validation, test and the texts that ``latency_seconds`` was measured on.
        peak_memory_bytes: largest resident set of the process during the run (on a GPU: largest allocation there).
        start_memory_bytes: what of it the process held as the run began: Python, the packages imported by then, what
            the caller keeps. The run, or the runs that were trained jointly with it, added the rest.
        trainable_parameters: how many numbers training could change.
        total_parameters: how many the model has.
        artifact_bytes: size of the saved model.
        latency_seconds: median time to score one example on its own.
    """

    seconds: dict[str, float]
    train_examples: int | None = None
    train_non_padding_tokens: int | None = None
    train_padded_tokens: int | None = None
    train_flops: float | None = None
    examples_per_second: float | None = None
    tokens_per_second: float | None = None
    adapt_flops: float = 0.0
    prefix_flops: float = 0.0
    prefix_rows_computed: int = 0
    prefix_rows_read: int = 0
    cache_bytes: int = 0
    predict_flops: float | None = None
    peak_memory_bytes: int
    start_memory_bytes: int | None = None
    trainable_parameters: int | None = None
    total_parameters: int | None = None
    artifact_bytes: int
    latency_seconds: float


def cost_of(
    meter: Meter,
    device: str,
    *,
    trainable_parameters: int | None,
    total_parameters: int | None,
    start_memory_bytes: int | None,
    artifact_bytes: int,
    latency_seconds: float,
) -> Cost:
    """Return the cost of a run that is over.

    Args:
        meter: what was added up.
        device: where it ran.
        trainable_parameters: how many numbers of the model training could change; ``None`` where there is no model.
        total_parameters: how many the model has. What ``meter`` counts of a trainer's own is added to both.
        start_memory_bytes: what :func:`~textclf_core.system.memory.reset_peak_memory` returned at its start.
        artifact_bytes: size of the saved model.
        latency_seconds: median time to score one example on its own.
    """
    step_seconds = meter.seconds.get(STEPS, meter.seconds["train"]) + meter.seconds.get(PREFIX, 0.0)
    counted = meter.counts_training
    seen = meter.examples > 0
    has_parameters = total_parameters is not None or meter.total_parameters is not None
    return Cost(
        seconds={stage: round(seconds, 4) for stage, seconds in meter.seconds.items()},
        train_examples=meter.examples if counted else None,
        train_non_padding_tokens=meter.non_padding_tokens if counted else None,
        train_padded_tokens=meter.padded_tokens if counted else None,
        train_flops=meter.flops if counted else None,
        adapt_flops=meter.adapt_flops,
        prefix_flops=meter.prefix_flops,
        prefix_rows_computed=meter.prefix_rows_computed,
        prefix_rows_read=meter.prefix_rows_read,
        cache_bytes=meter.cache_bytes,
        predict_flops=meter.predict_flops,
        examples_per_second=meter.examples / step_seconds if seen else None,
        tokens_per_second=meter.non_padding_tokens / step_seconds if seen else None,
        peak_memory_bytes=peak_memory_bytes(device),
        start_memory_bytes=start_memory_bytes,
        trainable_parameters=(trainable_parameters or 0) + meter.trainable_parameters if has_parameters else None,
        total_parameters=(total_parameters or 0) + (meter.total_parameters or 0) if has_parameters else None,
        artifact_bytes=artifact_bytes,
        latency_seconds=latency_seconds,
    )


def directory_bytes(directory: Path) -> int:
    """Return the size of all files below ``directory``."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())

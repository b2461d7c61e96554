"""The measured cost of a run: seconds by stage, examples, tokens, FLOPs, memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textclf_core.types.meter import CHECKPOINT, PREFIX, STEPS, Meter

FIXED_STAGES = ("load", "build", CHECKPOINT, "save", "latency")
"""The stages whose time doesn't depend on the number of rows; all are part of ``total``, and none contains another."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The measured cost of a run; ``None`` for what the trainer doesn't count, and for FLOPs that can't be counted.

    Attributes:
        seconds: wall time by stage; ``total`` is the whole run.
        train_examples: number of training examples, counted once per epoch.
        train_non_padding_tokens: number of their tokens without padding.
        train_padded_tokens: number of their tokens with padding, which is what was computed.
        train_flops: FLOPs of the forward and backward passes of training, considering what was frozen; outputs read
            from the cache cost none, nor does a trainer without an encoder.
        examples_per_second: ``train_examples`` divided by the seconds of the frozen prefix and the training steps.
        tokens_per_second: ``train_non_padding_tokens`` divided by the seconds of the frozen prefix and the training
            steps.
        adapt_flops: FLOPs of adapting the model before training on labels; results read from the cache cost none.
        prefix_flops: FLOPs of computing rows for the cache, for validation and test too, and of recomputing rows to
            check the cache.
        prefix_rows_computed: rows whose frozen prefix was computed and cached.
        prefix_rows_read: rows whose frozen prefix was read from the cache.
        cache_bytes: size of what the run added to the cache.
        predict_flops: FLOPs of scoring validation, test and the texts for measuring ``latency_seconds``.
        peak_memory_bytes: peak resident set size of the process during the run; on a GPU, peak allocation there. Of
            several processes, that of the largest.
        peak_memory_bytes_by_process: that of each process, in the order of their ranks; empty for a run in one process.
        start_memory_bytes: the part of it that the process used at the start of the run: Python, imported packages, the
            caller's data. The run, or the runs trained jointly with it, added the rest.
        trainable_parameters: number of trainable parameters.
        total_parameters: number of the model's parameters.
        artifact_bytes: size of the saved model.
        latency_seconds: median time to score a single example.
        beside: number of other runs of its comparison that could run on the same machine at the same time, which makes
            it slower; ``None`` if that is unknown.
    """

    seconds: dict[str, float]
    train_examples: int | None = None
    train_non_padding_tokens: int | None = None
    train_padded_tokens: int | None = None
    train_flops: float | None = None
    examples_per_second: float | None = None
    tokens_per_second: float | None = None
    adapt_flops: float | None = 0.0
    prefix_flops: float | None = 0.0
    prefix_rows_computed: int = 0
    prefix_rows_read: int = 0
    cache_bytes: int = 0
    predict_flops: float | None = None
    peak_memory_bytes: int
    peak_memory_bytes_by_process: tuple[int, ...] = ()
    start_memory_bytes: int | None = None
    trainable_parameters: int | None = None
    total_parameters: int | None = None
    artifact_bytes: int
    latency_seconds: float
    beside: int | None = 0


def cost_of(
    meter: Meter,
    peaks: Sequence[int],
    *,
    trainable_parameters: int | None,
    total_parameters: int | None,
    start_memory_bytes: int | None,
    artifact_bytes: int,
    latency_seconds: float,
    beside: int | None = 0,
) -> Cost:
    """Return the cost of a finished run.

    Args:
        meter: the counts of the run.
        peaks: the peak memory of each process of the run, in bytes.
        trainable_parameters: number of the model's trainable parameters; ``None`` without a model.
        total_parameters: number of the model's parameters. The trainer's own parameters, which ``meter`` counts, are
            added to both.
        start_memory_bytes: the result of :func:`~textclf_core.system.memory.reset_peak_memory` at the run's start.
        artifact_bytes: size of the saved model.
        latency_seconds: median time to score a single example.
        beside: number of other runs that could run on the same machine at the same time; ``None`` if unknown.
    """
    step_seconds = meter.seconds.get(STEPS, meter.seconds["train"]) + meter.seconds.get(PREFIX, 0.0)
    counted = meter.counts_training
    seen = meter.examples > 0
    has_tokens = counted and (meter.padded_tokens > 0 or not seen)  # a trainer without an encoder has no tokens
    has_parameters = total_parameters is not None or meter.total_parameters is not None
    return Cost(
        seconds={stage: round(seconds, 4) for stage, seconds in meter.seconds.items()},
        train_examples=meter.examples if counted else None,
        train_non_padding_tokens=meter.non_padding_tokens if has_tokens else None,
        train_padded_tokens=meter.padded_tokens if has_tokens else None,
        train_flops=_known(meter.flops) if counted else None,
        adapt_flops=_known(meter.adapt_flops),
        prefix_flops=_known(meter.prefix_flops),
        prefix_rows_computed=meter.prefix_rows_computed,
        prefix_rows_read=meter.prefix_rows_read,
        cache_bytes=meter.cache_bytes,
        predict_flops=_known(meter.predict_flops),
        examples_per_second=meter.examples / step_seconds if seen else None,
        tokens_per_second=meter.non_padding_tokens / step_seconds if seen and has_tokens else None,
        peak_memory_bytes=max(peaks),
        peak_memory_bytes_by_process=tuple(peaks) if len(peaks) > 1 else (),
        start_memory_bytes=start_memory_bytes,
        trainable_parameters=(trainable_parameters or 0) + meter.trainable_parameters if has_parameters else None,
        total_parameters=(total_parameters or 0) + (meter.total_parameters or 0) if has_parameters else None,
        artifact_bytes=artifact_bytes,
        latency_seconds=latency_seconds,
        beside=beside,
    )


def _known(flops: float | None) -> float | None:
    """Return FLOPs as they are recorded; ``None`` if they are unknown, which a meter counts as NaN."""
    return None if flops is None or math.isnan(flops) else flops


def directory_bytes(directory: Path) -> int:
    """Return the total size in bytes of all files below ``directory``."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())

"""The counters of a run: seconds by stage, examples, tokens, FLOPs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

STEPS = "train/steps"
"""The stage in which a trainer times its training steps. Examples and tokens per second are computed from it, or from
the whole training time if a trainer doesn't time its steps."""

PREFIX = "train/prefix"
"""The stage of computing a frozen prefix for the training split."""

CHECKPOINT = "train/checkpoint"
"""The stage of writing checkpoints."""

SKIPPED = "skipped"
"""The estimated time of the work that a pilot run skips; it isn't part of ``total``."""


@dataclass
class Meter:
    """Count the time and work of a run; the trainer and the core both add to it.

    Stages are named by path: the core times ``train``, and a trainer times its parts, such as ``train/tokenize``. The
    core itself uses three of the parts: :data:`STEPS`, :data:`PREFIX`, :data:`CHECKPOINT`. Unknown FLOPs are NaN.

    Attributes:
        stores: the keys of the cache's stores that frozen prefixes were read from, in order.
        failed_stage: the innermost stage in which an exception was raised; ``None`` without one.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    examples: int = 0
    non_padding_tokens: int = 0
    padded_tokens: int = 0
    flops: float = 0.0
    adapt_flops: float = 0.0
    prefix_flops: float = 0.0
    prefix_rows_computed: int = 0
    prefix_rows_read: int = 0
    cache_bytes: int = 0
    predict_flops: float | None = None
    trainable_parameters: int = 0
    total_parameters: int | None = None
    counts_training: bool = False
    stores: list[str] = field(default_factory=list)
    failed_stage: str | None = None
    _paused_seconds: float = 0.0

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the wall time of the block to ``stage``, also if the block raises; without the time of pauses in it."""
        start, paused = time.perf_counter(), self._paused_seconds
        try:
            yield
        except BaseException:
            self.failed_stage = self.failed_stage or stage
            raise
        finally:
            elapsed = time.perf_counter() - start - (self._paused_seconds - paused)
            self.seconds[stage] = self.seconds.get(stage, 0.0) + elapsed

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Leave the block's time out of every stage: it is spent on what isn't part of the run, such as an observer."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._paused_seconds += time.perf_counter() - start

    def skip(self, seconds: float) -> None:
        """Add the estimated seconds of work that a pilot run skips."""
        self.seconds[SKIPPED] = self.seconds.get(SKIPPED, 0.0) + seconds

    def trained(self, *, examples: int, non_padding_tokens: int, padded_tokens: int, flops: float) -> None:
        """Count one training batch; ``padded_tokens`` includes padding.

        A trainer that trains nothing calls it once with zeros; without a call, the counts are recorded as unknown.
        """
        self.counts_training = True
        self.examples += examples
        self.non_padding_tokens += non_padding_tokens
        self.padded_tokens += padded_tokens
        self.flops += flops

    def trained_without_encoder(self, examples: int) -> None:
        """Count training without passes through an encoder, which are what FLOPs count: it costs none."""
        self.trained(examples=examples, non_padding_tokens=0, padded_tokens=0, flops=0.0)

    def predicted(self, flops: float) -> None:
        """Add the FLOPs of one prediction batch."""
        self.predict_flops = (self.predict_flops or 0.0) + flops

    def holds(self, *, trainable: int, total: int) -> None:
        """Count the parameters that the trainer adds: its own head, or a model that the core didn't build."""
        self.trainable_parameters += trainable
        self.total_parameters = (self.total_parameters or 0) + total

    def add_work(self, other: Meter) -> None:
        """Add the work of another process that shares the run, but not its time, in which this one worked too."""
        self.counts_training |= other.counts_training
        self.examples += other.examples
        self.non_padding_tokens += other.non_padding_tokens
        self.padded_tokens += other.padded_tokens
        self.flops += other.flops
        self.adapt_flops += other.adapt_flops
        self.prefix_flops += other.prefix_flops
        self.prefix_rows_computed += other.prefix_rows_computed
        self.prefix_rows_read += other.prefix_rows_read
        self.cache_bytes += other.cache_bytes
        if other.predict_flops is not None:
            self.predicted(other.predict_flops)

    def add_share(self, shared: Meter, count: int, *, whole: bool) -> None:
        """Add this run's share of what ``count`` runs spent jointly; the shares add up to the total.

        Rows and bytes of the cache aren't divided: the one run with ``whole`` set counts all of them.
        """
        for stage, seconds in shared.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds / count
        self.flops += shared.flops / count
        self.stores += shared.stores
        self.prefix_flops += shared.prefix_flops / count
        if whole:
            self.prefix_rows_computed += shared.prefix_rows_computed
            self.cache_bytes += shared.cache_bytes
        self.prefix_rows_read += shared.prefix_rows_read + (0 if whole else shared.prefix_rows_computed)

"""What a run adds up while it goes on: seconds by stage, examples, tokens, FLOPs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

STEPS = "train/steps"
"""The stage in which a trainer times its training steps: examples and tokens a second are taken from it. Without it
they are taken from all of training."""

PREFIX = "train/prefix"
"""The stage of computing a frozen prefix for the training split."""

CHECKPOINT = "train/checkpoint"
"""The stage of writing checkpoints."""

SKIPPED = "skipped"
"""The stage of what a pilot run leaves out; it isn't part of ``total``."""


@dataclass
class Meter:
    """Adds up what a run spends; the trainer and the engine both write to it.

    Stages are named by path: the core times ``train``, a trainer its parts, ``train/tokenize`` say. The parts that mean
    something to the core have names here: :data:`STEPS`, :data:`PREFIX`, :data:`CHECKPOINT`.

    Attributes:
        stores: the stores of the cache that frozen prefixes were taken from, in their order.
        failed_stage: the innermost stage that an exception ended, if one did.
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

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the wall time of the block to ``stage``, whether or not the block succeeds."""
        start = time.perf_counter()
        try:
            yield
        except BaseException:
            self.failed_stage = self.failed_stage or stage
            raise
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start

    def skip(self, seconds: float) -> None:
        """Count what a pilot run leaves out, in the seconds that it would take."""
        self.seconds[SKIPPED] = self.seconds.get(SKIPPED, 0.0) + seconds

    def trained(self, *, examples: int, non_padding_tokens: int, padded_tokens: int, flops: float) -> None:
        """Count one batch of training; ``padded_tokens`` counts padding too.

        A trainer that trains nothing says so once, with zeros: what isn't counted isn't known to be nothing.
        """
        self.counts_training = True
        self.examples += examples
        self.non_padding_tokens += non_padding_tokens
        self.padded_tokens += padded_tokens
        self.flops += flops

    def predicted(self, flops: float) -> None:
        """Count one batch of prediction."""
        self.predict_flops = (self.predict_flops or 0.0) + flops

    def holds(self, *, trainable: int, total: int) -> None:
        """Count the parameters of what the trainer brought: a head of its own, a model that the core didn't build."""
        self.trainable_parameters += trainable
        self.total_parameters = (self.total_parameters or 0) + total

    def add_share(self, shared: Meter, count: int, *, whole: bool) -> None:
        """Add what several runs spent together: to each of ``count`` its share, so that the sum is what was spent.

        Rows and bytes of the cache don't divide: they are counted where ``whole`` is set, for one of the runs.
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

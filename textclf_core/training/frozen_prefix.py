"""The cached output of a frozen prefix, computed once per row for all epochs, seeds and contenders.

A frozen prefix runs in evaluation mode, so its output depends only on the row's tokens, the weights and the code. Rows
are computed in batches of equal length, without padding, so that a row's bits don't depend on other rows. A stored file
is used after one of its rows has been recomputed with the same bits.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from textclf_core.cache import CacheFolder
from textclf_core.cache.checked import CheckedStore
from textclf_core.encoder.computation import UnknownComputationError
from textclf_core.system.memory import HeapTrimming, page_out, trim_heap
from textclf_core.system.world import ALONE, World
from textclf_core.training.batching import batches_of_equal_length
from textclf_core.training.prefix_computer import PrefixComputer
from textclf_core.training.prefix_rows import PrefixRows, row_keys
from textclf_core.types.meter import PREFIX

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.pooling import Pooling
    from textclf_core.types.meter import Meter
    from textclf_core.types.progress import Progress

logger = logging.getLogger("textclf")

_BYTES_A_NUMBER = 4
_SHARE_OF_A_GPU = 0.25


class FrozenPrefix:
    """The frozen prefix of an encoder, and the cache of its output.

    Args:
        encoder: the model, with its strategy's parameters frozen.
        folder: the cache.
        meter: counts the computed and the read rows.
        progress: shows the progress of computing rows.
        pooling: if given, one vector per row is cached: the pooled output of the whole body, which must be frozen.
        world: the processes that share the run. Those of a host each compute a part of the missing rows; all must ask
            for the same rows.

    Attributes:
        boundary: the number of blocks in the prefix, after the embeddings.
        only_first_token: whether only the first token is cached: after the last block, if the head reads no other.
        key: the key of the store.

    Raises:
        UnknownComputationError: the model's computation can't be fingerprinted.
    """

    def __init__(
        self,
        encoder: Encoder,
        folder: CacheFolder,
        meter: Meter,
        progress: Progress,
        pooling: Pooling | None = None,
        world: World = ALONE,
    ) -> None:
        self._pooling = pooling
        self._encoder = encoder
        self._folder = folder
        self._meter = meter
        self._host = world.of_host  # another host may have another cache
        self._progress = progress
        self._computer = PrefixComputer(encoder, pooling)
        self.boundary = self._computer.boundary
        self.only_first_token = self._computer.only_first_token
        self._width = self._computer.width
        self.key = self._computer.key(self.boundary)
        self._store = CheckedStore(folder, self.key, self._width)
        self._earlier_stores: dict[int, CheckedStore] = {}
        self._computed: list[tuple[int, int, int | None]] = []  # rows, length and start of uncounted batches
        self._checking: list[tuple[int, int]] = []  # length and boundary of uncounted checks
        meter.stores.append(self.key)

    def counted_by(self, meter: Meter) -> FrozenPrefix:
        """Return the same prefix with another meter."""
        other = copy.copy(self)
        other._meter, other._computed, other._checking = meter, [], []
        return other

    def training_rows(self, tokenized: Dataset) -> PrefixRows | None:
        """Return :meth:`rows` of the training split; computing them counts as training."""
        with self._meter.time(PREFIX):
            keys = row_keys(tokenized)
        if self._is_unchanged():
            # A check, like hashing the weights; it isn't part of the time of filling the cache.
            self._check(self._store, self.boundary, tokenized, keys)
        with self._meter.time(PREFIX):
            rows = self._rows(tokenized, keys)
        self._meter.flops += self._count()
        return rows

    def rows(self, tokenized: Dataset) -> PrefixRows | None:
        """Return the cached output for rows from ``Encoder.tokenize``; missing rows are computed first.

        Returns ``None``, which is logged, if they exceed the cache's limit, or if the model's computation was changed.
        """
        rows = self._rows(tokenized, row_keys(tokenized))
        self._count()
        return rows

    def page_out(self) -> None:
        """Release the memory of the prefix's weights until they are read again."""
        page_out(self._encoder.prefix_parameters(self.boundary))

    def _count(self) -> float:
        """Count the FLOPs of rows computed since the last call, and of checks; return those of the rows."""
        spent = sum(self._computer.count_flops(*batch) for batch in self._computed)
        self._meter.prefix_flops += spent + sum(self._computer.count_check_flops(*row) for row in self._checking)
        self._computed.clear()
        self._checking.clear()
        return spent

    def _rows(self, tokenized: Dataset, keys: Sequence[bytes]) -> PrefixRows | None:
        if not self._is_unchanged():
            logger.info(
                "the frozen prefix is no longer read from the cache: hooks, classes or settings of the model were "
                "changed after training began"
            )
            return None
        self._check(self._store, self.boundary, tokenized, keys)
        missing = self._missing(keys)
        if any(self._host.gather(bool(missing))):
            with self._filling(tokenized, keys):
                missing = self._host.broadcast(self._missing(keys))
                if missing and not self._fill(tokenized, keys, missing):
                    return None
        if self._host.rank == 0:
            self._meter.prefix_rows_read += len(keys) - len(missing)
        return PrefixRows(
            self._store.rows,
            keys,
            self._encoder.model.device,
            boundary=self.boundary,
            only_first_token=self.only_first_token,
            held=self.only_first_token or self._fits_on_a_gpu(keys),
        )

    @contextmanager
    def _filling(self, tokenized: Dataset, keys: Sequence[bytes]) -> Iterator[None]:
        """Keep others from filling the store while the block runs; afterwards it has what all processes wrote."""
        with ExitStack() as stack:
            if self._host.rank == 0:
                stack.enter_context(self._folder.filling(self.key))
                self._store.rows.refresh()  # another process may have filled it while this one waited
                self._check(self._store, self.boundary, tokenized, keys, locked=True)
            self._host.wait()
            if self._host.rank:
                self._store.reopen()  # it may have been set aside
            yield
            self._host.wait()
            self._store.rows.refresh()

    def _is_unchanged(self) -> bool:
        try:
            return self._computer.is_unchanged
        except UnknownComputationError:
            return False

    def _check(
        self, store: CheckedStore, boundary: int, tokenized: Dataset, keys: Sequence[bytes], *, locked: bool = False
    ) -> None:
        """Recompute one of the requested rows that a store has, unless the store was checked since it was opened."""

        def compute(key: bytes) -> NDArray[np.float32]:
            row = keys.index(key)
            self._checking.append((len(tokenized[row]["input_ids"]), boundary))
            with self._computer.computing():
                [computed] = self._computer.compute(tokenized, [row], boundary)
            return np.asarray(computed)

        store.check(keys, compute, locked=locked)

    def _fits_on_a_gpu(self, keys: Sequence[bytes]) -> bool:
        """Return whether the rows fit into a share of a GPU's free memory; training needs the rest."""
        device = self._encoder.model.device
        if device.type != "cuda":
            return False
        wanted = sum(self._store.rows.tokens(key) for key in keys) * self._width * _BYTES_A_NUMBER
        return wanted <= _SHARE_OF_A_GPU * torch.cuda.mem_get_info(device)[0]

    def _missing(self, keys: Sequence[bytes]) -> list[int]:
        """Return the number of the first row of each key that isn't in the store."""
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        return sorted(row for key, row in first.items() if key not in self._store)

    def _fill(self, tokenized: Dataset, keys: Sequence[bytes], missing: Sequence[int]) -> bool:
        lengths = [len(ids) for ids in tokenized["input_ids"]]
        tokens = len(missing) if self.only_first_token or self._pooling else sum(lengths[row] for row in missing)
        wanted = tokens * self._width * _BYTES_A_NUMBER
        if not self._host.broadcast(self._host.rank == 0 and self._folder.make_room(wanted, keep=self.key)):
            logger.info(
                "the frozen prefix is recomputed in each epoch: its output takes %.1f GB, and the cache's limit is "
                "%.1f GB (TEXTCLF_CACHE_LIMIT)",
                wanted / 1e9,
                self._folder.limit_bytes / 1e9,
            )
            return False
        wanted_keys = [keys[row] for row in missing]
        start, earlier = self._earlier(tokenized, keys, wanted_keys)
        if self._host.rank == 0:
            self._folder.describe(self.key, self._about())
        trim_heap()  # before the prefix needs its own memory
        batches, trimming = batches_of_equal_length([lengths[row] for row in missing]), HeapTrimming()
        batches = batches[self._host.rank :: self._host.size]
        count = sum(map(len, batches))
        with (
            self._progress.bar("frozen prefix", count, "examples") as bar,
            self._store.writer(wanted_keys) as writer,
            self._computer.computing(),
        ):
            for step, batch in enumerate(batches, start=1):
                trimming.before(step)
                rows = [missing[index] for index in batch]
                of_batch = [keys[row] for row in rows]
                known = earlier.rows.read(of_batch) if earlier else None
                writer.write(of_batch, self._computer.compute(tokenized, rows, self.boundary, start or 0, known))
                self._computed.append((len(rows), lengths[rows[0]], start))
                bar.advance(len(rows))
        self._meter.cache_bytes += writer.written_bytes
        self._meter.prefix_rows_computed += count
        trim_heap()  # else the prefix's memory stays resident during training
        self._folder.remove_released(keep=self.key)
        return True

    def _earlier(
        self, tokenized: Dataset, keys: Sequence[bytes], wanted: Sequence[bytes]
    ) -> tuple[int | None, CheckedStore | None]:
        """Return the last earlier boundary at which the cache has all these rows, and its store."""
        for boundary in range(self.boundary - 1, 0, -1):
            store = self._earlier_stores.get(boundary)
            if store is None:
                store = CheckedStore(self._folder, self._computer.key(boundary), self._width)
            if all(key in store for key in wanted):
                self._earlier_stores[boundary] = store
                self._check(store, boundary, tokenized, keys)
                if all(key in store for key in wanted):  # the check didn't reject the store
                    return boundary, store
        return None, None

    def _about(self) -> str:
        if self._pooling:
            return f"{self._encoder.checkpoint}, one vector a text ({self._pooling})"
        what = "the first token" if self.only_first_token else "all tokens"
        blocks = "1 block" if self.boundary == 1 else f"{self.boundary} blocks"
        return f"{self._encoder.checkpoint} after {blocks}, {what}"


def cached_prefix(
    encoder: Encoder,
    folder: CacheFolder,
    meter: Meter,
    progress: Progress,
    pooling: Pooling | None = None,
    world: World = ALONE,
) -> FrozenPrefix | None:
    """Return the frozen prefix of an encoder if caching its output saves time, else ``None``.

    It doesn't if nothing or only the embeddings are frozen, which are as fast as the cache. If the model can't be split
    at the boundary, or its computation can't be fingerprinted, the reason is logged. The arguments are those of
    :class:`FrozenPrefix`.
    """
    boundary = encoder.frozen_prefix - 1
    if boundary < 1 and pooling is None:
        return None
    why = None if pooling else encoder.check_split(boundary)
    try:
        if why is None:
            return FrozenPrefix(encoder, folder, meter, progress, pooling, world)
    except UnknownComputationError as error:
        why = f"Its output isn't cached, since the model's computation can't be fingerprinted. {error}"
    logger.info("the frozen prefix is recomputed in each epoch. %s", why)
    return None

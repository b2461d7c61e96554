"""The frozen prefix's output, computed once a row and kept, for later epochs, seeds and contenders.

A frozen prefix runs in evaluation mode, so its output is a constant of the row's tokens and the weights. A row is
computed at its own length, beside rows of equal length: no padding, so its bits depend on nothing but itself.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from textclf_core.cache import CacheFolder, RowStore
from textclf_core.cache.rows import KEY_BYTES
from textclf_core.system.memory import GivingBack, give_back_freed_memory, page_out
from textclf_core.training.batching import BATCH_TOKENS, batches_of_equal_length
from textclf_core.training.flops import PassFlops, count_embedding_flops, count_prefix_flops
from textclf_core.types.meter import PREFIX

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.pooling import Pooling
    from textclf_core.types.meter import Meter
    from textclf_core.types.progress import Progress

logger = logging.getLogger("textclf")

# A change to how a prefix is computed that changes bits makes another number, so that no older row is taken for one.
_CUT_VERSION = 1
_BYTES_A_NUMBER = 4
_SHARE_OF_A_GPU = 0.25
# A CPU's matrix products of few rows (below 4 on one thread, 12 on two, 28 on sixteen) round as others don't. A GPU
# chooses its kernels by the whole shape, so batches of one length all get one shape there.
_LEAST_PRODUCT_ROWS = 32


class PrefixRows:
    """The rows of one tokenized data set, all of them in the cache.

    Args:
        store: has them.
        keys: the rows' keys in the store, in their order.
        device: where they are wanted.
        only_first_token: whether the store's rows hold the first token alone.
        held: whether all are read now and kept on the device: where they are few numbers, or a GPU has the room.
    """

    def __init__(
        self, store: RowStore, keys: Sequence[bytes], device: torch.device, *, only_first_token: bool, held: bool
    ) -> None:
        self.only_first_token = only_first_token
        self._store = store
        self._keys = keys
        self._device = device
        self._held = None
        if held and keys:
            tokens = [store.tokens(key) for key in keys]
            self._lengths = torch.tensor(tokens)
            self._starts = self._lengths.cumsum(0) - self._lengths
            rows = np.zeros((sum(tokens) + 1, store.width), dtype=np.float32)  # the last fills up short rows
            store.read_into(keys, rows)
            self._held = torch.from_numpy(rows).to(device)

    def hidden(self, indices: Sequence[int]) -> Tensor:
        """Return the hidden states at the boundary, float32, shape (rows, most tokens among them, width)."""
        if self._held is None:
            return torch.from_numpy(self._store.read([self._keys[index] for index in indices])).to(self._device)
        rows = torch.tensor(indices)
        if self.only_first_token:
            return self._held[rows.to(self._device)].unsqueeze(1)
        lengths = self._lengths[rows]
        place = torch.arange(int(lengths.max()))
        filled = place < lengths[:, None]
        tokens = torch.where(filled, self._starts[rows][:, None] + place, len(self._held) - 1)
        return self._held[tokens.to(self._device)]


class FrozenPrefix:
    """The frozen prefix of an encoder, and the cache of its output.

    Args:
        encoder: with its strategy's parameters frozen, which stay so.
        folder: the cache.
        meter: counts what is computed and what is read.
        progress: shows the computing.
        pooling: keep one vector a row, the whole body's output pooled, where all of it is frozen.

    Attributes:
        boundary: the prefix is the embeddings and this many blocks.
        only_first_token: whether rows hold the first token alone: behind the last block, if the head reads no other.
    """

    def __init__(
        self,
        encoder: Encoder,
        folder: CacheFolder,
        meter: Meter,
        progress: Progress,
        pooling: Pooling | None = None,
    ) -> None:
        self.boundary = encoder.frozen_prefix - 1
        self.only_first_token = pooling is None and self.boundary == encoder.num_blocks and encoder.reads_first_token
        self._pooling = pooling
        self._encoder = encoder
        self._folder = folder
        self._meter = meter
        self._progress = progress
        self._digests = encoder.prefix_digests(self.boundary)
        self._width = int(encoder.model.config.hidden_size)
        self.key = self._key(self.boundary)
        self._store = folder.open(self.key, self._width)
        self._computed: list[tuple[int, int, int | None]] = []  # rows, length and start of batches not counted yet
        self._flops: dict[int | None, PassFlops] = {}
        meter.stores.append(self.key)

    def counted_by(self, meter: Meter) -> FrozenPrefix:
        """Return the same prefix, of which another meter counts what it computes and reads."""
        other = copy.copy(self)
        other._meter, other._computed = meter, []
        return other

    def training_rows(self, tokenized: Dataset) -> PrefixRows | None:
        """Return :meth:`rows` of the training split; what is computed for them counts as training."""
        with self._meter.time(PREFIX):
            rows = self._rows(tokenized)
        self._meter.flops += self._count()
        return rows

    def rows(self, tokenized: Dataset) -> PrefixRows | None:
        """Return the rows of ``Encoder.tokenize``; those that aren't in the cache are computed now.

        ``None``, with a note, if they are more than the cache may hold.
        """
        rows = self._rows(tokenized)
        self._count()
        return rows

    def page_out(self) -> None:
        """Have the system take the prefix's weights from memory until they are read again."""
        page_out(self._encoder.prefix_parameters(self.boundary))

    def _count(self) -> float:
        """Return the FLOPs of what was computed and not counted yet."""
        for start in {start for _, _, start in self._computed} - self._flops.keys():
            self._flops[start] = (
                count_embedding_flops(self._encoder, self._pooling, start).forward
                if self._pooling
                else count_prefix_flops(self._encoder, self.boundary, start)
            )
        spent = sum(self._flops[start](rows, length) for rows, length, start in self._computed)
        self._computed.clear()
        self._meter.prefix_flops += spent
        return spent

    def _rows(self, tokenized: Dataset) -> PrefixRows | None:
        keys = _row_keys(tokenized)
        missing = self._missing(keys)
        if missing:
            with self._folder.filling(self.key):
                self._store.refresh()  # another process may have filled it while this one waited
                missing = self._missing(keys)
                if missing and not self._fill(tokenized, keys, missing):
                    return None
        self._meter.prefix_rows_computed += len(missing)
        self._meter.prefix_rows_read += len(keys) - len(missing)
        return PrefixRows(
            self._store,
            keys,
            self._encoder.model.device,
            only_first_token=self.only_first_token,
            held=self.only_first_token or self._fits_on_a_gpu(keys),
        )

    def _fits_on_a_gpu(self, keys: Sequence[bytes]) -> bool:
        """Return whether rows take no more than a share of what a GPU has free; what trains needs the rest."""
        device = self._encoder.model.device
        if device.type != "cuda":
            return False
        wanted = sum(self._store.tokens(key) for key in keys) * self._width * _BYTES_A_NUMBER
        return wanted <= _SHARE_OF_A_GPU * torch.cuda.mem_get_info(device)[0]

    def _missing(self, keys: Sequence[bytes]) -> list[int]:
        """Return the first row of each key that isn't in the store."""
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        return sorted(row for key, row in first.items() if key not in self._store)

    def _fill(self, tokenized: Dataset, keys: Sequence[bytes], missing: Sequence[int]) -> bool:
        lengths = [len(ids) for ids in tokenized["input_ids"]]
        tokens = len(missing) if self.only_first_token or self._pooling else sum(lengths[row] for row in missing)
        wanted = tokens * self._width * _BYTES_A_NUMBER
        if not self._folder.make_room(wanted, keep=self.key):
            logger.info(
                "the frozen prefix is computed anew in each epoch: its output takes %.1f GB, the cache may hold %.1f "
                "GB (TEXTCLF_CACHE_LIMIT)",
                wanted / 1e9,
                self._folder.limit_bytes / 1e9,
            )
            return False
        start, earlier = self._earlier([keys[row] for row in missing])
        self._folder.describe(self.key, self._about())
        give_back_freed_memory()  # what the prefix takes comes beside what stays
        batches, give_back = batches_of_equal_length([lengths[row] for row in missing]), GivingBack()
        with (
            self._progress.bar("frozen prefix", len(missing), "examples") as bar,
            self._store.writer() as writer,
            torch.inference_mode(),
            _evaluating(self._encoder.model),
            self._encoder.computing_what_the_head_reads(),
        ):
            for step, batch in enumerate(batches, start=1):
                give_back.before(step)
                rows = [missing[index] for index in batch]
                row_keys = [keys[row] for row in rows]
                hidden = self._compute(tokenized, rows, row_keys, start or 0, earlier)
                writer.write(row_keys, hidden)
                self._computed.append((len(rows), lengths[rows[0]], start))
                bar.advance(len(rows))
        self._meter.cache_bytes += writer.written_bytes
        give_back_freed_memory()  # else what the prefix took stays resident beside what training takes
        self._folder.remove_released(keep=self.key)
        return True

    def _compute(
        self, tokenized: Dataset, rows: list[int], keys: list[bytes], start: int, earlier: RowStore | None
    ) -> Any:
        """Return what is kept of rows of one length, float32, shape (rows, tokens or 1, width)."""
        batch = self._encoder.collate(tokenized.__getitems__(rows))
        length = batch["input_ids"].shape[1]
        hidden = None if earlier is None else torch.from_numpy(earlier.read(keys)).to(self._encoder.model.device)
        if self._pooling:
            batch, hidden = self._at_least(self._least_rows(length), batch, hidden)
            pooled = self._encoder.embed(batch, self._pooling, hidden=hidden, start=start)
            reached = pooled[: len(rows), None]
        elif not self.only_first_token:
            reached = self._run(batch, hidden, start, self.boundary, self._least_rows(length))
        else:
            last = self.boundary - 1
            if hidden is None or start < last:
                hidden = self._run(batch, hidden, start, last, self._least_rows(length))
            # In the last block, the matrix products have one row an example.
            reached = self._run(batch, hidden, last, self.boundary, self._least_rows(1))[:, :1]
        return reached.float().cpu().numpy()

    def _run(self, batch: dict[str, Tensor], hidden: Tensor | None, start: int, upto: int, least: int) -> Tensor:
        """Run blocks on at least so many rows."""
        rows = len(batch["input_ids"])
        batch, hidden = self._at_least(least, batch, hidden)
        return self._encoder.run_prefix(batch, upto, hidden=hidden, start=start)[:rows]

    def _at_least(
        self, least: int, batch: dict[str, Tensor], hidden: Tensor | None
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """Return a batch of at least so many rows: those that there are, again and again."""
        rows = len(batch["input_ids"])
        if rows < least:
            again = torch.arange(least, device=self._encoder.model.device) % rows
            batch = {name: values[again] for name, values in batch.items()}
            hidden = None if hidden is None else hidden[again]
        return batch, hidden

    def _least_rows(self, length: int) -> int:
        """Return how many rows of that length a batch needs for a row's bits not to depend on how many there are."""
        if self._encoder.model.device.type == "cpu":
            return -(-max(_LEAST_PRODUCT_ROWS, 4 * torch.get_num_threads()) // length)
        return max(1, BATCH_TOKENS // length)

    def _earlier(self, keys: Sequence[bytes]) -> tuple[int | None, RowStore | None]:
        """Return the latest boundary before this one at which the cache has all these rows, and its store."""
        for boundary in range(self.boundary - 1, 0, -1):
            store = self._folder.open(self._key(boundary), self._width)
            if all(key in store for key in keys):
                return boundary, store
        return None, None

    def _key(self, boundary: int) -> str:
        """Return the name of a boundary's store: a hash of everything that could change a bit of its rows."""
        model = self._encoder.model
        pooled = self._pooling and boundary == self.boundary
        facts = {
            "weights": self._digests[: boundary + 1],
            **({"pooling": self._pooling, "body": self._encoder.body_digest()} if pooled else {}),
            "config": config_facts(model.config),
            "boundary": boundary,
            "first token": boundary == self.boundary and self.only_first_token,
            "dtype": str(model.dtype),
            "attention": model.config._attn_implementation,
            "device": device_facts(model.device),
            "threads": torch.get_num_threads(),
            "matrix products": torch.get_float32_matmul_precision(),
            "versions": {name: version(name) for name in ("torch", "transformers")},
            "cut": _CUT_VERSION,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _about(self) -> str:
        if self._pooling:
            return f"{self._encoder.checkpoint}, one vector a text ({self._pooling})"
        what = "the first token" if self.only_first_token else "all tokens"
        blocks = "1 block" if self.boundary == 1 else f"{self.boundary} blocks"
        return f"{self._encoder.checkpoint} after {blocks}, {what}"


def cached_prefix(encoder: Encoder, folder: CacheFolder, meter: Meter, progress: Progress) -> FrozenPrefix | None:
    """Return the frozen prefix of an encoder if keeping its output saves time.

    Not where nothing or the embeddings alone are frozen, which are looked up as fast as the cache is read. Where a
    model can't be cut at the boundary, a note says why.
    """
    boundary = encoder.frozen_prefix - 1
    if boundary < 1:
        return None
    if why := encoder.why_not_cut(boundary):
        logger.info("the frozen prefix is computed anew in each epoch. %s", why)
        return None
    return FrozenPrefix(encoder, folder, meter, progress)


@contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Keep the model in evaluation mode while the block runs."""
    was_training = model.training
    model.train(False)
    try:
        yield
    finally:
        model.train(was_training)


def _row_keys(tokenized: Dataset) -> list[bytes]:
    """Return the hash of each row's token ids, mask and token types."""
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in tokenized.column_names]
    table = tokenized.with_format("arrow")[:]
    columns = [table.column(name).combine_chunks() for name in names]
    flat = [(column.flatten().to_numpy().astype(np.int32), column.offsets.to_numpy()) for column in columns]
    header = ",".join(names).encode()
    keys = []
    for row in range(len(table)):
        digest = hashlib.blake2b(header, digest_size=KEY_BYTES)
        for values, offsets in flat:
            digest.update(values[offsets[row] - offsets[0] : offsets[row + 1] - offsets[0]])
        keys.append(digest.digest())
    return keys


def config_facts(config: Any) -> dict[str, Any]:
    """Return the model's configuration without what names labels and places."""
    aside = {"id2label", "label2id", "problem_type", "architectures", "_name_or_path", "transformers_version"}
    return {name: value for name, value in config.to_dict().items() if name not in aside}


def device_facts(device: torch.device) -> list[str]:
    """Return what of a device decides the bits that it computes."""
    if device.type == "cuda":
        return ["cuda", torch.cuda.get_device_name(device), str(torch.backends.cuda.matmul.allow_tf32)]
    return [device.type, torch.backends.cpu.get_cpu_capability()]

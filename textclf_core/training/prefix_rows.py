"""The output of a frozen prefix for the rows of one data set, read from the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from textclf_core.cache import RowStore
from textclf_core.cache.rows import KEY_BYTES

if TYPE_CHECKING:
    from datasets import Dataset


class PrefixRows:
    """The cached prefix outputs of one tokenized data set.

    Args:
        store: the store of the rows.
        keys: the key of each row, in the order of the data.
        device: the device of the result.
        boundary: the number of blocks whose output the rows are.
        only_first_token: whether the store has only the first token of each row.
        held: whether all rows are read now and kept on the device.
    """

    def __init__(
        self,
        store: RowStore,
        keys: Sequence[bytes],
        device: torch.device,
        *,
        boundary: int,
        only_first_token: bool,
        held: bool,
    ) -> None:
        self.boundary = boundary
        self.only_first_token = only_first_token
        self._store = store
        self._keys = keys
        self._device = device
        self._held = None
        if held and keys:
            tokens = [store.tokens(key) for key in keys]
            self._lengths = torch.tensor(tokens)
            self._starts = self._lengths.cumsum(0) - self._lengths
            rows = np.zeros((sum(tokens) + 1, store.width), dtype=np.float32)  # the last row pads short ones
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


def row_keys(tokenized: Dataset) -> list[bytes]:
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

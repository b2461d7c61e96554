"""From texts to token ids, and from rows to batches; all truncation and padding is done here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress, count
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from textclf_core.encoder.truncation import kept_places
from textclf_core.errors import UsageError
from textclf_core.system.world import World
from textclf_core.tasks import kind_of
from textclf_core.tasks.subtokens import WORD_STARTS, batch_of_labels

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.types.task import Task
    from textclf_core.types.tokenization import Tokenization

_BATCH_ROWS = 1000
_LEAST_SHARED = 64
# The families whose head for whole texts reads the last position, padding or not.
_PADDED_LEFT = ("xlnet",)


def longest_input(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the model's maximum input length in tokens, special tokens included."""
    longest: int = tokenizer.model_max_length
    positions: int = getattr(model.config, "max_position_embeddings", None) or longest
    if positions < 0:  # a family without a limit, such as XLNet
        return longest
    table = getattr(getattr(model.base_model, "embeddings", None), "position_embeddings", None)
    if (padding := getattr(table, "padding_idx", None)) is not None:
        # RoBERTa and MPNet count positions from the one after the padding's: 514 positions are 512 tokens.
        positions -= padding + 1
    return min(positions, longest)


def tokenize(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, data: Dataset, task: Task, tokenization: Tokenization
) -> Dataset:
    """Return the rows of ``data`` as token ids; see :meth:`Encoder.tokenize`."""
    import pyarrow as pa
    from datasets import Dataset, Features, List, Value
    from datasets.fingerprint import generate_random_fingerprint

    longest = longest_input(model, tokenizer)
    length = tokenization.length or longest
    if length > longest:
        raise UsageError(
            f"max_length={length} is more than this model's limit of {longest} tokens. "
            f"Set {longest} or less, or leave it unset."
        )
    names = input_names(model, tokenizer)
    kind = kind_of(task)
    of_tokens = [*names, *kind.token_columns]
    columns: dict[str, list[Any]] = {name: [] for name in (*of_tokens, "truncated")}
    rows = plain(data)
    for encoded in _encoded(tokenizer, rows, task):
        encoded["truncated"] = [len(ids) > length for ids in encoded["input_ids"]]
        for row in compress(count(), encoded["truncated"]):
            kept = kept_places(encoded["special_tokens_mask"][row], length, tokenization.truncation).tolist()
            for name in of_tokens:
                encoded[name][row] = [encoded[name][row][place] for place in kept]
        for name, values in columns.items():
            values += encoded[name]
    features = {name: List(Value("int32" if name == "input_ids" else "int8")) for name in names}
    features["truncated"] = Value("bool")
    features |= {name: List(Value(dtype)) for name, dtype in kind.token_columns.items()}
    if getattr(model.config, "is_encoder_decoder", False) and WORD_STARTS not in columns:
        _refuse_ends(model, tokenizer, columns["input_ids"])
    if "label" in rows.column_names:
        labels = kind.tokenized_labels(rows["label"][:], columns, rows.features["label"])
        columns["label"], features["label"] = labels
    table = pa.table(columns, schema=Features(features).arrow_schema)
    # `Dataset.from_dict` would hash the data set, which takes ten times as long as tokenizing one text.
    return Dataset(table, fingerprint=generate_random_fingerprint())


def shared(tokenized: Callable[[Dataset], Dataset], data: Dataset, world: World) -> Dataset:
    """Return the tokenized rows, of which each process has tokenized a part.

    Args:
        tokenized: tokenizes rows.
        data: the rows; the same in all processes.
        world: the processes. Few rows are tokenized by each, since one may ask for them alone.
    """
    if world.size == 1 or len(data) < _LEAST_SHARED:
        return tokenized(data)
    import pyarrow as pa
    from datasets import Dataset
    from datasets.fingerprint import generate_random_fingerprint

    part = tokenized(data.select(world.share(len(data))))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, part.data.table.schema) as stream:
        stream.write_table(part.data.table)
    parts = [pa.ipc.open_stream(each).read_all() for each in world.gather(sink.getvalue().to_pybytes())]
    return Dataset(pa.concat_tables(parts), fingerprint=generate_random_fingerprint())


def input_names(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Return the names of the inputs that both the tokenizer gives and the model accepts."""
    # A tokenizer may return inputs that the model doesn't accept: DistilBERT has no token types.
    accepted = inspect.signature(model.forward).parameters
    given = dict.fromkeys((*tokenizer.model_input_names, "attention_mask"))
    return [name for name in given if name in accepted]


def _refuse_ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, ids: Sequence[Sequence[int]]) -> None:
    """Refuse a text with the end token in it, where the head reads that token and rows must have equally many."""
    end: int = model.config.eos_token_id
    ends = [row.count(end) for row in ids]
    if odd := [row for row, count in enumerate(ends) if count > min(ends)]:
        raise UsageError(
            f"row {odd[0]}: the text has the token {tokenizer.convert_ids_to_tokens(end)!r} in it, which a model of "
            f"the family {model.config.model_type!r} takes for its end. Take it out of the text."
        )


def plain(data: Dataset) -> Dataset:
    """Return the rows with all columns, as Python values."""
    form = data.format
    as_it_is = form["type"] is None and list(form["columns"]) == data.column_names
    return data if as_it_is else data.with_format(None)  # with_format always copies and hashes


def token_lengths(tokenizer: PreTrainedTokenizerBase, data: Dataset, task: Task) -> NDArray[np.int64]:
    """Return the length of each row in tokens, special tokens included and nothing truncated, int64, shape (rows,)."""
    encoded = _encoded(tokenizer, plain(data), task)
    return np.array([len(ids) for batch in encoded for ids in batch["input_ids"]], dtype=np.int64)


def covering_length(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, data: Dataset, task: Task, share: float
) -> int:
    """Return the shortest length in tokens, special tokens included, that a share of the rows don't exceed.

    It is at most the model's limit.
    """
    lengths = token_lengths(tokenizer, data, task)
    return min(int(np.quantile(lengths, share, method="inverted_cdf")), longest_input(model, tokenizer))


def _encoded(tokenizer: PreTrainedTokenizerBase, rows: Dataset, task: Task) -> Iterator[dict[str, list[Any]]]:
    """Yield the tokenizer's output for each batch of rows, untruncated, with ``special_tokens_mask``."""
    kind = kind_of(task)
    for start in range(0, len(rows), _BATCH_ROWS):
        batch = rows[start : start + _BATCH_ROWS]
        yield kind.encode(tokenizer, [batch[column] for column in task.text_columns])


def rows_of(tokenized: Dataset) -> list[dict[str, Any]]:
    """Return the rows from :meth:`Encoder.tokenize` in memory, for :meth:`Encoder.collate`.

    Reading a batch's rows from a ``Dataset`` would take longer than padding them.
    """
    columns = tokenized.with_format("numpy")[:]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def collate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Tensor]:
    """Return rows as one padded batch; see :meth:`Encoder.collate`."""
    padding = {
        "input_ids": tokenizer.pad_token_id,
        "attention_mask": 0,
        "token_type_ids": tokenizer.pad_token_type_id,
    }
    longest = max(len(row["input_ids"]) for row in rows)
    on_the_left = model.config.model_type in _PADDED_LEFT and WORD_STARTS not in rows[0]

    def padded(name: str, fill: int) -> Tensor:
        batch = np.full((len(rows), longest), fill, dtype=np.int64)
        for place, row in zip(batch, rows, strict=True):
            place[slice(-len(row[name]), None) if on_the_left else slice(len(row[name]))] = row[name]
        return torch.from_numpy(batch)

    batch = {name: padded(name, fill) for name, fill in padding.items() if name in rows[0]}
    if "label" in rows[0]:
        batch["labels"] = torch.from_numpy(batch_of_labels(rows, longest))
    return batch

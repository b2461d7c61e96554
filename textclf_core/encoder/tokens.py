"""From texts to token ids and from rows to batches: the one place that truncates, the one place that pads."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from itertools import compress, count
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from textclf_core.encoder.words import NO_LABEL, WORD_STARTS, encode_words, labels_of_sub_tokens
from textclf_core.errors import UsageError
from textclf_core.label_sets import label_array

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.task import Task

_BATCH_ROWS = 1000


def longest_input(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return how many tokens, special ones included, the model takes."""
    longest: int = tokenizer.model_max_length
    positions: int = getattr(model.config, "max_position_embeddings", longest)
    table = getattr(getattr(model.base_model, "embeddings", None), "position_embeddings", None)
    if (padding := getattr(table, "padding_idx", None)) is not None:
        # RoBERTa and MPNet count positions from the one after that of padding: 514 positions are 512 tokens.
        positions -= padding + 1
    return min(positions, longest)


def tokenize(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, data: Dataset, task: Task, max_length: int | None
) -> Dataset:
    """Return the rows of ``data`` as token ids; see :meth:`Encoder.tokenize`."""
    from datasets import Dataset, Features, List, Value

    longest = longest_input(model, tokenizer)
    if max_length is not None and max_length > longest:
        raise UsageError(
            f"max_length={max_length} is more than the {longest} tokens that this model takes. "
            f"Give {longest} or less, or leave it out."
        )
    # A tokenizer may give what the model doesn't take: DistilBERT has no token types.
    accepted = inspect.signature(model.forward).parameters
    given = dict.fromkeys((*tokenizer.model_input_names, "attention_mask"))
    names = [name for name in given if name in accepted]
    words = task.kind == "tokens"
    columns: dict[str, list[Any]] = {name: [] for name in (*names, "truncated", *([WORD_STARTS] if words else []))}
    rows = data.with_format(None)
    for start in range(0, len(rows), _BATCH_ROWS):
        batch = rows[start : start + _BATCH_ROWS]
        texts = [batch[column] for column in task.text_columns]
        if words:
            encoded = encode_words(tokenizer, texts[0], max_length or longest)
        else:
            encoded = _encode(tokenizer, texts, max_length or longest)
        for name, values in columns.items():
            values += encoded[name]
    features = {name: List(Value("int32" if name == "input_ids" else "int8")) for name in names}
    features["truncated"] = Value("bool")
    if words:
        features[WORD_STARTS] = List(Value("int32"))
    if "label" in rows.column_names and words:
        columns["label"] = list(map(labels_of_sub_tokens, columns[WORD_STARTS], rows["label"][:]))
        features["label"] = List(Value("int64"))
    elif "label" in rows.column_names:
        columns["label"] = label_array(rows["label"][:], task).tolist()
        features["label"] = List(Value("int64")) if task.kind == "multi-label" else rows.features["label"]
    return Dataset.from_dict(columns, features=Features(features))


def _encode(
    tokenizer: PreTrainedTokenizerBase, columns: Sequence[Sequence[str]], max_length: int
) -> dict[str, list[Any]]:
    """Return a batch's token ids, and whether each row had to be cut to ``max_length``."""
    if len(columns) > 2:
        columns = [[f" {tokenizer.sep_token} ".join(row) for row in zip(*columns, strict=True)]]
    # `verbose` would warn that some are longer than the model takes: they are cut below.
    encoded = dict(tokenizer(*map(list, columns), return_attention_mask=True, verbose=False))
    encoded["truncated"] = [len(ids) > max_length for ids in encoded["input_ids"]]
    if any(encoded["truncated"]):
        long = [list(compress(column, encoded["truncated"])) for column in columns]
        cut = tokenizer(*long, truncation=True, max_length=max_length, return_attention_mask=True)
        for name, values in cut.items():
            for row, value in zip(compress(count(), encoded["truncated"]), values, strict=True):
                encoded[name][row] = value
    return encoded


def rows_of(tokenized: Dataset) -> list[dict[str, Any]]:
    """Return the rows of :meth:`Encoder.tokenize` in memory, for :meth:`Encoder.collate`.

    ``datasets`` takes longer to give a batch's rows than they take to be padded.
    """
    columns = tokenized.with_format("numpy")[:]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def collate(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """Return rows as one padded batch; see :meth:`Encoder.collate`."""
    padding = {
        "input_ids": tokenizer.pad_token_id,
        "attention_mask": 0,
        "token_type_ids": tokenizer.pad_token_type_id,
    }
    longest = max(len(row["input_ids"]) for row in rows)

    def padded(name: str, fill: int) -> Tensor:
        batch = np.full((len(rows), longest), fill, dtype=np.int64)
        for place, row in zip(batch, rows, strict=True):
            place[: len(row[name])] = row[name]
        return torch.from_numpy(batch)

    batch = {name: padded(name, fill) for name, fill in padding.items() if name in rows[0]}
    if "label" in rows[0]:
        of_words = WORD_STARTS in rows[0]
        labels = padded("label", NO_LABEL) if of_words else torch.tensor(np.array([row["label"] for row in rows]))
        batch["labels"] = labels
    return batch

"""The texts of continued pretraining: from the training split and from a file, with a share held out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from datasets import Dataset, concatenate_datasets

from textclf_core.data import iter_rows
from textclf_core.errors import DataError
from textclf_core.types.task import Task

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_plugins.adapting.continued_pretraining import ContinuedPretraining

_TEXT = "text"


@dataclass(frozen=True)
class Corpus:
    """Tokenized texts, without labels.

    Attributes:
        train: the texts to train on.
        held_out: the texts for measuring perplexity, disjoint from ``train``.
        extra: the number of texts from the file.
        whole: the number of texts to train on in a full run; larger than ``train`` where a pilot run skips part of
            the file.
    """

    train: Dataset
    held_out: Dataset
    extra: int
    whole: int


def read_corpus(options: ContinuedPretraining, encoder: Encoder, train: Dataset, task: Task, *, pilot: bool) -> Corpus:
    """Tokenize the texts of ``train`` and of the file, and hold out a share of them.

    A pilot run tokenizes at most as many texts of the file as ``train`` has, and only counts the others.

    Raises:
        DataError: the file can't be read, or there are fewer than two different texts.
    """
    tokenized = _without_labels(encoder.tokenize(train, task, options))
    extra = skipped = 0
    if options.extra is not None:
        texts = _texts(options.extra, task)
        taken = list(islice(texts, len(train))) if pilot else list(texts)
        skipped = sum(1 for _ in texts)
        extra = len(taken) + skipped
        more = encoder.tokenize(Dataset.from_dict({_TEXT: taken}), Task(task.label_names), options)
        tokenized = concatenate_datasets([tokenized, _without_labels(more)])
    held_out = _held_out(tokenized, options.held_out, options.seed)
    remaining = np.setdiff1d(np.arange(len(tokenized)), held_out)
    if not (len(remaining) and len(held_out)):
        raise DataError(
            f"continued-pretraining: needs at least two different texts, one of them held out for perplexity; found "
            f"{len(tokenized)} texts, of which {len(held_out)} would be held out."
        )
    return Corpus(tokenized.select(remaining), tokenized.select(held_out), extra, len(remaining) + skipped)


def _held_out(tokenized: Dataset, share: float, seed: int) -> list[int]:
    """Return the indices of the rows to hold out: a share of the distinct texts, with all of their copies."""
    rows: dict[tuple[int, ...], list[int]] = {}
    for row, ids in enumerate(tokenized["input_ids"]):
        rows.setdefault(tuple(ids), []).append(row)
    groups = list(rows.values())
    count = min(max(1, round(share * len(groups))), len(groups) - 1)
    chosen = np.random.default_rng(seed).permutation(len(groups))[:count]
    return sorted(row for group in chosen for row in groups[group])


def _texts(file: Path, task: Task) -> Iterator[str]:
    """Yield the texts of a file, from its column ``text`` or else from the task's text columns."""
    for number, row in enumerate(iter_rows(file), 1):
        columns = [_TEXT] if _TEXT in row else list(task.text_columns)
        if missing := [column for column in columns if column not in row]:
            raise DataError(
                f"{file}, row {number}: expected the column {_TEXT!r} or {missing[0]!r}, found "
                f"{', '.join(map(repr, row))}."
            )
        text = " ".join(str(row[column]) for column in columns if row[column] is not None)
        if text.strip():
            yield text


def _without_labels(tokenized: Dataset) -> Dataset:
    names = [name for name in tokenized.column_names if name not in ("label", "truncated")]
    return tokenized.select_columns(names)

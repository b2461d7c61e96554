"""Reading the data of a run without training, to see what a run would read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
from datasets import Value

from textclf_core.data import PreparedData, prepare
from textclf_core.data.plain_texts import word_counts
from textclf_core.pipeline.loading import load_data
from textclf_core.plugins import ActivePlugins
from textclf_core.reports.inspection import Inspection, Lengths
from textclf_core.tasks import kind_of
from textclf_core.types.data import DataRecord
from textclf_core.types.tokenization import Tokenization

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from numpy.typing import NDArray

    from textclf_core.types.task import Task

_BATCH_ROWS = 10_000
_LABELS = 10
_EXAMPLES = 5


def inspect(plugins: ActivePlugins, data: DatasetDict | None = None, *, data_seed: int = 0) -> Inspection:
    """Return what a run with these plugins would read.

    Tokens are counted if a model was chosen; otherwise nothing of torch is imported.

    Args:
        plugins: the plugins of the run.
        data: splits in memory; ``None`` if the dataset plugin loads them.
        data_seed: the seed of held-out splits.

    Raises:
        TextclfError: the data or the model can't be loaded or used.
    """
    prepared = load_data(plugins, data_seed) if data is None else prepare(data, data_seed)
    lengths = _in_characters(prepared)
    record = prepared.record
    model = plugins.one("model")
    if model is not None and model.chosen_by != "default":
        record, lengths["tokens"] = _in_tokens(plugins, prepared)
    return Inspection(
        data=record,
        lengths={unit: _lengths_of(values) for unit, values in lengths.items()},
        examples=_examples(prepared),
    )


def _in_characters(prepared: PreparedData) -> dict[str, NDArray[np.int64]]:
    """Return the number of words and of characters of each text."""
    words: list[int] = []
    characters: list[int] = []
    for split in prepared.data.values():
        [name, *others] = prepared.task.text_columns
        if not others and split.features[name] == Value("string"):
            for start in range(0, len(split), _BATCH_ROWS):
                texts = split.with_format("arrow")[start : start + _BATCH_ROWS][name].combine_chunks()
                words += word_counts(texts).tolist()
                characters += pc.utf8_length(texts).to_pylist()
            continue
        for rows in _batches(split, prepared.task):
            words += (sum(len(one.split()) if isinstance(one, str) else len(one) for one in row) for row in rows)
            characters += (sum(len(one if isinstance(one, str) else " ".join(one)) for one in row) for row in rows)
    return {"words": np.array(words, dtype=np.int64), "characters": np.array(characters, dtype=np.int64)}


def _batches(split: Dataset, task: Task) -> Iterator[list[tuple[str | Sequence[str], ...]]]:
    """Yield the texts of the rows, or their lists of words, a batch at a time."""
    columns = split.select_columns(list(task.text_columns))
    for start in range(0, len(split), _BATCH_ROWS):
        batch = columns[start : start + _BATCH_ROWS]
        yield list(zip(*(batch[name] for name in task.text_columns), strict=True))


def _in_tokens(plugins: ActivePlugins, prepared: PreparedData) -> tuple[DataRecord, NDArray[np.int64]]:
    """Return the record with the number of truncated rows, and the number of tokens of each row."""
    from textclf_core.pipeline.stages import build_encoder

    encoder = build_encoder(plugins, prepared.task, 0, "cpu")
    tokenization = next((one.instance for one in plugins if isinstance(one.instance, Tokenization)), Tokenization())
    tokenization = encoder.with_length(tokenization, prepared.data["train"], prepared.task)
    limit = tokenization.length or encoder.longest_input
    lengths = {name: encoder.token_lengths(split, prepared.task) for name, split in prepared.data.items()}
    splits = tuple(
        replace(split, truncated=int((lengths[split.name] > limit).sum())) for split in prepared.record.splits
    )
    return replace(prepared.record, splits=splits), np.concatenate(list(lengths.values()))


def _lengths_of(values: NDArray[np.int64]) -> Lengths:
    median, p95, longest = np.quantile(values, [0.5, 0.95, 1.0], method="inverted_cdf").tolist()
    return Lengths(int(median), int(p95), int(longest))


def _examples(prepared: PreparedData) -> dict[str, list[str]]:
    """Return the first texts of train with each of the first labels."""
    kind, train = kind_of(prepared.task), prepared.data["train"]
    rows: dict[str, list[int]] = {name: [] for name in prepared.task.label_names[:_LABELS]}
    missing = {name for name in rows if prepared.record.splits[0].label_counts[name]}
    for start in range(0, len(train), _BATCH_ROWS):
        names = kind.names(train[start : start + _BATCH_ROWS]["label"])
        for row, of_row in enumerate(names, start):
            for name in missing.intersection([of_row] if isinstance(of_row, str) else of_row):
                rows[name].append(row)
                if len(rows[name]) == _EXAMPLES:
                    missing.remove(name)
        if not missing:
            break
    return {
        name: [
            " | ".join(one if isinstance(one, str) else " ".join(one) for one in row)
            for rows_of_label in _batches(train.select(of_label), prepared.task)
            for row in rows_of_label
        ]
        for name, of_label in rows.items()
        if of_label
    }

"""What a run's record says, put together from what the run did."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textclf_core.data import PreparedData
from textclf_core.data.tokens import WORDS
from textclf_core.encoder.words import WORD_STARTS, unseen_words
from textclf_core.integrity import Movement
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.recipe import Recipe
from textclf_core.records import DataRecord, EncoderRecord, PluginRecord, SplitRecord

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder

logger = logging.getLogger("textclf")


def trainer_of(plugins: ActivePlugins) -> ActivePlugin:
    """Return the one trainer."""
    [trainer] = plugins.of_role("trainer")
    return trainer


def recipe_of(trainer: object) -> Recipe | None:
    """Return the recipe among a trainer's options, if it has one."""
    if not isinstance(trainer, Recipe):
        return None
    return Recipe(**{field.name: getattr(trainer, field.name) for field in dataclasses.fields(Recipe)})


def label_of(plugins: ActivePlugins) -> str:
    """Return what tells a run from others at a glance: its strategies with their options, or its trainer."""
    return " + ".join(plugin.spec for plugin in plugins.of_role("strategy")) or trainer_of(plugins).spec


def plugin_record(plugin: ActivePlugin) -> PluginRecord:
    """Return what the record says of an active plugin."""
    return PluginRecord(
        name=plugin.name,
        roles=plugin.roles,
        distribution=plugin.distribution,
        version=plugin.version,
        options={key: _plain(value) for key, value in plugin.options.items()},
        set_by=dict(plugin.set_by),
    )


def _plain(value: object) -> Any:
    """Return an option's value as JSON holds it."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def truncated(plugins: ActivePlugins, encoder: Encoder | None, data: PreparedData) -> dict[str, int]:
    """Return how many rows of each split were cut to the longest input, where an encoder read them."""
    recipe = recipe_of(trainer_of(plugins).instance)
    if encoder is None or recipe is None:
        return {}
    counts = {}
    for name, split in data.data.items():
        tokenized = encoder.tokenize(split, data.task, recipe)
        counts[name] = sum(tokenized["truncated"])
        if data.task.kind == "tokens":
            _tell_unseen(name, tokenized[WORD_STARTS][:], [len(row) for row in split[WORDS][:]])
    return counts


def _tell_unseen(split: str, starts: Sequence[Sequence[int]], words: Sequence[int]) -> None:
    unseen = unseen_words(starts, words)
    if unseen:
        logger.info(
            "%s: %d of %d words were cut off, or are nothing to the tokenizer: they have no part in training, and "
            "count as predicted O",
            split,
            unseen,
            sum(words),
        )


def data_record(data: PreparedData, truncated: dict[str, int]) -> DataRecord:
    """Return what the record says of the data, given how many rows of each split were cut."""
    return DataRecord(
        source=data.source,
        fingerprint=data.fingerprint,
        task_kind=data.task.kind,
        label_names=data.task.label_names,
        text_columns=data.task.text_columns,
        splits=tuple(
            SplitRecord(
                name=split.name,
                rows=split.rows,
                origin=split.origin,
                sha256=split.sha256,
                label_counts=dict(split.label_counts),
                empty_texts=split.empty_texts,
                truncated=truncated.get(split.name),
            )
            for split in data.splits
        ),
        train_size=str(data.train_size) if data.train_size else None,
    )


def encoder_record(encoder: Encoder | None, movement: Movement | None) -> EncoderRecord | None:
    """Return what the record says of the encoder and of what moved."""
    if encoder is None or movement is None:
        return None
    training = {encoder.part_of(name) for name in encoder.trainable_names()}
    frozen = dict.fromkeys(encoder.part_of(name) for name in encoder.frozen_names())
    return EncoderRecord(
        checkpoint=encoder.checkpoint,
        revision=encoder.revision,
        family=encoder.family,
        blocks=encoder.num_blocks,
        frozen_prefix=encoder.frozen_prefix,
        frozen=tuple(part for part in frozen if part not in training),
        frozen_sha256=movement.frozen_sha256,
        moved=movement.moved,
        trainable=movement.trainable,
    )

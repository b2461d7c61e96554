"""What a run's record says, put together from what the run did."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.data import PreparedData
from textclf_core.data.tagged_words import WORDS
from textclf_core.encoder.subtokens import WORD_STARTS, unseen_words
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.records.schema import (
    DataRecord,
    EncoderRecord,
    PluginRecord,
    PostprocessingRecord,
    SplitRecord,
    TokenizationRecord,
)
from textclf_core.statistics.calibration import reliability
from textclf_core.training.parameter_check import Movement
from textclf_core.types.classifier import Classifier, Tokenizing
from textclf_core.types.recipe import Recipe

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.records.predictions import Predictions
    from textclf_core.types.postprocessing import Step

logger = logging.getLogger("textclf")


def trainer_of(plugins: ActivePlugins) -> ActivePlugin:
    """Return the one trainer."""
    [trainer] = plugins.of_role("trainer")
    return trainer


def recipe_of(trainer: object) -> Recipe | None:
    """Return the recipe among a trainer's options, if it has any of its fields; the others take their defaults."""
    names = [field.name for field in dataclasses.fields(Recipe) if hasattr(trainer, field.name)]
    return Recipe(**{name: getattr(trainer, name) for name in names}) if names else None


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


def truncated(classifier: Classifier, data: PreparedData) -> dict[str, int]:
    """Return how many rows of each split were cut to the longest input, where the classifier has a tokenizer."""
    if not isinstance(classifier, Tokenizing):
        return {}
    counts = {}
    for name, split in data.data.items():
        tokenized = classifier.tokenize(split)
        cut = np.asarray(tokenized["truncated"][:], dtype=bool)
        counts[name] = int(cut.reshape(len(split), -1).any(axis=1).sum())
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


def tokenization_record(classifier: Classifier) -> TokenizationRecord | None:
    """Return how texts became token ids, where the classifier has a tokenizer."""
    if not isinstance(classifier, Tokenizing):
        return None
    tokenization = classifier.tokenization
    return TokenizationRecord(
        max_length=tokenization.length or classifier.encoder.longest_input, truncation=tokenization.truncation
    )


def encoder_record(encoder: Encoder | None, movement: Movement | None) -> EncoderRecord | None:
    """Return what the record says of the encoder and of what moved."""
    if encoder is None or movement is None:
        return None
    return EncoderRecord(
        checkpoint=encoder.checkpoint,
        revision=encoder.revision,
        family=encoder.family,
        blocks=encoder.num_blocks,
        frozen_prefix=movement.frozen_prefix,
        frozen=movement.frozen_parts,
        frozen_sha256=movement.frozen_sha256,
        moved=movement.moved,
        trainable=movement.trainable,
        partly_frozen=movement.partly_frozen_parts,
    )


def postprocessing_records(
    steps: Sequence[Step],
    stages: Sequence[Mapping[str, Predictions]],
    metrics: Sequence[Mapping[str, Mapping[str, float | None]]],
) -> tuple[PostprocessingRecord, ...]:
    """Return what each step changed, and say what it set.

    Args:
        steps: the steps.
        stages: the predictions of each split before the first step and after each.
        metrics: the metrics of each of those.
    """
    if not steps:
        return ()
    numbers = [
        {name: _with_calibration(split, of_stage[name]) for name, split in predictions.items()}
        for predictions, of_stage in zip(stages, metrics, strict=True)
    ]
    for step in steps:
        logger.info("%s: %s", step.plugin, step.postprocessing)
    return tuple(
        PostprocessingRecord(plugin=step.plugin, fitted=str(step.postprocessing), before=before, after=after)
        for step, before, after in zip(steps, numbers, numbers[1:], strict=False)
    )


def _with_calibration(split: Predictions, metrics: Mapping[str, float | None]) -> dict[str, float | None]:
    found = reliability(np.asarray(split.references), np.asarray(split.scores))
    return {
        **metrics,
        "expected_calibration_error": found.ece,
        "negative_log_likelihood": found.log_loss,
    }

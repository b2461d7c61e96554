"""What a run's record says, put together from what the run did."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.data import PreparedData
from textclf_core.encoder.tokenizing_classifier import Tokenizing
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.records.cost import Cost
from textclf_core.records.formats import RECORD_FORMAT
from textclf_core.records.schema import (
    Adaptation,
    DataRecord,
    EncoderRecord,
    PluginRecord,
    PostprocessingRecord,
    Record,
    SplitRecord,
    TokenizationRecord,
)
from textclf_core.statistics.calibration import reliability
from textclf_core.tasks import kind_of
from textclf_core.training.parameter_check import ParameterUpdates
from textclf_core.types.classifier import Classifier
from textclf_core.types.phases import PhaseRecord
from textclf_core.types.recipe import Recipe

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.pipeline.evaluation import Evaluation
    from textclf_core.pipeline.spec import RunSpec
    from textclf_core.records.predictions import Predictions
    from textclf_core.types.postprocessing import PostprocessingStep

logger = logging.getLogger("textclf")


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What is known of a run when it is over; its record is built of this and of what was asked for.

    Attributes:
        id: the name of the run's directory.
        label: how reports call it.
        started: when, in UTC.
        finished: when, in UTC.
        plugins: those that were called.
        data: checked and split.
        truncated: how many rows of each split were truncated to the longest input.
        classifier: what training gave.
        encoder: the trained model; ``None`` where the trainer needs none.
        updates: what training changed in it.
        phases: the phases of training, where a plugin planned any.
        evaluation: metrics, and what postprocessing changed.
        cost: what it took.
        environment: versions and hardware.
        notes: what was logged.
        adaptations: what strategies changed in the model before training on labels.
    """

    id: str
    label: str
    started: datetime
    finished: datetime
    plugins: ActivePlugins
    data: PreparedData
    truncated: Mapping[str, int]
    classifier: Classifier
    encoder: Encoder | None
    updates: ParameterUpdates | None
    phases: tuple[PhaseRecord, ...]
    evaluation: Evaluation
    cost: Cost
    environment: dict[str, str]
    notes: tuple[str, ...]
    adaptations: tuple[Adaptation, ...]

    def with_notes(self, notes: Sequence[str]) -> RunFacts:
        """Return the same facts with other notes."""
        return dataclasses.replace(self, notes=tuple(notes))


def build_record(spec: RunSpec, facts: RunFacts) -> Record:
    """Return the record of a run: a pure function of what was asked for and what is known of it."""
    return Record(
        format=RECORD_FORMAT,
        id=facts.id,
        label=facts.label,
        started=facts.started.isoformat(timespec="seconds"),
        finished=facts.finished.isoformat(timespec="seconds"),
        command=spec.command,
        seed=spec.seed,
        data_seed=spec.data_seed,
        plugins=tuple(plugin_record(plugin) for plugin in facts.plugins),
        left_out=spec.left_out,
        data=data_record(facts.data, facts.truncated),
        encoder=encoder_record(facts.encoder, facts.updates),
        phases=facts.phases,
        metrics=facts.evaluation.metrics,
        postprocessing=facts.evaluation.postprocessing,
        cost=facts.cost,
        environment=facts.environment,
        notes=facts.notes,
        expected=spec.expected,
        tuning=spec.tuning,
        adaptations=facts.adaptations,
        tokenization=tokenization_record(facts.classifier),
    )


def trainer_of(plugins: ActivePlugins) -> ActivePlugin:
    """Return the one trainer."""
    [trainer] = plugins.of_role("trainer")
    return trainer


def recipe_of(trainer: object) -> Recipe | None:
    """Return the recipe among a trainer's options, if its class inherits it."""
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


def truncated(classifier: Classifier, data: PreparedData) -> dict[str, int]:
    """Return how many rows of each split were truncated to the longest input, where the classifier has a tokenizer."""
    if not isinstance(classifier, Tokenizing):
        return {}
    counts = {}
    for name, split in data.data.items():
        tokenized = classifier.tokenize(split)
        cut = np.asarray(tokenized["truncated"][:], dtype=bool)
        counts[name] = int(cut.reshape(len(split), -1).any(axis=1).sum())
        if note := kind_of(data.task).unseen(tokenized, split):
            logger.info("%s: %s", name, note)
    return counts


def data_record(data: PreparedData, truncated: Mapping[str, int]) -> DataRecord:
    """Return what the record says of the data, given how many rows of each split were truncated."""
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


def encoder_record(encoder: Encoder | None, updates: ParameterUpdates | None) -> EncoderRecord | None:
    """Return what the record says of the encoder and of what training updated."""
    if encoder is None or updates is None:
        return None
    return EncoderRecord(
        checkpoint=encoder.checkpoint,
        revision=encoder.revision,
        family=encoder.family,
        blocks=encoder.num_blocks,
        frozen_prefix=updates.frozen_prefix,
        frozen=updates.frozen_parts,
        frozen_sha256=updates.frozen_sha256,
        updated=updates.updated,
        trainable=updates.trainable,
        partly_frozen=updates.partly_frozen_parts,
    )


def postprocessing_records(
    steps: Sequence[PostprocessingStep],
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

"""Building a run's record from its specification and its facts."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    EncoderRecord,
    PluginRecord,
    PostprocessingRecord,
    Record,
    TokenizationRecord,
)
from textclf_core.statistics.calibration import reliability
from textclf_core.tasks import kind_of
from textclf_core.training.parameter_check import ParameterUpdates
from textclf_core.types.classifier import Classifier
from textclf_core.types.data import DataRecord
from textclf_core.types.phases import PhaseRecord
from textclf_core.types.recipe import Recipe
from textclf_core.types.record import Fact

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.pipeline.evaluation import Evaluation
    from textclf_core.pipeline.spec import RunSpec
    from textclf_core.records.predictions import Predictions
    from textclf_core.types.postprocessing import PostprocessingStep

logger = logging.getLogger("textclf")


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """The facts of a finished run, from which its record is built, together with its specification.

    Attributes:
        id: the name of the run directory.
        label: the run's name in reports.
        started: the start time, in UTC.
        finished: the end time, in UTC.
        plugins: the plugins that were called.
        data: the data, checked and split.
        truncated: the number of truncated rows of each split.
        classifier: the trained classifier.
        encoder: the trained model; ``None`` if the trainer needs none.
        updates: the changes of the model's parameters.
        phases: the phases of training, if a plugin planned any.
        evaluation: the metrics and the postprocessing.
        cost: the measured cost.
        environment: versions and hardware.
        notes: the logged messages.
        adaptations: the strategies' adaptations of the model before training on labels.
        trainer_facts: what the trainer recorded, by name.
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
    trainer_facts: Mapping[str, Fact]

    def with_notes(self, notes: Sequence[str]) -> RunFacts:
        """Return the same facts with other notes."""
        return replace(self, notes=tuple(notes))


def build_record(spec: RunSpec, facts: RunFacts) -> Record:
    """Return the record of a run; a pure function of its specification and facts."""
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
        looks=spec.looks,
        adaptations=facts.adaptations,
        facts=dict(facts.trainer_facts),
        tokenization=tokenization_record(facts.classifier),
    )


def trainer_of(plugins: ActivePlugins) -> ActivePlugin:
    """Return the trainer of a run."""
    [trainer] = plugins.of_role("trainer")
    return trainer


def recipe_of(trainer: object) -> Recipe | None:
    """Return the recipe in a trainer's options; ``None`` if its class doesn't inherit ``Recipe``."""
    if not isinstance(trainer, Recipe):
        return None
    return Recipe(**{field.name: getattr(trainer, field.name) for field in dataclasses.fields(Recipe)})


def label_of(plugins: ActivePlugins) -> str:
    """Return a short label of a run: its strategies with their options, or else its trainer."""
    return " + ".join(plugin.spec for plugin in plugins.of_role("strategy")) or trainer_of(plugins).spec


def plugin_record(plugin: ActivePlugin) -> PluginRecord:
    """Return the record of an active plugin."""
    return PluginRecord(
        name=plugin.name,
        roles=plugin.roles,
        distribution=plugin.distribution,
        version=plugin.version,
        options={key: _plain(value) for key, value in plugin.options.items()},
        set_by=dict(plugin.set_by),
    )


def _plain(value: object) -> Any:
    """Return an option's value as a JSON value."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def truncated(classifier: Classifier, data: PreparedData) -> dict[str, int]:
    """Return the number of truncated rows of each split; empty if the classifier has no tokenizer."""
    if not isinstance(classifier, Tokenizing):
        return {}
    counts = {}
    for name, split in data.data.items():
        tokenized = classifier.tokenize(split)
        flags = np.asarray(tokenized["truncated"][:], dtype=bool)
        counts[name] = int(flags.reshape(len(split), -1).any(axis=1).sum())
        if note := kind_of(data.task).unseen(tokenized, split):
            logger.info("%s: %s", name, note)
    return counts


def data_record(data: PreparedData, truncated: Mapping[str, int]) -> DataRecord:
    """Return the record of the data, given the number of truncated rows of each split."""
    splits = tuple(replace(split, truncated=truncated.get(split.name)) for split in data.record.splits)
    return replace(data.record, splits=splits)


def tokenization_record(classifier: Classifier) -> TokenizationRecord | None:
    """Return the record of the tokenization; ``None`` if the classifier has no tokenizer."""
    if not isinstance(classifier, Tokenizing):
        return None
    tokenization = classifier.tokenization
    return TokenizationRecord(
        max_length=tokenization.length or classifier.encoder.longest_input, truncation=tokenization.truncation
    )


def encoder_record(encoder: Encoder | None, updates: ParameterUpdates | None) -> EncoderRecord | None:
    """Return the record of the encoder and its updates; ``None`` without an encoder."""
    if encoder is None or updates is None:
        return None
    return EncoderRecord(
        checkpoint=encoder.checkpoint,
        revision=encoder.revision,
        family=encoder.family,
        blocks=encoder.num_blocks if encoder.knows_blocks else None,
        frozen_prefix=updates.frozen_prefix,
        frozen=updates.frozen_parts,
        frozen_sha256=updates.frozen_sha256,
        updated=updates.updated,
        trainable=updates.trainable,
        partly_frozen=updates.partly_frozen_parts,
        plain=type(encoder.model).__module__.partition(".")[0] == "transformers",
    )


def postprocessing_records(
    steps: Sequence[PostprocessingStep],
    stages: Sequence[Mapping[str, Predictions]],
    metrics: Sequence[Mapping[str, Mapping[str, float | None]]],
) -> tuple[PostprocessingRecord, ...]:
    """Return the record of each postprocessing step, and log its fitted values.

    Args:
        steps: the steps.
        stages: the predictions of each split before the first step and after each step.
        metrics: the metrics of these predictions.
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

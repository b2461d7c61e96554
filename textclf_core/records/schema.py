"""The record of a run: its inputs, cost and results. The format is public; see docs/record.md."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from textclf_core.errors import UsageError
from textclf_core.records.cost import Cost
from textclf_core.records.formats import RECORD_FORMAT, upgraded
from textclf_core.storage.places import shown
from textclf_core.types.data import DataRecord
from textclf_core.types.phases import PhaseRecord
from textclf_core.types.record import Fact

RECORD_FILE = "record.json"
INCOMPLETE = ".incomplete"
"""How the name of a folder ends that has the files of a failed or interrupted run."""
PREDICTIONS_FILE = "predictions.parquet"
HISTORY_FILE = "history.jsonl"
MODEL_DIRECTORY = "model"
CHECKPOINTS_DIRECTORY = "checkpoints"
TRIALS_DIRECTORY = "trials"
"""The subfolder of an output folder for the runs of tuning, whose models are removed."""
CLASSIFIER_FILE = "classifier.json"
CARD_FILE = "README.md"


@dataclass(frozen=True, kw_only=True)
class PluginRecord:
    """An active plugin.

    Attributes:
        name: the name in a spec.
        roles: ``dataset``, ``model``, ``strategy``, ``trainer``, ``postprocessor``, ``metric``,
            ``observer``, ``reporter``, ``executor``.
        distribution: the distribution that it comes from, or ``file PATH`` (which has no version).
        version: the distribution's version.
        options: every option with its value.
        set_by: where each option was set: ``default``, ``command line``, ``call`` (from Python) or a file.
    """

    name: str
    roles: tuple[str, ...]
    distribution: str
    version: str | None
    options: dict[str, Any]
    set_by: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class TokenizationRecord:
    """How texts became token ids.

    Attributes:
        max_length: maximum input length in tokens, special tokens included, after resolving a percentile or the model's
            limit.
        truncation: the part of a longer text that was used: ``head``, ``tail`` or ``head+tail``.
    """

    max_length: int
    truncation: str


@dataclass(frozen=True, kw_only=True)
class EncoderRecord:
    """The encoder and its frozen parts.

    Attributes:
        checkpoint: the name or folder of the weights.
        revision: the commit on the hub, if known.
        family: the ``model_type`` of transformers.
        blocks: number of encoder blocks; ``None`` if they can't be identified.
        frozen_prefix: 0 for nothing, 1 for the embeddings, 1+k for the embeddings and the first k blocks; 0 if
            ``blocks`` is ``None``.
        frozen: the completely frozen parts, such as ``embeddings``, ``block 0``.
        frozen_sha256: hash of all frozen parameters, equal before and after training; ``None`` if none was frozen.
        updated: number of trainable parameter tensors that training changed.
        trainable: number of parameter tensors that were trainable in any phase.
        partly_frozen: the parts of which some parameters were trainable and others weren't.
        plain: whether the model is of a class of transformers, which can load it; if not, the plugin that built it can.
    """

    checkpoint: str
    revision: str | None
    family: str
    blocks: int | None
    frozen_prefix: int
    frozen: tuple[str, ...]
    frozen_sha256: str | None
    updated: int
    trainable: int
    partly_frozen: tuple[str, ...] = ()
    plain: bool = True


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """A plugin's adaptation of the model before training on labels.

    Attributes:
        plugin: name of the plugin.
        facts: values that the plugin recorded, by name.
    """

    plugin: str
    facts: dict[str, Fact]


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """The cost of a run as estimated from a pilot run of a few steps.

    Attributes:
        seconds: wall time of the whole run.
        peak_memory_bytes: peak resident set size.
        artifact_bytes: size of the saved model.
        cache_bytes: size of what the run adds to the cache.
    """

    seconds: float
    peak_memory_bytes: int
    artifact_bytes: int
    cache_bytes: int


@dataclass(frozen=True, kw_only=True)
class TunedOption:
    """An option that was tuned.

    Attributes:
        option: the plugin and its option, such as ``finetune:learning_rate``.
        value: the chosen value.
        searched: the range or the choices, such as ``1e-05..0.01``.
    """

    option: str
    value: str | int | float
    searched: str


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The tuning of options before a run.

    Attributes:
        options: the options, with their chosen values.
        trials: number of values, or of combinations of values, that were tried.
        ended_early: number of trials that weren't run on all of train.
        seed: seed of the trials, which no run of the comparison has.
        train_seconds: seconds of training in all trials; 0 in records of format 2 and earlier, which don't have them.
        train_flops: FLOPs of training in all trials; ``None`` if they are unknown.
        validation_score: score of the chosen values on validation, in their trial.
        own_sample: whether the trials were run on this run's own training sample, so that each seed of a contender has
            values of its own.
    """

    options: tuple[TunedOption, ...]
    trials: int
    ended_early: int
    seed: int
    train_seconds: float
    train_flops: float | None
    validation_score: float
    own_sample: bool = False


@dataclass(frozen=True, kw_only=True)
class PostprocessingRecord:
    """A postprocessing step, with the metrics before and after it.

    They include ``expected_calibration_error`` (15 bins) and ``negative_log_likelihood`` (nats) of all rows' scores.

    Attributes:
        plugin: name of the plugin.
        fitted: a description of the values that were fitted.
        before: metrics by split and name, before this step.
        after: metrics by split and name, after this step.
    """

    plugin: str
    fitted: str
    before: dict[str, dict[str, float | None]]
    after: dict[str, dict[str, float | None]]


@dataclass(frozen=True, kw_only=True)
class Record:
    """The inputs, cost and results of a run. It never contains a secret.

    Attributes:
        format: version of the record's format.
        id: name of the run directory.
        label: the run's strategies, or the contender's name in a comparison.
        started: start time, in UTC (ISO 8601).
        finished: end time, in UTC (ISO 8601).
        command: command line of the run; ``None`` for a call from Python.
        seed: seed of the head's initial weights, the order of the examples and dropout.
        data_seed: seed of held-out splits and samples.
        plugins: the active plugins, in the order in which their hooks were called.
        left_out: plugins of a comparison's base that this run doesn't need.
        data: the source of the rows, and the splits.
        encoder: the model and its frozen parts; ``None`` if the trainer needs no model.
        metrics: metrics by split (``validation``, ``test``) and name.
        cost: the measured cost.
        environment: versions of Python and of the packages that compute, the platform, the device, the number of
            threads.
        notes: messages that the run logged, warnings included.
        expected: the estimated cost from a pilot run, if there was one (``textclf compare --dry-run``).
        tuning: the tuning of options, if there was one (``textclf compare --tune``).
        looks: numbers of seeds at which its comparison was planned to look at the results; empty for a run alone.
        phases: the phases of training, if a plugin planned any; else empty.
        postprocessing: the postprocessing steps, in order; ``metrics`` are those after the last step.
        adaptations: the strategies' adaptations of the model before training on labels, in order.
        tokenization: how texts became token ids; ``None`` if unknown.
        processes: number of processes that shared the run (``torchrun``). Seconds are those of the first, counts of
            examples, tokens and FLOPs those of all.
        facts: what the trainer recorded, by name, such as its number of trees.
    """

    format: int
    id: str
    label: str
    started: str
    finished: str
    command: str | None
    seed: int
    data_seed: int
    plugins: tuple[PluginRecord, ...]
    left_out: tuple[str, ...]
    data: DataRecord
    encoder: EncoderRecord | None
    metrics: dict[str, dict[str, float | None]]
    cost: Cost
    environment: dict[str, str]
    notes: tuple[str, ...]
    expected: CostEstimate | None = None
    tuning: Tuning | None = None
    looks: tuple[int, ...] = ()
    phases: tuple[PhaseRecord, ...] = ()
    postprocessing: tuple[PostprocessingRecord, ...] = ()
    adaptations: tuple[Adaptation, ...] = ()
    tokenization: TokenizationRecord | None = None
    processes: int = 1
    facts: dict[str, Fact] = field(default_factory=dict)

    def plugin(self, role: str) -> PluginRecord | None:
        """Return the first plugin of a role, or ``None``."""
        return next((plugin for plugin in self.plugins if role in plugin.roles), None)


_ADAPTER = TypeAdapter(Record)


def write_record(record: Record, directory: Path) -> None:
    """Write ``record.json`` into ``directory``."""
    text = json.dumps(asdict(record), indent=2, ensure_ascii=False, allow_nan=False)
    (directory / RECORD_FILE).write_text(text + "\n", encoding="utf-8")


def read_record(directory: Path) -> Record:
    """Read the record of the run in ``directory``.

    Raises:
        UsageError: there is no run, or its record has an unsupported format or invalid content.
    """
    path = directory / RECORD_FILE
    if not path.is_file():
        where = shown(directory)
        raise UsageError(f"{where} is not a run: it has no {RECORD_FILE}. Give a run directory, such as runs/ID.")
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("format") not in range(1, RECORD_FORMAT + 1):
        raise UsageError(
            f"{path}: the record has format {content.get('format')!r}, but this version of textclf reads formats 1 to "
            f"{RECORD_FORMAT}."
        )
    try:
        return _ADAPTER.validate_python(upgraded(content))
    except (KeyError, TypeError, ValidationError) as error:
        raise UsageError(f"{path}: the record can't be read: {error}") from error

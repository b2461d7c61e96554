"""The record of a run: what was asked, what was done, what came out. Its format is public; see docs/record.md."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from textclf_core.errors import UsageError
from textclf_core.records.cost import Cost
from textclf_core.records.formats import RECORD_FORMAT, upgraded
from textclf_core.types.phases import PhaseRecord
from textclf_core.types.record import Fact
from textclf_core.types.task import Kind, Task

RECORD_FILE = "record.json"
PREDICTIONS_FILE = "predictions.parquet"
HISTORY_FILE = "history.jsonl"
MODEL_DIRECTORY = "model"
CHECKPOINTS_DIRECTORY = "checkpoints"
CLASSIFIER_FILE = "classifier.json"


@dataclass(frozen=True, kw_only=True)
class PluginRecord:
    """One active plugin.

    Attributes:
        name: the name in a spec.
        roles: ``dataset``, ``model``, ``strategy``, ``trainer``, ``postprocessor``, ``metric``,
            ``observer``.
        distribution: what brings it: a distribution, or ``file PATH`` (which has no version).
        version: the distribution's version.
        options: every option with its value.
        set_by: for each option, who set it: ``default``, ``command line``, ``call`` (from Python) or a file.
    """

    name: str
    roles: tuple[str, ...]
    distribution: str
    version: str | None
    options: dict[str, Any]
    set_by: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class SplitRecord:
    """One split: how many rows, where they came from, and a hash that tells it from any other.

    Attributes:
        name: ``train``, ``validation`` or ``test``.
        rows: how many.
        origin: ``given``, or ``held out from train``.
        sha256: over the texts and the label names, in their order.
        label_counts: how many rows have each label (a row may have several); where each word has one, how many words.
        empty_texts: how many rows have no text.
        truncated: how many rows were longer than the longest input, and truncated; ``None`` where it wasn't counted.
    """

    name: str
    rows: int
    origin: str
    sha256: str
    label_counts: dict[str, int]
    empty_texts: int
    truncated: int | None = None


@dataclass(frozen=True, kw_only=True)
class DataRecord:
    """The data: where the rows came from, the task they set, the splits.

    Attributes:
        source: where the rows came from, as the dataset plugin tells it.
        fingerprint: sha256 over the label names and all splits.
        task_kind: ``single-label``, ``multi-label`` where a text may have several labels, or ``tokens`` where each word
            has one.
        label_names: the names of the labels, in the order of their ids.
        text_columns: the columns that hold the texts.
        splits: ``train``, ``validation`` and ``test``.
        train_size: how much of train was used, such as ``16/class`` or ``10%``; ``None`` if all of it.
    """

    source: str
    fingerprint: str
    task_kind: str
    label_names: tuple[str, ...]
    text_columns: tuple[str, ...]
    splits: tuple[SplitRecord, ...]
    train_size: str | None = None

    @property
    def task(self) -> Task:
        """The task."""
        return Task(self.label_names, self.text_columns, cast(Kind, self.task_kind))


@dataclass(frozen=True, kw_only=True)
class TokenizationRecord:
    """How texts became token ids.

    Attributes:
        max_length: the longest input in tokens, special ones included; what a percentile or the model's limit came to.
        truncation: what of a longer text was kept: ``head``, ``tail`` or ``head+tail``.
    """

    max_length: int
    truncation: str


@dataclass(frozen=True, kw_only=True)
class EncoderRecord:
    """The encoder and what of it was frozen.

    Attributes:
        checkpoint: the name or the folder that the weights came from.
        revision: the commit on the hub, where it is known.
        family: the ``model_type`` of transformers.
        blocks: how many encoder blocks the model has.
        frozen_prefix: 0 nothing, 1 the embeddings, 1+k the embeddings and the first k blocks.
        frozen: the parts no parameter of which trained, such as ``embeddings``, ``block 0``.
        frozen_sha256: one hash over every frozen parameter, equal before and after training; ``None`` if none was.
        updated: how many trainable parameter tensors training changed.
        trainable: how many there were; a parameter counts that trained in any phase.
        partly_frozen: the parts of which some parameters trained and others didn't.
    """

    checkpoint: str
    revision: str | None
    family: str
    blocks: int
    frozen_prefix: int
    frozen: tuple[str, ...]
    frozen_sha256: str | None
    updated: int
    trainable: int
    partly_frozen: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What a plugin changed in the model before training on labels.

    Attributes:
        plugin: the plugin's name.
        facts: what it tells of it, by name.
    """

    plugin: str
    facts: dict[str, Fact]


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """What a pilot run of a few steps expected a run to take.

    Attributes:
        seconds: of the whole run.
        peak_memory_bytes: largest resident set.
        artifact_bytes: size of the saved model.
        cache_bytes: what the run adds to the cache.
    """

    seconds: float
    peak_memory_bytes: int
    artifact_bytes: int
    cache_bytes: int


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How an option's value was found before a run.

    Attributes:
        option: the plugin and its option: ``finetune:learning_rate``.
        value: the value found.
        low: the lower end of the range that was searched.
        high: the upper end.
        trials: how many values were tried.
        train_flops: what the trials' training took.
        validation_score: of the value found, on validation, in its trial.
    """

    option: str
    value: float
    low: float
    high: float
    trials: int
    train_flops: float
    validation_score: float


@dataclass(frozen=True, kw_only=True)
class PostprocessingRecord:
    """What a postprocessor did: the metrics before it and after it, those of calibration among them.

    ``expected_calibration_error`` (15 bins) and ``negative_log_likelihood`` (nats) are of the scores of all rows.

    Attributes:
        plugin: its name.
        fitted: what it set, in words.
        before: numbers by split and name, of what the steps before it left.
        after: the same of what it left.
    """

    plugin: str
    fitted: str
    before: dict[str, dict[str, float | None]]
    after: dict[str, dict[str, float | None]]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything that says what a run was and what came of it. It never holds a secret.

    Attributes:
        format: the version of this layout.
        id: the name of the run's directory.
        label: what tells the run from others: its strategies, or how a comparison called it.
        started: when, in UTC (ISO 8601).
        finished: when, in UTC (ISO 8601).
        command: the command line that asked for it; ``None`` for a call from Python.
        seed: decided the head, the order of the examples and the dropout.
        data_seed: decided held-out splits and samples.
        plugins: the active plugins, in the order in which their hooks were called.
        left_out: plugins of a comparison's base that this run has no use for.
        data: where the rows came from, and the splits.
        encoder: the model, and what of it was frozen; ``None`` where the trainer has no use for one.
        metrics: numbers by split (``validation``, ``test``) and name.
        cost: what it took.
        environment: versions of Python and of the packages that compute, the platform, the device, the threads.
        notes: what the run told its user, warnings included.
        expected: what a pilot run expected the run to take, where there was one (``textclf compare --dry-run``).
        tuning: how the value of a tuned option was found (``textclf compare --tune``).
        phases: how training went on, stretch by stretch, where a plugin had a say in it; else empty.
        postprocessing: what was done with the scores, step by step; ``metrics`` are those after the last.
        adaptations: what strategies changed in the model before training on labels, in their order.
        tokenization: how texts became token ids; ``None`` where that isn't known.
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
    phases: tuple[PhaseRecord, ...] = ()
    postprocessing: tuple[PostprocessingRecord, ...] = ()
    adaptations: tuple[Adaptation, ...] = ()
    tokenization: TokenizationRecord | None = None

    def plugin(self, role: str) -> PluginRecord | None:
        """Return the first plugin of ``role``, or ``None``."""
        return next((plugin for plugin in self.plugins if role in plugin.roles), None)


_ADAPTER = TypeAdapter(Record)


def write_record(record: Record, directory: Path) -> None:
    """Write ``record.json`` into ``directory``."""
    text = json.dumps(asdict(record), indent=2, ensure_ascii=False, allow_nan=False)
    (directory / RECORD_FILE).write_text(text + "\n", encoding="utf-8")


def read_record(directory: Path) -> Record:
    """Read the record of the run in ``directory``.

    Raises:
        UsageError: there is no run, or its record is of another format.
    """
    path = directory / RECORD_FILE
    if not path.is_file():
        raise UsageError(f"{directory}: no run there (it has no {RECORD_FILE}). Give a run directory, such as runs/ID.")
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("format") not in range(1, RECORD_FORMAT + 1):
        raise UsageError(
            f"{path}: the record has format {content.get('format')!r}, this version of textclf reads 1 to "
            f"{RECORD_FORMAT}."
        )
    try:
        return _ADAPTER.validate_python(upgraded(content))
    except (KeyError, TypeError, ValidationError) as error:
        raise UsageError(f"{path}: the record can't be read: {error}") from error

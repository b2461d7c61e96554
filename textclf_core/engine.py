"""One run, from top to bottom: load, check, split, build, freeze, train, predict, score, record."""

from __future__ import annotations

import dataclasses
import logging
import math
import random
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from datasets import Dataset

from textclf_core.cache import CacheFolder
from textclf_core.cost import Cost, Meter, directory_bytes, peak_memory_bytes, reset_peak_memory
from textclf_core.data import PreparedData, prepare
from textclf_core.environment import environment, resolve_device
from textclf_core.errors import RunError, TextclfError
from textclf_core.integrity import Movement, ParameterHashes
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.predictions import Predictions, write_predictions
from textclf_core.progress import Progress
from textclf_core.recipe import Recipe
from textclf_core.records import (
    MODEL_DIRECTORY,
    RECORD_FORMAT,
    DataRecord,
    EncoderRecord,
    Expected,
    PluginRecord,
    Record,
    SplitRecord,
    Tuning,
    write_record,
)
from textclf_core.run_directory import RunDirectory, run_id
from textclf_core.saving import save_classifier
from textclf_core.workspace import Workspace

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.classifier import Classifier
    from textclf_core.encoder import Encoder
    from textclf_core.task import Task

_LATENCY_ROWS = 20
_EVALUATED = ("validation", "test")


@dataclass(frozen=True)
class Experiment:
    """What to run.

    Attributes:
        plugins: the active plugins, one for each exclusive role.
        data: data in memory, or prepared before; the dataset plugin isn't asked then.
        id: the name of the run's directory; time, strategy and seed if not set.
        label: how a comparison calls it.
        seed: decides the head, the order of the examples and the dropout.
        data_seed: decides carved splits and samples.
        output: the folder that gets the run's directory.
        device: a torch device, or ``auto``.
        command: the command line that asked for it, for the record.
        left_out: plugins of a comparison's base that this run has no use for, for the record.
        replace: take the place of a run of the same ``id``; else the new one gets a number.
        cache: what runs share; the user's cache if not set.
        expected: what a probe expected it to take, for the record.
        tuning: how the value of a tuned option was found, for the record.
    """

    plugins: ActivePlugins
    data: DatasetDict | PreparedData | None = None
    seed: int = 0
    data_seed: int = 0
    output: Path = Path("runs")
    device: str = "auto"
    command: str | None = None
    id: str | None = None
    label: str | None = None
    left_out: tuple[str, ...] = ()
    replace: bool = False
    cache: CacheFolder | None = None
    expected: Expected | None = None
    tuning: Tuning | None = None


def run_experiment(experiment: Experiment, progress: Progress) -> tuple[Path, Record]:
    """Run an experiment and leave its run directory, whole; return the directory and the record.

    Raises:
        TextclfError: what a user can mend. Whatever was computed by then is kept beside, as the error says.
    """
    plugins, seed = experiment.plugins, experiment.seed
    started = datetime.now(UTC)
    device = resolve_device(experiment.device)
    # Its bars for loading and saving would run through ours.
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    reset_peak_memory(device)
    label = experiment.label or _label(plugins)
    name = experiment.id or run_id(started, label, seed)
    with RunDirectory(experiment.output, name, replace=experiment.replace) as directory, _Notes() as notes:
        workspace = Workspace(directory.partial, device, cache=experiment.cache or CacheFolder())
        meter = workspace.meter
        with meter.time("total"):
            with meter.time("load"):
                data = _load(experiment)
                _check_metrics(plugins, data.task)
            encoder = None
            if plugins.needs_encoder:
                with meter.time("build"):
                    encoder = build_encoder(plugins, data.task, seed, device)
                    _call(plugins, "textclf_freeze", encoder=encoder)
            with meter.time("train"):
                classifier, movement = _train(plugins, encoder, data, seed, workspace, progress)
            with meter.time("save"):
                model_directory = directory.partial / MODEL_DIRECTORY
                save_classifier(classifier, model_directory, data.task, _plugin_record(_trainer(plugins)))
            with meter.time("predict"):
                predictions = {
                    name: Predictions(data.data[name], classifier.scores(data.data[name])) for name in _EVALUATED
                }
                write_predictions(predictions, data.task, directory.partial)
            with meter.time("metrics"):
                metrics = {name: _score(plugins, split, data.task) for name, split in predictions.items()}
            with meter.time("latency"):
                latency_seconds = _latency(classifier, data)
        record = Record(
            format=RECORD_FORMAT,
            id=directory.id,
            label=label,
            started=started.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            command=experiment.command,
            seed=seed,
            data_seed=experiment.data_seed,
            plugins=tuple(_plugin_record(plugin) for plugin in plugins),
            left_out=experiment.left_out,
            data=_data_record(data, _truncated(plugins, encoder, data)),
            encoder=_encoder_record(encoder, movement),
            metrics=metrics,
            cost=_cost(meter, encoder, device, directory_bytes(model_directory), latency_seconds),
            environment=environment(device),
            notes=notes.messages,
            expected=experiment.expected,
            tuning=experiment.tuning,
        )
        write_record(record, directory.partial)
    return directory.path, record


def _load(experiment: Experiment) -> PreparedData:
    """Load the data, check them, and carve the splits that they lack."""
    if isinstance(experiment.data, PreparedData):
        return experiment.data
    if experiment.data is not None:
        return prepare(experiment.data, experiment.data_seed)
    return load_data(experiment.plugins, experiment.data_seed)


def load_data(plugins: ActivePlugins, data_seed: int) -> PreparedData:
    """Ask the dataset plugin for its data and prepare them.

    Raises:
        DataError: they can't be had or can't be used.
    """
    return prepare(_call(plugins, "textclf_load_data", data_seed=data_seed), data_seed)


def build_encoder(plugins: ActivePlugins, task: Task, seed: int, device: str) -> Encoder:
    """Ask the model plugin for its encoder, with a head that depends on the seed alone, on ``device``.

    Raises:
        TextclfError: the model can't be had.
    """
    _seed_everything(seed)
    encoder: Encoder = _call(plugins, "textclf_build_model", task=task, seed=seed)
    encoder.model.to(device)  # type: ignore[arg-type]  # the decorator around it hides its signature
    return encoder


def _train(
    plugins: ActivePlugins,
    encoder: Encoder | None,
    data: PreparedData,
    seed: int,
    workspace: Workspace,
    progress: Progress,
) -> tuple[Classifier, Movement | None]:
    """Train without the test split, and prove what moved."""
    before = ParameterHashes(encoder) if encoder else None
    # Anew, so that the order and the dropout don't depend on how many numbers the model's initialisation drew.
    _seed_everything(seed)
    classifier: Classifier = _call(
        plugins,
        "textclf_train",
        encoder=encoder,
        data=type(data.data)({name: data.data[name] for name in ("train", "validation")}),
        task=data.task,
        recipe=_recipe(_trainer(plugins).instance),
        seed=seed,
        workspace=workspace,
        progress=progress,
    )
    return classifier, before.check(encoder) if before and encoder else None


def _score(plugins: ActivePlugins, split: Predictions, task: Task) -> dict[str, float | None]:
    """Return the metrics of all plugins, merged; ``None`` for what isn't a number."""
    values: dict[str, float | None] = {}
    giver: dict[str, str] = {}
    for plugin in plugins.of_role("metric"):
        [given] = _call(
            ActivePlugins([plugin]),
            "textclf_compute_metrics",
            references=split.references,
            predictions=split.predictions,
            scores=split.scores,
            task=task,
        )
        for name, value in given.items():
            if name in giver:
                raise RunError(f"the plugins {giver[name]} and {plugin.name} both give the metric {name!r}; use one.")
            giver[name] = plugin.name
            values[name] = float(value) if math.isfinite(value) else None
    return values


def _check_metrics(plugins: ActivePlugins, task: Task) -> None:
    """Score one right prediction of each label: what a metric refuses shows before training, not after."""
    labels = Dataset.from_dict({"label": list(range(task.num_labels))})
    _score(plugins, Predictions(labels, np.eye(task.num_labels, dtype=np.float32)), task)


def _latency(classifier: Classifier, data: PreparedData) -> float:
    """Return the median seconds to score one example of validation on its own."""
    rows = data.data["validation"]
    seconds = []
    for index in range(min(_LATENCY_ROWS, len(rows))):
        row = rows.select([index])
        start = time.perf_counter()
        classifier.scores(row)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _call(plugins: ActivePlugins, hook: str, **arguments: Any) -> Any:
    """Call a hook. What isn't an error of textclf's own becomes one that names the hook and its plugins."""
    try:
        result = getattr(plugins.hook, hook)(**arguments)
    except TextclfError:
        raise
    except Exception as error:
        raise RunError(f"{hook} failed ({_implementing(plugins, hook)}): {type(error).__name__}: {error}") from error
    if result is None:
        raise RunError(f"{hook} gave no result ({_implementing(plugins, hook)}).")
    return result


def _implementing(plugins: ActivePlugins, hook: str) -> str:
    names = [plugin.name for plugin in plugins if hasattr(plugin.instance, hook)]
    return f"plugin {', '.join(names)}"


def _seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _recipe(trainer: object) -> Recipe | None:
    """Return the recipe among a trainer's options, if it has one."""
    if not isinstance(trainer, Recipe):
        return None
    return Recipe(**{field.name: getattr(trainer, field.name) for field in dataclasses.fields(Recipe)})


def _label(plugins: ActivePlugins) -> str:
    """Return what tells a run from others at a glance: its strategies with their options, or its trainer."""
    return " + ".join(plugin.spec for plugin in plugins.of_role("strategy")) or _trainer(plugins).spec


def _trainer(plugins: ActivePlugins) -> ActivePlugin:
    [trainer] = plugins.of_role("trainer")
    return trainer


class _Notes(logging.Handler):
    """Collects what is said during a run at level INFO or above."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._messages: list[str] = []

    @property
    def messages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._messages))

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())

    def __enter__(self) -> _Notes:
        logger = logging.getLogger("textclf")
        self._level = logger.level
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("textclf").removeHandler(self)
        logging.getLogger("textclf").setLevel(self._level)


def _plugin_record(plugin: ActivePlugin) -> PluginRecord:
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


def _truncated(plugins: ActivePlugins, encoder: Encoder | None, data: PreparedData) -> dict[str, int]:
    """Return how many rows of each split were cut to the longest input, where an encoder read them."""
    recipe = _recipe(_trainer(plugins).instance)
    if encoder is None or recipe is None:
        return {}
    return {name: sum(encoder.tokenize(data.data[name], data.task, recipe)["truncated"]) for name in data.data}


def _data_record(data: PreparedData, truncated: dict[str, int]) -> DataRecord:
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


def _encoder_record(encoder: Encoder | None, movement: Movement | None) -> EncoderRecord | None:
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


def _cost(meter: Meter, encoder: Encoder | None, device: str, artifact_bytes: int, latency_seconds: float) -> Cost:
    step_seconds = meter.seconds.get("train/steps", meter.seconds["train"])
    counted = meter.examples > 0
    return Cost(
        seconds={stage: round(seconds, 4) for stage, seconds in meter.seconds.items()},
        train_examples=meter.examples if counted else None,
        train_real_tokens=meter.real_tokens if counted else None,
        train_padded_tokens=meter.padded_tokens if counted else None,
        train_flops=meter.flops if counted else None,
        prefix_flops=meter.prefix_flops,
        prefix_rows_computed=meter.prefix_rows_computed,
        prefix_rows_read=meter.prefix_rows_read,
        cache_bytes=meter.cache_bytes,
        examples_per_second=meter.examples / step_seconds if counted else None,
        tokens_per_second=meter.real_tokens / step_seconds if counted else None,
        peak_memory_bytes=peak_memory_bytes(device),
        trainable_parameters=encoder.num_parameters(trainable=True) if encoder else None,
        total_parameters=encoder.num_parameters() if encoder else None,
        artifact_bytes=artifact_bytes,
        latency_seconds=latency_seconds,
    )

"""One run, from top to bottom: load, check, split, build, adapt, freeze, train, postprocess, predict, score, record."""

from __future__ import annotations

import logging
import math
import random
import shutil
import statistics
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
import torch
import transformers
from datasets import Dataset

from textclf_core.cache import CacheFolder
from textclf_core.cost import cost_of, directory_bytes, reset_peak_memory
from textclf_core.data import PreparedData, prepare
from textclf_core.environment import environment, resolve_device
from textclf_core.errors import RunError
from textclf_core.integrity import Movement, ParameterHashes
from textclf_core.observers import tell_observers
from textclf_core.plugins import ActivePlugins, suited
from textclf_core.plugins.calling import call
from textclf_core.postprocessing import (
    PostprocessedClassifier,
    Step,
    answers_from,
    check_postprocessing,
    fit_steps,
    may_abstain,
)
from textclf_core.predictions import Predictions, check_scores, write_predictions
from textclf_core.progress import Progress
from textclf_core.recording import (
    data_record,
    encoder_record,
    label_of,
    plugin_record,
    postprocessing_records,
    recipe_of,
    trainer_of,
    truncated,
)
from textclf_core.records import (
    MODEL_DIRECTORY,
    RECORD_FORMAT,
    Adaptation,
    Expected,
    PostprocessingRecord,
    Record,
    Tuning,
    write_record,
)
from textclf_core.run_directory import RunDirectory, run_id
from textclf_core.saving import save_classifier, save_postprocessing
from textclf_core.training.plan import TrainingPlan
from textclf_core.workspace import Workspace

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.classifier import Classifier, Scores
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
        probe: it is run to find out what runs will take; see ``Workspace.probe``.
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
    probe: bool = False


def run_experiment(experiment: Experiment, progress: Progress) -> tuple[Path, Record]:
    """Run an experiment and leave its run directory, whole; return the directory and the record.

    Raises:
        TextclfError: what a user can mend. Whatever was computed by then is kept beside, as the error says.
    """
    seed = experiment.seed
    with Room(experiment, reset_peak_memory(resolve_device(experiment.device))) as room:
        meter = room.workspace.meter
        with meter.time("total"):
            with meter.time("load"):
                data = prepared_data(experiment)
                plugins = suited(experiment.plugins, data.task)
                check_metrics(plugins, data.task)
                check_postprocessing(plugins, data.task)
            experiment = room.experiment = replace(experiment, plugins=plugins)
            encoder = plan = None
            adaptations: tuple[Adaptation, ...] = ()
            if plugins.needs_encoder:
                with meter.time("build"):
                    encoder = build_encoder(plugins, data.task, seed, room.workspace.device)
                adaptations = _adapt(plugins, encoder, data, seed, room.workspace, progress)
                if plugins.without_head:
                    encoder = encoder.without_head()
                freeze(plugins, encoder)
                plan = training_plan(plugins, encoder)
            with meter.time("train"):
                classifier, movement = _train(experiment, encoder, plan, data, room.workspace, progress)
            if encoder:
                call(plugins, "textclf_training_finished", encoder=encoder, workspace=room.workspace)
            evaluation = evaluate(plugins, classifier, data, room.workspace)
        record = room.leave_record(data, encoder, movement, evaluation, plan, adaptations)
    return room.directory.path, record


class Room:
    """Where a run takes place: its directory, which is whole or absent, its workspace, what is said meanwhile.

    Args:
        experiment: what is run.
        start_memory_bytes: what `reset_peak_memory` returned as the run began, for the record.
    """

    def __init__(self, experiment: Experiment, start_memory_bytes: int | None) -> None:
        self.experiment = experiment
        self._start_memory_bytes = start_memory_bytes
        self.label = experiment.label or label_of(experiment.plugins)
        self._started = datetime.now(UTC)
        device = resolve_device(experiment.device)
        # Its bars for loading and saving would run through ours.
        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        name = experiment.id or run_id(self._started, self.label, experiment.seed)
        self.directory = RunDirectory(experiment.output, name, replace=experiment.replace)
        cache = experiment.cache or CacheFolder()
        self.workspace = Workspace(self.directory.partial, device, cache=cache, probe=experiment.probe)
        self._notes = _Notes().__enter__()

    def __enter__(self) -> Room:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._notes.__exit__()
        self.directory.__exit__(kind, error, at)

    def discard(self, *_: object) -> None:
        """Leave nothing: the run didn't begin."""
        self._notes.__exit__()
        shutil.rmtree(self.directory.partial, ignore_errors=True)

    def leave_record(
        self,
        data: PreparedData,
        encoder: Encoder | None,
        movement: Movement | None,
        evaluation: Evaluation,
        plan: TrainingPlan | None = None,
        adaptations: tuple[Adaptation, ...] = (),
    ) -> Record:
        """Write the record, and return it."""
        experiment, workspace = self.experiment, self.workspace
        record = Record(
            format=RECORD_FORMAT,
            id=self.directory.id,
            label=self.label,
            started=self._started.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            command=experiment.command,
            seed=experiment.seed,
            data_seed=experiment.data_seed,
            plugins=tuple(plugin_record(plugin) for plugin in experiment.plugins),
            left_out=experiment.left_out,
            data=data_record(data, truncated(experiment.plugins, encoder, data)),
            encoder=encoder_record(encoder, movement),
            phases=tuple(plan.ran) if plan else (),
            metrics=evaluation.metrics,
            postprocessing=evaluation.postprocessing,
            cost=cost_of(
                workspace.meter,
                movement,
                workspace.device,
                start_memory_bytes=self._start_memory_bytes,
                artifact_bytes=directory_bytes(workspace.directory / MODEL_DIRECTORY),
                latency_seconds=evaluation.latency_seconds,
            ),
            environment=environment(workspace.device),
            notes=self._notes.messages,
            expected=experiment.expected,
            tuning=experiment.tuning,
            adaptations=adaptations,
        )
        write_record(record, workspace.directory)
        tell_observers(experiment.plugins, record, workspace.directory)
        if record.notes != self._notes.messages:  # an observer failed, or had something to say
            record = replace(record, notes=self._notes.messages)
            write_record(record, workspace.directory)
        return record


@dataclass(frozen=True)
class Evaluation:
    """How a classifier did: metrics by split and name, what postprocessing changed, the seconds that one text takes."""

    metrics: dict[str, dict[str, float | None]]
    postprocessing: tuple[PostprocessingRecord, ...]
    latency_seconds: float


def evaluate(plugins: ActivePlugins, classifier: Classifier, data: PreparedData, workspace: Workspace) -> Evaluation:
    """Save the classifier, predict validation and test, postprocess, and score what came of it."""
    meter = workspace.meter
    model = workspace.directory / MODEL_DIRECTORY
    with meter.time("save"):
        save_classifier(classifier, model, data.task, plugin_record(trainer_of(plugins)))
    with meter.time("predict"):
        scores = {name: classifier.scores(data.data[name]) for name in _EVALUATED}
        for name, of_split in scores.items():
            check_scores(of_split, data.data[name], data.task, name)
    with meter.time("postprocess"):
        steps = fit_steps(plugins, scores["validation"], data.data["validation"], data.task)
        save_postprocessing(steps, plugins, model)
    with meter.time("metrics"):
        stages = [
            {name: _predictions(data.data[name], of_split, steps[:taken]) for name, of_split in scores.items()}
            for taken in range(len(steps) + 1)
        ]
        write_predictions(stages[-1], data.task, workspace.directory)
        metrics = [
            {name: _score(plugins, split, data.task, may_abstain(steps[:taken])) for name, split in stage.items()}
            for taken, stage in enumerate(stages)
        ]
    with meter.time("latency"):
        latency_seconds = _latency(PostprocessedClassifier(classifier, steps), data)
    return Evaluation(metrics[-1], postprocessing_records(steps, stages, metrics), latency_seconds)


def _predictions(data: Dataset, scores: Scores, steps: tuple[Step, ...]) -> Predictions:
    answers = answers_from(scores, steps)
    return Predictions(data, answers.scores, answers.labels)


def prepared_data(experiment: Experiment) -> PreparedData:
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
    return prepare(call(plugins, "textclf_load_data", data_seed=data_seed), data_seed)


def training_plan(plugins: ActivePlugins, encoder: Encoder) -> TrainingPlan | None:
    """Return what the plugins say of the course of training; ``None`` where the trainer has no recipe.

    Raises:
        TextclfError: it can't be carried out on this encoder.
    """
    recipe = recipe_of(trainer_of(plugins).instance)
    return TrainingPlan.of(plugins, encoder, recipe) if recipe else None


def build_encoder(plugins: ActivePlugins, task: Task, seed: int, device: str) -> Encoder:
    """Ask the model plugin for its encoder, with a head that depends on the seed alone, on ``device``.

    Raises:
        TextclfError: the model can't be had.
    """
    seed_everything(seed)
    encoder: Encoder = call(plugins, "textclf_build_model", task=task, seed=seed)
    encoder.model.to(device)  # type: ignore[arg-type]  # the decorator around it hides its signature
    return encoder


def _adapt(
    plugins: ActivePlugins,
    encoder: Encoder,
    data: PreparedData,
    seed: int,
    workspace: Workspace,
    progress: Progress,
) -> tuple[Adaptation, ...]:
    """Let the strategies change the model before training on labels, each with generators of its own."""
    adaptations = []
    for plugin in plugins.implementing("textclf_adapt"):
        seed_everything(seed)
        with workspace.meter.time("adapt"):
            facts = call(
                ActivePlugins([plugin]),
                "textclf_adapt",
                encoder=encoder,
                data=_without_test(data),
                task=data.task,
                seed=seed,
                workspace=workspace,
                progress=progress,
            )
        adaptations.append(Adaptation(plugin=plugin.name, facts=facts[0] if facts else {}))
        encoder.adapted_by += (plugin.spec,)
    return tuple(adaptations)


def freeze(plugins: ActivePlugins, encoder: Encoder) -> None:
    """Let the strategies say which parameters train."""
    call(plugins, "textclf_freeze", encoder=encoder)


def _without_test(data: PreparedData) -> DatasetDict:
    return type(data.data)({name: data.data[name] for name in ("train", "validation")})


def _train(
    experiment: Experiment,
    encoder: Encoder | None,
    plan: TrainingPlan | None,
    data: PreparedData,
    workspace: Workspace,
    progress: Progress,
) -> tuple[Classifier, Movement | None]:
    """Train without the test split, and prove what moved."""
    plugins, seed = experiment.plugins, experiment.seed
    before = ParameterHashes(encoder) if encoder else None
    # Anew, so that the order and the dropout don't depend on how many numbers the model's initialisation drew.
    seed_everything(seed)
    classifier: Classifier = call(
        plugins,
        "textclf_train",
        encoder=encoder,
        body=encoder,
        data=_without_test(data),
        task=data.task,
        recipe=recipe_of(trainer_of(plugins).instance),
        seed=seed,
        data_seed=experiment.data_seed,
        workspace=workspace,
        progress=progress,
        plan=plan,
    )
    return classifier, before.check(encoder) if before and encoder else None


def _score(plugins: ActivePlugins, split: Predictions, task: Task, abstains: bool = False) -> dict[str, float | None]:
    """Return the metrics of all plugins, merged; ``None`` for what isn't a number.

    Where rows may stay unanswered, they are metrics of those that are answered, and ``coverage`` is the share of these.
    """
    values: dict[str, float | None] = {}
    giver: dict[str, str] = {}
    if abstains:
        giver["coverage"], values["coverage"] = "textclf itself", split.coverage
        split = split.answered()
        if not len(split.data):
            return values
    for plugin in plugins.of_role("metric"):
        [given] = call(
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


def check_metrics(plugins: ActivePlugins, task: Task) -> None:
    """Score one right prediction of each label: what a metric refuses shows before training, not after."""
    labels, scores = list(range(task.num_labels)), np.eye(task.num_labels, dtype=np.float32)
    if task.kind == "tokens":
        rows = Predictions(Dataset.from_dict({"label": [labels]}), [scores], [np.arange(task.num_labels)])
    else:
        rows = Predictions(Dataset.from_dict({"label": labels}), scores, np.arange(task.num_labels))
    _score(plugins, rows, task)


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


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


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

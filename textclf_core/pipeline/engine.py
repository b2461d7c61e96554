"""One run, from top to bottom: load, check, split, build, adapt, freeze, train, postprocess, predict, score, record."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from textclf_core.data import PreparedData, prepare
from textclf_core.pipeline.context import Room
from textclf_core.pipeline.evaluation import check_metrics, evaluate
from textclf_core.pipeline.experiment import Experiment
from textclf_core.pipeline.postprocessing import check_postprocessing
from textclf_core.pipeline.recording import recipe_of, trainer_of
from textclf_core.plugins import ActivePlugins, suited
from textclf_core.plugins.calling import call
from textclf_core.plugins.provenance import origin_of
from textclf_core.records.schema import Adaptation, Record
from textclf_core.system.environment import resolve_device
from textclf_core.system.memory import reset_peak_memory
from textclf_core.training.parameter_check import Movement, ParameterHashes
from textclf_core.training.plan import TrainingPlan
from textclf_core.types.progress import Progress
from textclf_core.types.tokenization import Tokenization
from textclf_core.types.workspace import Workspace

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task


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
                    plugins = with_lengths(plugins, encoder, data)
                experiment = room.experiment = replace(experiment, plugins=plugins)
                encoder, adaptations = _adapt(plugins, encoder, data, seed, room.workspace, progress)
                if plugins.without_head:
                    encoder = encoder.without_head()
                freeze(plugins, encoder)
                plan = training_plan(plugins, encoder)
            with meter.time("train"):
                classifier, movement = _train(experiment, encoder, plan, data, room.workspace, progress)
            if encoder:
                call(plugins, "textclf_training_finished", encoder=encoder, workspace=room.workspace)
            evaluation = evaluate(plugins, classifier, data, room.workspace)
        record = room.leave_record(data, classifier, encoder, movement, evaluation, plan, adaptations)
    return room.directory.path, record


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
    return encoder.with_origin(origin_of(plugins.of_role("model")[0]))


def with_lengths(plugins: ActivePlugins, encoder: Encoder, data: PreparedData) -> ActivePlugins:
    """Return the plugins with a number as their longest input, where they were given a percentile of train's lengths.

    Their ``options``, which the record has, stay as they were asked for.
    """
    train = data.data["train"]
    return ActivePlugins(
        [
            replace(plugin, instance=encoder.with_length(plugin.instance, train, data.task))
            if isinstance(plugin.instance, Tokenization)
            else plugin
            for plugin in plugins
        ]
    )


def _adapt(
    plugins: ActivePlugins,
    encoder: Encoder,
    data: PreparedData,
    seed: int,
    workspace: Workspace,
    progress: Progress,
) -> tuple[Encoder, tuple[Adaptation, ...]]:
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
        encoder = encoder.with_origin(origin_of(plugin))
    return encoder, tuple(adaptations)


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


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)

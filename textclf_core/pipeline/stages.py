"""The stages of a run before training: check, build, adapt, freeze, plan; each takes values and returns a value."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from textclf_core.data import PreparedData
from textclf_core.pipeline.evaluation import check_metrics
from textclf_core.pipeline.postprocessing import check_postprocessing
from textclf_core.pipeline.recording import recipe_of, trainer_of
from textclf_core.plugins import ActivePlugins, suited
from textclf_core.plugins.calling import call, call_one
from textclf_core.plugins.provenance import origin_of
from textclf_core.records.schema import Adaptation
from textclf_core.training.plan import TrainingPlan
from textclf_core.types.progress import Progress
from textclf_core.types.tokenization import Tokenization
from textclf_core.types.workspace import Workspace

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.task import Task


def checked_plugins(plugins: ActivePlugins, data: PreparedData) -> ActivePlugins:
    """Return the plugins that support the data, after trying out metrics and postprocessors.

    Raises:
        TextclfError: a plugin doesn't support the task, or needs a label that validation lacks.
    """
    plugins = suited(plugins, data.record)
    check_metrics(plugins, data.task, data.data["validation"])
    check_postprocessing(plugins, data.record)
    return plugins


def build_encoder(plugins: ActivePlugins, task: Task, seed: int, device: str) -> Encoder:
    """Build the model plugin's encoder on ``device``, with a head that depends only on the seed.

    Raises:
        TextclfError: the model can't be loaded.
    """
    seed_everything(seed)
    encoder: Encoder = call(plugins, "textclf_build_model", task=task, seed=seed)
    encoder.model.to(device)  # type: ignore[arg-type]  # the decorator around it hides its signature
    return encoder.with_origin(origin_of(plugins.of_role("model")[0]))


def with_lengths(plugins: ActivePlugins, encoder: Encoder, data: PreparedData) -> ActivePlugins:
    """Return the plugins with each percentile in ``max_length`` replaced by a number of tokens.

    Their ``options``, which are recorded, keep the percentile.
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


def adapt(
    plugins: ActivePlugins,
    encoder: Encoder,
    data: PreparedData,
    seed: int,
    workspace: Workspace,
    progress: Progress,
) -> tuple[Encoder, tuple[Adaptation, ...]]:
    """Let the strategies adapt the model before training on labels; generators are seeded before each."""
    adaptations = []
    for plugin in plugins.implementing("textclf_adapt"):
        seed_everything(seed)
        with workspace.meter.time("adapt"):
            facts = call_one(
                plugin,
                "textclf_adapt",
                encoder=encoder,
                data=without_test(data),
                task=data.task,
                seed=seed,
                workspace=workspace,
                progress=progress,
            )
        adaptations.append(Adaptation(plugin=plugin.name, facts=facts or {}))
        encoder = encoder.with_origin(origin_of(plugin))
    return encoder, tuple(adaptations)


def training_plan(plugins: ActivePlugins, encoder: Encoder) -> TrainingPlan | None:
    """Return the plugins' plan of training; ``None`` if the trainer has no recipe.

    Raises:
        TextclfError: it doesn't work with this encoder.
    """
    recipe = recipe_of(trainer_of(plugins).instance)
    return TrainingPlan.of(plugins, encoder, recipe) if recipe else None


def without_test(data: PreparedData) -> DatasetDict:
    """Return ``train`` and ``validation`` only, since no choice is made on test."""
    return type(data.data)({name: data.data[name] for name in ("train", "validation")})


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)

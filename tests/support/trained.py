"""Trains a tiny encoder with a trainer, through its hook, and shows what came out."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import DatasetDict
from safetensors.torch import load_file

from textclf_core.encoder import Encoder
from textclf_core.pipeline.events import write_history
from textclf_core.pipeline.recording import recipe_of
from textclf_core.plugins import Catalogue, activate
from textclf_core.system.world import ALONE, World
from textclf_core.testing import LABELS, tiny_data, tiny_encoder
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.training.options import EncoderTraining
from textclf_core.training.plan import TrainingPlan
from textclf_core.types.events import RunEvents
from textclf_core.types.meter import Meter
from textclf_core.types.progress import Progress
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task
from textclf_core.types.workspace import Workspace
from textclf_plugins.training.finetune import Finetune

TASK = Task(LABELS)
FAST = {"learning_rate": 1e-3, "batch_size": 8, "checkpoints": 9}


def of_family(family: str) -> Encoder:
    """Return four blocks, with weights so large that every parameter has a gradient to speak of."""
    return tiny_encoder(family, blocks=4, config={"initializer_range": 0.4})


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    """Return copies of the parameters, by name."""
    return {name: parameter.detach().clone() for name, parameter in encoder.model.named_parameters()}


@dataclass(frozen=True)
class Trained:
    encoder: Encoder
    classifier: EncoderClassifier
    directory: Path
    events: RunEvents

    @property
    def meter(self) -> Meter:
        return self.events.meter

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        return {name: parameter.detach() for name, parameter in self.encoder.model.named_parameters()}

    @property
    def history(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.directory / "history.jsonl").read_text().splitlines()]

    @property
    def epochs(self) -> list[dict[str, Any]]:
        return [row for row in self.history if "epoch" in row]

    @property
    def checkpoints(self) -> list[str]:
        return sorted(path.name for path in (self.directory / "checkpoints").glob("*"))

    def checkpoint(self, epoch: int) -> dict[str, torch.Tensor]:
        """The parameters that an epoch's checkpoint holds."""
        return load_file(self.directory / "checkpoints" / f"epoch-{epoch}" / "trainable.safetensors")

    @property
    def phases(self) -> list[tuple[float, float, int]]:
        """Of each phase that was trained, its epochs, its peak learning rate and its frozen prefix."""
        return [(phase.epochs, phase.learning_rate, phase.frozen_prefix) for phase in self.events.phases]

    @property
    def first_gradient(self) -> dict[str, torch.Tensor]:
        """The gradient of a run of one step, as the optimizer got it: Adam's first moment is a tenth of it."""
        moments = load_file(self.directory / "checkpoints" / "epoch-1" / "optimizer.safetensors")
        return {name: 10 * values for name, values in moments.items() if name.endswith("/exp_avg")}


def train(
    trainer: EncoderTraining,
    directory: Path,
    *,
    encoder: Encoder | None = None,
    data: DatasetDict | None = None,
    seed: int = 0,
    world: World = ALONE,
    progress: Progress | None = None,
    plan: TrainingPlan | None = None,
) -> Trained:
    """Train as the engine does: the recipe is the trainer's own, and the generators are seeded just before."""
    encoder = encoder or tiny_encoder()
    directory.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(directory, rank=world.rank, world=world)
    if world.rank == 0:
        write_history(workspace.events, directory)
    recipe = Recipe(**{field.name: getattr(trainer, field.name) for field in dataclasses.fields(Recipe)})
    torch.manual_seed(seed)
    classifier = trainer.textclf_train(  # type: ignore[attr-defined]
        encoder=encoder,
        data=data or tiny_data(rows=64),
        task=TASK,
        seed=seed,
        workspace=workspace,
        progress=progress or Progress(quiet=True),
        plan=plan or TrainingPlan.plain(recipe),
    )
    return Trained(encoder, classifier, directory, workspace.events)


def train_with(strategies: str, directory: Path, trainer: Finetune, *, encoder: Encoder, **arguments: Any) -> Trained:
    """Train under strategies, written as in ``--try``: ``"layerwise-lr-decay + early-stopping"``."""
    plugins = activate(strategies.split(" + "), Catalogue.discover())
    plugins.hook.textclf_freeze(encoder=encoder)
    recipe = recipe_of(trainer)
    assert recipe is not None
    plan = TrainingPlan.of(plugins, encoder, recipe)
    return train(trainer, directory, encoder=encoder, plan=plan, **arguments)


def encoder_with_a_nan() -> Encoder:
    encoder = tiny_encoder()
    with torch.no_grad():
        encoder.model.get_parameter("classifier.weight")[0, 0] = torch.nan
    return encoder


def largest_difference(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    assert first.keys() == second.keys()
    return max((first[name] - second[name]).abs().max().item() for name in first)


def same_bits(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)

"""The stage that trains: one run, or several that differ in seed and recipe alone and share data and encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.encoder.training_cells import TrainedCell, TrainingCell
from textclf_core.pipeline.context import RunContext
from textclf_core.pipeline.recording import recipe_of, trainer_of
from textclf_core.pipeline.stages import (
    adapt,
    build_encoder,
    checked_plugins,
    prepared_data,
    seed_everything,
    training_plan,
    with_lengths,
    without_test,
)
from textclf_core.plugins import ActivePlugins
from textclf_core.plugins.calling import call
from textclf_core.records.schema import Adaptation
from textclf_core.training.checkpoints import trainable_tensors
from textclf_core.training.freezing import freeze
from textclf_core.training.parameter_check import ParameterHashes
from textclf_core.types.meter import Meter
from textclf_core.types.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

    from textclf_core.data import PreparedData
    from textclf_core.encoder import Encoder
    from textclf_core.training.plan import TrainingPlan


class NotTrainedJointlyError(Exception):
    """These runs have to be trained one by one; nothing is left of them."""


@dataclass(frozen=True)
class Start:
    """Where training begins, at one seed.

    Attributes:
        hashes: of all parameters of the encoder.
        parameters: copies of those that train, by name, where several runs share the encoder; else empty.
    """

    hashes: ParameterHashes
    parameters: dict[str, Tensor]


@dataclass(frozen=True)
class PreparedRuns:
    """What the stages before training made, for one run or for several that share it.

    Attributes:
        plugins: of each run: those that suit the task, with numbers as their longest inputs.
        data: checked and split.
        encoder: adapted and frozen; ``None`` where the trainer needs no model.
        starts: by seed; none without an encoder.
        plan: the phases of training; ``None`` where the trainer has no recipe.
        adaptations: what strategies changed in the model.
    """

    plugins: tuple[ActivePlugins, ...]
    data: PreparedData
    encoder: Encoder | None = None
    starts: dict[int, Start] | None = None
    plan: TrainingPlan | None = None
    adaptations: tuple[Adaptation, ...] = ()


def prepare_runs(contexts: Sequence[RunContext], shared: Meter, progress: Progress) -> PreparedRuns:
    """Load, build, adapt and freeze; ``shared`` gets the seconds.

    Raises:
        NotTrainedJointlyError: there are several runs, and they don't share the encoder that they train on.
    """
    first = contexts[0]
    with shared.time("load"):
        data = prepared_data(first.spec)
        plugins = [checked_plugins(context.spec.plugins, data.task) for context in contexts]
    if not plugins[0].needs_encoder:
        return PreparedRuns(tuple(plugins), data)
    several = len(contexts) > 1
    if several and plugins[0].implementing("textclf_adapt"):
        raise NotTrainedJointlyError("a strategy adapts the model, by a seed of its own")
    encoder: Encoder | None = None
    starts: dict[int, Start] = {}
    adaptations: tuple[Adaptation, ...] = ()
    for context, own in zip(contexts, plugins, strict=True):
        seed = context.spec.seed
        if seed in starts:
            continue
        with shared.time("build"):
            built = build_encoder(own, data.task, seed, context.workspace.device)
            if encoder is None:
                plugins = [with_lengths(each, built, data) for each in plugins]
        if not several:
            built, adaptations = adapt(plugins[0], built, data, seed, context.workspace, progress)
        if own.model_needed == "headless":
            built = built.without_head()
        with shared.time("build" if several else "train"):  # hashing the weights takes the time
            start = Start(freeze(own, built), trainable_tensors(built) if several else {})
        if starts and not start.hashes.same_frozen(next(iter(starts.values())).hashes):
            raise NotTrainedJointlyError("what is frozen depends on the seed")
        starts[seed] = start
        encoder = encoder or built
    assert encoder is not None
    plan = training_plan(plugins[0], encoder)
    return PreparedRuns(tuple(plugins), data, encoder, starts, plan, adaptations)


def train_runs(
    contexts: Sequence[RunContext], prepared: PreparedRuns, shared: Meter, progress: Progress
) -> Sequence[TrainedCell]:
    """Train without the test split; ``shared`` gets the seconds. Return what came of each run.

    Raises:
        NotTrainedJointlyError: there are several runs, and the trainer can't train them jointly.
    """
    with shared.time("train"):
        # Anew, so that the order and the dropout don't depend on how many numbers the model's initialisation drew.
        seed_everything(contexts[0].spec.seed)
        if len(contexts) > 1:
            return _train_jointly(contexts, prepared, progress)
        [context] = contexts
        classifier = call(
            prepared.plugins[0],
            "textclf_train",
            encoder=prepared.encoder,
            data=without_test(prepared.data),
            task=prepared.data.task,
            seed=context.spec.seed,
            data_seed=context.spec.data_seed,
            workspace=context.workspace,
            progress=progress,
            plan=prepared.plan,
        )
        return [TrainedCell(classifier=classifier, encoder=prepared.encoder)]


def _train_jointly(contexts: Sequence[RunContext], prepared: PreparedRuns, progress: Progress) -> Sequence[TrainedCell]:
    recipes = [recipe_of(trainer_of(plugins).instance) for plugins in prepared.plugins]
    cells = [
        TrainingCell(
            recipe=recipe,
            seed=context.spec.seed,
            workspace=context.workspace,
            parameters=prepared.starts[context.spec.seed].parameters,
        )
        for context, recipe in zip(contexts, recipes, strict=True)
        if recipe is not None and prepared.starts is not None
    ]
    trained: Sequence[TrainedCell] | None = None
    if len(cells) == len(contexts) and trainer_of(prepared.plugins[0]).trains_many:
        trained = call(
            prepared.plugins[0],
            "textclf_train_many",
            optional=True,
            encoder=prepared.encoder,
            data=without_test(prepared.data),
            task=prepared.data.task,
            cells=cells,
            progress=progress,
        )
    if trained is None:
        raise NotTrainedJointlyError("the trainer trains them one by one")
    return trained

"""The training stage, for one run or for several that share data and encoder and differ only in seed and recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.encoder.training_cells import TrainedCell, TrainingCell
from textclf_core.pipeline.context import RunContext
from textclf_core.pipeline.loading import prepared_data
from textclf_core.pipeline.recording import recipe_of, trainer_of
from textclf_core.pipeline.stages import (
    adapt,
    build_encoder,
    checked_plugins,
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
    """These runs can't be trained jointly and must be run one by one; nothing is left of them."""


@dataclass(frozen=True)
class Start:
    """The parameters before training, for one seed.

    Attributes:
        hashes: the hashes of all parameters of the encoder.
        parameters: copies of the trainable parameters, by name, if several runs share the encoder; else empty.
    """

    hashes: ParameterHashes
    parameters: dict[str, Tensor]


@dataclass(frozen=True)
class PreparedRuns:
    """The results of the stages before training, for one run or for several that share them.

    Attributes:
        plugins: the plugins of each run that support the task, with percentiles replaced by numbers.
        data: the data, checked and split.
        encoder: the encoder, adapted and frozen; ``None`` if the trainer needs no model.
        starts: the parameters before training, by seed; ``None`` without an encoder.
        plan: the plan of training; ``None`` if the trainer has no recipe.
        adaptations: the strategies' adaptations of the model.
    """

    plugins: tuple[ActivePlugins, ...]
    data: PreparedData
    encoder: Encoder | None = None
    starts: dict[int, Start] | None = None
    plan: TrainingPlan | None = None
    adaptations: tuple[Adaptation, ...] = ()


def prepare_runs(contexts: Sequence[RunContext], shared: Meter, progress: Progress) -> PreparedRuns:
    """Load the data, and build, adapt and freeze the encoder; the time is added to ``shared``.

    Raises:
        NotTrainedJointlyError: there are several runs whose encoders differ.
    """
    first = contexts[0]
    with shared.time("load"):
        data = prepared_data(first.spec)
        plugins = [checked_plugins(context.spec.plugins, data) for context in contexts]
    if not plugins[0].needs_encoder:
        return PreparedRuns(tuple(plugins), data)
    several = len(contexts) > 1
    if several and plugins[0].implementing("textclf_adapt"):
        raise NotTrainedJointlyError("a strategy adapts the model, and its result depends on the seed")
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
        with shared.time("build" if several else "train"):  # most of the time is spent on hashing the weights
            start = Start(freeze(own, built), trainable_tensors(built) if several else {})
        if starts and not start.hashes.same_frozen(next(iter(starts.values())).hashes):
            raise NotTrainedJointlyError("the frozen parameters depend on the seed")
        starts[seed] = start
        encoder = encoder or built
        del built  # before the next seed's model is built
    assert encoder is not None
    plan = training_plan(plugins[0], encoder)
    return PreparedRuns(tuple(plugins), data, encoder, starts, plan, adaptations)


def train_runs(
    contexts: Sequence[RunContext], prepared: PreparedRuns, shared: Meter, progress: Progress
) -> Sequence[TrainedCell]:
    """Train on train and validation, and return the result of each run; the time is added to ``shared``.

    Raises:
        NotTrainedJointlyError: there are several runs, and the trainer can't train them jointly.
    """
    with shared.time("train"):
        # Seed again, so that order and dropout don't depend on how many random numbers the model's initialisation used.
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
        raise NotTrainedJointlyError("the trainer can't train these runs jointly")
    return trained

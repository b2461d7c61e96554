"""Runs that differ in seed and recipe alone, trained together by a trainer that can; each leaves a run of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.errors import RunError, TextclfError
from textclf_core.pipeline.context import Room
from textclf_core.pipeline.engine import build_encoder, prepared_data, seed_everything, with_lengths
from textclf_core.pipeline.evaluation import evaluate
from textclf_core.pipeline.experiment import Experiment
from textclf_core.pipeline.recording import recipe_of, trainer_of
from textclf_core.plugins.calling import call
from textclf_core.records.schema import Record
from textclf_core.system.environment import resolve_device
from textclf_core.system.memory import reset_peak_memory
from textclf_core.training.checkpoints import restore_tensors, trainable_tensors
from textclf_core.training.freezing import freeze
from textclf_core.training.parameter_check import ParameterHashes
from textclf_core.types.meter import Meter
from textclf_core.types.progress import Progress
from textclf_core.types.training_cells import TrainedCell, TrainingCell

if TYPE_CHECKING:
    from torch import Tensor

    from textclf_core.data import PreparedData
    from textclf_core.encoder import Encoder

Outcome = tuple[Path, Record] | TextclfError


def run_together(experiments: Sequence[Experiment], progress: Progress) -> list[Outcome] | None:
    """Run experiments that differ in their seeds and their trainer's recipe alone; return what came of each.

    ``None`` if the trainer can't train them together, or the seed decides more than what trains, or a strategy adapts
    the model: nothing is left then.
    """
    first = experiments[0]
    if first.plugins.implementing("textclf_adapt"):
        return None
    start_memory_bytes = reset_peak_memory(resolve_device(first.device))
    shared = Meter()
    with shared.time("load"):
        data = prepared_data(first)
    with shared.time("build"):
        built = _build(experiments, data)
    if built is None:
        return None
    encoder, starts = built
    experiments = [replace(one, plugins=with_lengths(one.plugins, encoder, data)) for one in experiments]
    with ExitStack() as stack:
        rooms = [Room(experiment, start_memory_bytes) for experiment in experiments]
        # What isn't handed over to its own end below goes with this block's.
        left = [stack.enter_context(ExitStack()) for _ in rooms]
        for room, own in zip(rooms, left, strict=True):
            own.push(room.discard)
        trained = _train(experiments, rooms, encoder, data, starts, shared, progress)
        if trained is None:
            return None
        for own in left:
            own.pop_all()
    outcomes: list[Outcome] = []
    for number, (room, cell) in enumerate(zip(rooms, trained, strict=True)):
        room.workspace.meter.add_share(shared, len(rooms), whole=number == 0)
        proven = any(not isinstance(outcome, TextclfError) for outcome in outcomes)
        outcomes.append(_finish(room, cell, encoder, data, starts[room.experiment.seed][0], proven=proven))
    return outcomes


def _build(
    experiments: Sequence[Experiment], data: PreparedData
) -> tuple[Encoder, dict[int, tuple[ParameterHashes, dict[str, Tensor]]]] | None:
    """Return the encoder that all share, and by seed its hashes and its trainable parameters at the start."""
    shared: Encoder | None = None
    starts: dict[int, tuple[ParameterHashes, dict[str, Tensor]]] = {}
    for experiment in experiments:
        if experiment.seed in starts:
            continue
        encoder = build_encoder(experiment.plugins, data.task, experiment.seed, resolve_device(experiment.device))
        hashes = freeze(experiment.plugins, encoder)
        if starts and not hashes.same_frozen(next(iter(starts.values()))[0]):
            return None
        starts[experiment.seed] = hashes, trainable_tensors(encoder)
        shared = shared or encoder
    return (shared, starts) if shared else None


def _train(
    experiments: Sequence[Experiment],
    rooms: Sequence[Room],
    encoder: Encoder,
    data: PreparedData,
    starts: dict[int, tuple[ParameterHashes, dict[str, Tensor]]],
    shared: Meter,
    progress: Progress,
) -> Sequence[TrainedCell] | None:
    cells = []
    for experiment, room in zip(experiments, rooms, strict=True):
        recipe = recipe_of(trainer_of(experiment.plugins).instance)
        if recipe is None:
            return None
        cells.append(
            TrainingCell(
                recipe=recipe,
                seed=experiment.seed,
                workspace=room.workspace,
                parameters=starts[experiment.seed][1],
            )
        )
    seed_everything(experiments[0].seed)
    with shared.time("train"):
        trained: Sequence[TrainedCell] | None = call(
            experiments[0].plugins,
            "textclf_train_many",
            optional=True,
            encoder=encoder,
            data=type(data.data)({name: data.data[name] for name in ("train", "validation")}),
            task=data.task,
            cells=cells,
            progress=progress,
        )
    return trained


def _finish(
    room: Room, cell: TrainedCell, encoder: Encoder, data: PreparedData, before: ParameterHashes, *, proven: bool
) -> Outcome:
    """Evaluate a trained cell, and leave its run; ``proven`` if another cell's saved model was compared already."""
    meter = room.workspace.meter
    try:
        with room:
            if cell.error is not None:
                raise cell.error
            if cell.classifier is None or cell.parameters is None:
                raise RunError("textclf_train_many gave neither a classifier nor an error for a cell.")
            shared_seconds = sum(meter.seconds.get(stage, 0.0) for stage in ("load", "build", "train"))
            with meter.time("total"):
                restore_tensors(encoder, cell.parameters)
                movement = before.check(encoder)
                evaluation = evaluate(
                    room.experiment.plugins,
                    cell.classifier,
                    data,
                    room.workspace,
                    movement=movement,
                    prove=room.experiment.prove and not proven,
                )
            meter.seconds["total"] += shared_seconds
            record = room.leave_record(data, cell.classifier, encoder, movement, evaluation)
    except TextclfError as error:
        return error
    return room.directory.path, record

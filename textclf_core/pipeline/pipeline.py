"""The pipeline of a run: load, check, split, build, adapt, freeze, train, predict, postprocess, score, record."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from textclf_core.encoder.training_cells import TrainedCell
from textclf_core.errors import RunError, TextclfError, UsageError
from textclf_core.pipeline.context import RunContext, kept_if_interrupted, reserve
from textclf_core.pipeline.evaluation import evaluate
from textclf_core.pipeline.events import noting
from textclf_core.pipeline.recording import RunFacts, build_record, trainer_of, truncated
from textclf_core.pipeline.spec import FailedRun, FinishedRun, RunOutcome, RunSpec
from textclf_core.pipeline.training import NotTrainedJointlyError, PreparedRuns, prepare_runs, train_runs
from textclf_core.plugins.calling import call
from textclf_core.records.cost import cost_of, directory_bytes
from textclf_core.records.schema import MODEL_DIRECTORY, read_record, write_record
from textclf_core.system.environment import environment, resolve_device
from textclf_core.system.memory import peak_memory_bytes, reset_peak_memory
from textclf_core.system.process import process_state_restored
from textclf_core.system.world import ALONE, World, connected
from textclf_core.types.meter import Meter
from textclf_core.types.progress import Progress


def run(specs: Sequence[RunSpec], progress: Progress) -> list[RunOutcome]:
    """Run one specification, or several that differ only in seed and recipe, and return the outcome of each.

    In a process that torchrun or accelerate launched beside others, all of them share one run.

    All go through the same stages; several runs are trained jointly. Any error in a run makes it a failed run: what it
    had written is kept, and the others continue.

    A process must not run several at the same time, since a run sets torch's generators and accelerate's state, which
    are process-wide.

    Raises:
        NotTrainedJointlyError: several runs can't be trained jointly and must be run one by one; nothing is left of
            them.
    """
    launched = World.launched()
    outcomes = _run(specs, progress, ALONE) if launched.size == 1 else [_run_shared(specs, progress, launched)]
    for outcome in outcomes:
        if isinstance(outcome, FailedRun):
            _let_go(outcome.error)
    return outcomes


def _run_shared(specs: Sequence[RunSpec], progress: Progress, launched: World) -> RunOutcome:
    """Share one run among processes."""
    [spec] = specs
    try:
        trainer = trainer_of(spec.plugins)
        if not trainer.needs.processes:
            raise UsageError(
                f"the trainer {trainer.name!r} trains in one process, but {launched.size} were launched; start it "
                "without torchrun."
            )
        device = torch.device(resolve_device(spec.device, launched))
        with connected(device.type) as world, TemporaryDirectory() as scratch:
            if world.rank:  # rank 0 writes the run
                spec, progress = replace(spec, output=Path(scratch)), Progress(quiet=True)
            [outcome] = _run([spec], progress, world)
            if isinstance(outcome, FailedRun):
                raise outcome.error
            return outcome
    except TextclfError as error:
        return FailedRun(spec=spec, error=error)


def _run(specs: Sequence[RunSpec], progress: Progress, world: World) -> list[RunOutcome]:
    try:
        start_memory_bytes = reset_peak_memory(resolve_device(specs[0].device, world))
        contexts = reserve(specs, world)
    except TextclfError as error:
        if len(specs) > 1:
            raise NotTrainedJointlyError(str(error)) from error
        return [FailedRun(spec=specs[0], error=error)]
    with process_state_restored(), kept_if_interrupted(contexts):
        shared = Meter()
        prepared: PreparedRuns | None = None
        try:
            with noting([context.events for context in contexts]), shared.time("total"):
                prepared = prepare_runs(contexts, shared, progress)
                _check_equal(prepared, world)
                for context, plugins in zip(contexts, prepared.plugins, strict=True):
                    context.observe(plugins, shared)
                trained = train_runs(contexts, prepared, shared, progress)
        except (Exception, SystemExit) as error:
            if len(contexts) == 1:
                return [_failed(contexts[0], error, shared)]
            if prepared is None or isinstance(error, NotTrainedJointlyError) or _is_of_memory(error):
                for context in contexts:
                    context.end_observation(error)
                    context.directory.discard()
                # Run one by one, each has enough memory, or raises its own error.
                raise NotTrainedJointlyError(str(error)) from error
            return [_failed(context, _again(error), shared) for context in contexts]
        outcomes: list[RunOutcome] = []
        for number, (context, cell) in enumerate(zip(contexts, trained, strict=True)):
            context.events.meter.add_share(shared, len(contexts), whole=number == 0)
            with noting([context.events]):
                # For runs trained jointly, checking one saved classifier is enough.
                prove = context.spec.prove and not any(isinstance(one, FinishedRun) for one in outcomes)
                try:
                    facts = _finish(context, prepared, number, cell, start_memory_bytes, prove=prove)
                    outcomes.append(_record_and_publish(context, facts) if facts else _received(context))
                except (Exception, SystemExit) as error:
                    outcomes.append(_failed(context, error))
        return outcomes


def run_one(spec: RunSpec, progress: Progress) -> FinishedRun:
    """Run one specification.

    Raises:
        TextclfError: the run failed; a note on the error says where the files written so far are.
    """
    [outcome] = run([spec], progress)
    if isinstance(outcome, FailedRun):
        raise outcome.error
    return outcome


def _finish(
    context: RunContext,
    prepared: PreparedRuns,
    number: int,
    cell: TrainedCell,
    start_memory_bytes: int | None,
    *,
    prove: bool,
) -> RunFacts | None:
    """Check the parameter updates, save, predict, postprocess and score; return the facts of the run.

    Of several processes, those other than rank 0 only share in predicting, and return ``None``.
    """
    meter, plugins = context.events.meter, prepared.plugins[number]
    if cell.error is not None:
        raise cell.error
    if cell.classifier is None:
        raise RunError("textclf_train_many returned neither a classifier nor an error for a cell.")
    with meter.time("total"):
        updates = None
        if cell.encoder is not None and prepared.starts is not None:
            with meter.time("train"):
                updates = prepared.starts[context.spec.seed].hashes.check(cell.encoder)
            call(plugins, "textclf_training_finished", encoder=cell.encoder, workspace=context.workspace)
        evaluation = evaluate(plugins, cell.classifier, prepared.data, context.workspace, updates=updates, prove=prove)
    of_processes = context.workspace.world.gather((meter, peak_memory_bytes(context.workspace.device)))
    if evaluation is None:
        return None
    for other, _ in of_processes[1:]:
        meter.add_work(other)
    cost = cost_of(
        meter,
        [peak for _, peak in of_processes],
        trainable_parameters=updates.trainable_parameters if updates else None,
        total_parameters=updates.total_parameters if updates else None,
        start_memory_bytes=start_memory_bytes,
        artifact_bytes=directory_bytes(context.workspace.directory / MODEL_DIRECTORY),
        latency_seconds=evaluation.latency_seconds,
        beside=context.spec.beside,
    )
    return RunFacts(
        id=context.directory.id,
        label=context.label,
        started=context.started,
        finished=datetime.now(UTC),
        plugins=plugins,
        data=prepared.data,
        # After the memory was measured, since this may tokenize the texts once more.
        truncated=truncated(cell.classifier, prepared.data),
        classifier=cell.classifier,
        encoder=cell.encoder,
        updates=updates,
        phases=context.events.phases,
        evaluation=evaluation,
        cost=cost,
        environment=environment(context.workspace.device),
        notes=tuple(context.events.notes),
        adaptations=prepared.adaptations,
        trainer_facts=context.events.facts,
    )


def _record_and_publish(context: RunContext, facts: RunFacts) -> FinishedRun:
    """Write the record, notify the observers, and move the run directory to its final path."""
    record = build_record(context.spec, facts)
    directory = context.workspace.directory
    write_record(record, directory)
    if context.observers is not None:
        context.observers.finish(record, directory, context.spec.output)
        context.observers = None
    if record.notes != tuple(context.events.notes):  # an observer failed or logged a message
        record = build_record(context.spec, facts.with_notes(context.events.notes))
        write_record(record, directory)
    if not context.directory.publish():
        if not context.spec.replace:
            raise RunError(f"{context.directory.path} was created by another program during the run.")
        context.directory.discard()
        record = read_record(context.directory.path)  # another process finished the same run first
    context.workspace.world.broadcast((context.directory.path, record))
    stores = tuple(context.events.meter.stores)
    return FinishedRun(spec=context.spec, directory=context.directory.path, record=record, stores=stores)


def _received(context: RunContext) -> FinishedRun:
    """Return the run that rank 0 recorded and published."""
    directory, record = context.workspace.world.broadcast(None)
    context.directory.discard()
    return FinishedRun(spec=context.spec, directory=directory, record=record)


def _check_equal(prepared: PreparedRuns, world: World) -> None:
    """Check that all processes start from the same data and parameters.

    Raises:
        UsageError: they don't.
    """
    if world.size > 1:
        world.check_equal("the data", prepared.data.record.fingerprint)
        hashes = [start.hashes.combined for start in (prepared.starts or {}).values()]
        world.check_equal("the model's parameters", hashes)


def _is_of_memory(error: BaseException | None) -> bool:
    """Return whether an error, or one of its causes, is that memory was exhausted."""
    while error is not None:
        if isinstance(error, MemoryError | torch.OutOfMemoryError):
            return True
        # On a CPU, and in cuBLAS, torch raises a plain RuntimeError for it.
        if isinstance(error, RuntimeError) and re.search(r"can't allocate memory|ALLOC_FAILED", str(error)):
            return True
        error = error.__cause__
    return False


def _again(error: BaseException) -> BaseException:
    """Return a new error for one of several failed runs, to which notes about that run can be added."""
    if not isinstance(error, TextclfError):
        return error  # RunContext.fail wraps it in a new error
    again = RunError(str(error))
    again.__cause__ = error
    return again


def _failed(context: RunContext, error: BaseException, shared: Meter | None = None) -> FailedRun:
    if shared is not None:
        context.events.meter.failed_stage = context.events.meter.failed_stage or shared.failed_stage
    return context.fail(error)


def _let_go(error: BaseException | None) -> None:
    """Clear the frames of an error's traceback, which hold the model, to free memory for the next runs."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__

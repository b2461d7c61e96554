"""The context of a run: its directory, workspace and events."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from textclf_core.cache import CacheFolder
from textclf_core.errors import RunError, TextclfError
from textclf_core.pipeline.directory import RunDirectory, finish_killed_runs, run_id
from textclf_core.pipeline.events import write_history
from textclf_core.pipeline.observers import RunObservers
from textclf_core.pipeline.recording import label_of, plugin_record, trainer_of
from textclf_core.pipeline.spec import FailedRun, RunSpec
from textclf_core.plugins import ActivePlugins
from textclf_core.plugins.options import options_of
from textclf_core.plugins.specs import format_spec
from textclf_core.records.schema import CHECKPOINTS_DIRECTORY, RECORD_FILE
from textclf_core.system.environment import resolve_device
from textclf_core.system.world import ALONE, World
from textclf_core.types.events import RunEvents
from textclf_core.types.meter import Meter
from textclf_core.types.record import StartedRun
from textclf_core.types.workspace import Workspace


class RunContext:
    """The state of a run in progress.

    Attributes:
        spec: the specification of the run.
        label: the run's name in reports.
        started: the start time, in UTC.
        directory: the reserved run directory, which is complete or absent in the end.
        events: the events of the run.
        workspace: the workspace that its plugins get.
        observers: the observers of the run; ``None`` before training.
    """

    def __init__(self, spec: RunSpec, world: World = ALONE) -> None:
        self.spec = spec
        self.label = spec.label or label_of(spec.plugins)
        self.started = datetime.now(UTC)
        device = resolve_device(spec.device, world)
        cache = CacheFolder(spec.cache)
        for store in spec.superseded:
            cache.release(store)
        name = spec.id or run_id(self.started, self.label, spec.seed)
        self.directory = RunDirectory(spec.output, name, replace=spec.replace)
        self.events = RunEvents()
        write_history(self.events, self.directory.partial)
        self.workspace = Workspace(
            self.directory.partial,
            device,
            rank=world.rank,
            events=self.events,
            cache=cache,
            pilot=spec.pilot,
            world=world,
        )
        self.observers: RunObservers | None = None

    def observe(self, plugins: ActivePlugins, shared: Meter) -> None:
        """Call the observers among the plugins from now on; a pilot run has none, nor has any process but rank 0."""
        if self.spec.pilot or self.workspace.rank:
            return
        run = StartedRun(
            id=self.directory.id,
            label=self.label,
            started=self.started.isoformat(timespec="seconds"),
            seed=self.spec.seed,
            data_seed=self.spec.data_seed,
            plugins=tuple(map(plugin_record, plugins)),
            comparison=self.spec.comparison,
        )
        self.observers = RunObservers(run, plugins, self.events, [self.events.meter, shared])

    def end_observation(self, error: BaseException) -> None:
        """Call the observers with the reason why the run ended without a result, unless they were called before."""
        if self.observers is not None:
            self.observers.fail(error)
            self.observers = None

    def fail(self, error: BaseException) -> FailedRun:
        """End the run with an error; what was written is kept, and a note on the error says where."""
        failure = error if isinstance(error, TextclfError) else self._explained(error)
        self.end_observation(failure)
        if self.workspace.rank:
            self.directory.discard()
            return FailedRun(spec=self.spec, error=failure)
        try:
            kept = self.directory.keep_incomplete()
        except OSError as trouble:  # the disk is full or gone, so what was written can't be renamed
            failure.add_note(f"The files written so far are in {self.directory.partial}: {trouble}")
            return FailedRun(spec=self.spec, error=failure)
        if kept is not None:
            failure.add_note(_what_is_kept(kept, self.spec))
        return FailedRun(spec=self.spec, error=failure)

    def _explained(self, error: BaseException) -> RunError:
        stage = self.events.meter.failed_stage
        failure = RunError(f"{stage or 'the run'} failed: {type(error).__name__}: {error}")
        failure.__cause__ = error
        return failure


def reserve(specs: Sequence[RunSpec], world: World = ALONE) -> list[RunContext]:
    """Return a context with a reserved directory for each run.

    Raises:
        TextclfError: a directory can't be reserved; all reservations are removed.
    """
    contexts: list[RunContext] = []
    try:
        if not specs[0].replace:  # a comparison has done it
            finish_killed_runs(specs[0].output)
        for spec in specs:
            contexts.append(RunContext(spec, world))
    except BaseException:
        for context in contexts:
            context.directory.discard()
        raise
    return contexts


@contextmanager
def kept_if_interrupted(contexts: Sequence[RunContext]) -> Iterator[None]:
    """Keep the files that runs have written if the block is interrupted."""
    try:
        yield
    except BaseException as error:
        for context in contexts:
            context.end_observation(error)
            if context.directory.partial.exists() and (kept := context.directory.keep_incomplete()):
                error.add_note(_what_is_kept(kept, context.spec))
        if isinstance(error, KeyboardInterrupt) and not getattr(error, "__notes__", ()):
            error.add_note(_what_is_published([context.directory.path for context in contexts]))
        raise


def _what_is_published(paths: Sequence[Path]) -> str:
    """Return that runs were finished when they were interrupted, or that nothing was written."""
    finished = [str(path) for path in paths if (path / RECORD_FILE).is_file()]
    return f"Finished: {', '.join(finished)}." if finished else "Nothing of the run was written."


def _what_is_kept(directory: Path, spec: RunSpec) -> str:
    note = f"The files written so far are in {directory}."
    # One that is being written is hidden, and one that is being removed may have changed last.
    found = [one for one in directory.glob(f"{CHECKPOINTS_DIRECTORY}/*") if not one.name.startswith(".")]
    checkpoints = sorted(found, key=lambda one: (*map(int, re.findall(r"\d+", one.name)[-1:]), one.stat().st_mtime))
    trainer = trainer_of(spec.plugins)
    for option in options_of(type(trainer.instance)):
        if option.resumes and checkpoints:
            given = {key: trainer.options[key] for key, by in trainer.set_by.items() if by != "default"}
            resuming = format_spec(trainer.name, {**given, option.name: checkpoints[-1]})
            # A cell of a comparison isn't resumed by its command, and a run from Python has none.
            command = None if spec.replace else spec.command
            how = _with_plugin(command, trainer.name, resuming) if command else f"--plugin {resuming}"
            return f"{note} To resume after its last epoch: {how}"
    return note


def _with_plugin(command: str, name: str, spec: str) -> str:
    """Return a command line in which the plugin ``name`` has another spec, or to which it is added."""
    words = shlex.split(command)
    for index, word in enumerate(words):
        value = word.removeprefix("--plugin=")
        is_plugin = value != word or (index > 0 and words[index - 1] == "--plugin")
        if is_plugin and value.partition(":")[0].strip() == name:
            words[index] = spec if value == word else f"--plugin={spec}"
            return shlex.join(words)
    return shlex.join([*words, "--plugin", spec])

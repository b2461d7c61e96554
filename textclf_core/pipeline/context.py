"""Where a run takes place: its directory, its workspace, its events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from textclf_core.cache import CacheFolder
from textclf_core.errors import RunError, TextclfError
from textclf_core.pipeline.directory import RunDirectory, run_id
from textclf_core.pipeline.events import write_history
from textclf_core.pipeline.recording import label_of, trainer_of
from textclf_core.pipeline.spec import FailedRun, RunSpec
from textclf_core.plugins import ActivePlugins
from textclf_core.plugins.options import options_of
from textclf_core.records.schema import CHECKPOINTS_DIRECTORY
from textclf_core.system.environment import resolve_device
from textclf_core.types.events import RunEvents
from textclf_core.types.workspace import Workspace


class RunContext:
    """What a run has while it goes on.

    Attributes:
        spec: what is asked for.
        label: how reports call it.
        started: when, in UTC.
        directory: reserved, and whole or absent in the end.
        events: what it tells.
        workspace: what its plugins are given.
    """

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self.label = spec.label or label_of(spec.plugins)
        self.started = datetime.now(UTC)
        device = resolve_device(spec.device)
        cache = CacheFolder(spec.cache)
        for store in spec.superseded:
            cache.release(store)
        name = spec.id or run_id(self.started, self.label, spec.seed)
        self.directory = RunDirectory(spec.output, name, replace=spec.replace)
        self.events = RunEvents()
        write_history(self.events, self.directory.partial)
        self.workspace = Workspace(self.directory.partial, device, events=self.events, cache=cache, pilot=spec.pilot)

    def fail(self, error: BaseException) -> FailedRun:
        """End the run with an error: keep what was written, and say in the error where."""
        failure = error if isinstance(error, TextclfError) else self._explained(error)
        try:
            kept = self.directory.keep_incomplete()
        except OSError as trouble:  # a disk that is full or gone: what was written stays where it is
            failure.add_note(f"What was computed until then lies in {self.directory.partial}: {trouble}")
            return FailedRun(spec=self.spec, error=failure)
        if kept is not None:
            failure.add_note(_what_is_kept(kept, self.spec.plugins))
        return FailedRun(spec=self.spec, error=failure)

    def _explained(self, error: BaseException) -> RunError:
        stage = self.events.meter.failed_stage
        failure = RunError(f"{stage or 'the run'} failed: {type(error).__name__}: {error}")
        failure.__cause__ = error
        return failure


def reserve(specs: Sequence[RunSpec]) -> list[RunContext]:
    """Return a context, with its directory reserved, for each run.

    Raises:
        TextclfError: there can't be one; nothing is left then.
    """
    contexts: list[RunContext] = []
    try:
        for spec in specs:
            contexts.append(RunContext(spec))
    except BaseException:
        for context in contexts:
            context.directory.discard()
        raise
    return contexts


@contextmanager
def kept_if_interrupted(contexts: Sequence[RunContext]) -> Iterator[None]:
    """Keep what runs have written when the block is interrupted."""
    try:
        yield
    except BaseException as error:
        for context in contexts:
            if context.directory.partial.exists() and (kept := context.directory.keep_incomplete()):
                error.add_note(_what_is_kept(kept, context.spec.plugins))
        raise


def _what_is_kept(directory: Path, plugins: ActivePlugins) -> str:
    note = f"What was computed until then is kept in {directory}."
    checkpoints = sorted(directory.glob(f"{CHECKPOINTS_DIRECTORY}/*"), key=lambda path: path.stat().st_mtime)
    trainer = trainer_of(plugins)
    for option in options_of(type(trainer.instance)):
        if option.resumes and checkpoints:
            note += f" To go on from its last epoch: --plugin {trainer.name}:{option.name}={checkpoints[-1]}"
    return note

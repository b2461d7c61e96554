"""Calling observers: plugins that follow a run or a comparison, and can't change it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from textclf_core.errors import TextclfError
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.plugins.calling import call_one
from textclf_core.records.history import series_of
from textclf_core.records.schema import CHECKPOINTS_DIRECTORY, Record
from textclf_core.system.process import generators_restored
from textclf_core.types.events import History, RunEvents
from textclf_core.types.meter import Meter
from textclf_core.types.record import FinishedComparison, StartedRun

logger = logging.getLogger("textclf")


class RunObservers:
    """The observers of one run.

    Their time isn't part of the run's cost, and random numbers that they draw don't change those of training. After an
    error, which is logged as a warning, an observer isn't called again for this run.
    """

    def __init__(self, run: StartedRun, plugins: ActivePlugins, events: RunEvents, meters: Sequence[Meter]) -> None:
        """Call the observers that follow runs from their start.

        Args:
            run: the run, whose training is about to start.
            plugins: its plugins, of which some may be observers.
            events: the events of the run, whose steps and epochs are passed on from now.
            meters: count the time of the run; they pause while an observer works.
        """
        self._run, self._plugins, self._meters = run, plugins, meters
        self._failed: set[str] = set()
        self._call("textclf_run_started", run=run)
        if any(plugins.implementing(hook) for hook in ("textclf_step_logged", "textclf_epoch_logged")):
            events.listeners.append(self._log)

    def finish(self, record: Record, directory: Path, output: Path) -> None:
        """Call the observers with the finished run; each gets its own copy of the record and of the directory."""
        for plugin in self._plugins.implementing("textclf_run_finished"):
            if plugin.name not in self._failed:
                with self._errors_logged(plugin), _copy_of(directory, record, output) as copy:
                    call_one(plugin, "textclf_run_finished", record=deepcopy(record), directory=copy)

    def fail(self, error: BaseException) -> None:
        """Call the observers with the reason why the run ended without a result."""
        self._call("textclf_run_failed", run=self._run, error=str(error) or type(error).__name__)

    def _log(self, history: History, new: History) -> None:
        for row in new:
            arguments: dict[str, Any] = {"run": self._run, "step": int(row["step"]), "values": series_of(row)}
            if "epoch" in row:
                self._call("textclf_epoch_logged", epoch=int(row["epoch"]), **arguments)
            else:
                self._call("textclf_step_logged", **arguments)

    def _call(self, hook: str, **arguments: Any) -> None:
        for plugin in self._plugins.implementing(hook):
            if plugin.name not in self._failed:
                with self._errors_logged(plugin):
                    call_one(plugin, hook, **deepcopy(arguments))

    @contextmanager
    def _errors_logged(self, plugin: ActivePlugin) -> Iterator[None]:
        with ExitStack() as stack:
            for meter in self._meters:
                stack.enter_context(meter.pause())
            stack.enter_context(generators_restored())
            try:
                yield
            except (TextclfError, OSError) as error:
                self._failed.add(plugin.name)
                logger.warning("%s could not report this run: %s", plugin.name, error)


def notify_of_comparison(plugins: Sequence[ActivePlugins], comparison: FinishedComparison) -> None:
    """Call each observer of the contenders once with a finished comparison; an error is logged as a warning."""
    called: list[tuple[str, Mapping[str, object]]] = []
    for one in plugins:
        for plugin in one.implementing("textclf_comparison_finished"):
            if (plugin.name, plugin.options) in called:
                continue
            called.append((plugin.name, plugin.options))
            try:
                with generators_restored():
                    call_one(plugin, "textclf_comparison_finished", comparison=deepcopy(comparison))
            except (TextclfError, OSError) as error:
                logger.warning("%s could not report this comparison: %s", plugin.name, error)


@contextmanager
def _copy_of(directory: Path, record: Record, output: Path) -> Iterator[Path]:
    """Yield a temporary copy of a run directory, in the output folder, without checkpoints, which are large."""
    with TemporaryDirectory(dir=output, prefix=f".{record.id}.", suffix=".copy", ignore_cleanup_errors=True) as place:
        shutil.copytree(directory, place, ignore=shutil.ignore_patterns(CHECKPOINTS_DIRECTORY), dirs_exist_ok=True)
        yield Path(place)

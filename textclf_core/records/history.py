"""The history of a run, and notifying observers: plugins that read a finished run but can't change it."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

from textclf_core.errors import TextclfError
from textclf_core.plugins import ActivePlugins
from textclf_core.plugins.calling import call_one
from textclf_core.records.schema import CHECKPOINTS_DIRECTORY, HISTORY_FILE, Record
from textclf_core.types.record import RunRecord

logger = logging.getLogger("textclf")


def notify_observers(plugins: ActivePlugins, record: Record, directory: Path, output: Path) -> None:
    """Call each observer with a finished run; if one fails, a warning is logged and the others are still called.

    Each gets its own copy of the record and of the run directory, so it can't change the run.
    """
    for plugin in plugins.implementing("textclf_run_finished"):
        try:
            with _copy_of(directory, record, output) as copy:
                call_one(plugin, "textclf_run_finished", record=deepcopy(record), directory=copy)
        except (TextclfError, OSError) as error:
            logger.warning("%s could not report this run: %s", plugin.name, error)


@contextmanager
def _copy_of(directory: Path, record: Record, output: Path) -> Iterator[Path]:
    """Yield a temporary copy of a run directory, in the output folder, without checkpoints, which are large."""
    with TemporaryDirectory(dir=output, prefix=f".{record.id}.", suffix=".copy", ignore_cleanup_errors=True) as place:
        shutil.copytree(directory, place, ignore=shutil.ignore_patterns(CHECKPOINTS_DIRECTORY), dirs_exist_ok=True)
        yield Path(place)


def history_of(directory: Path) -> list[dict[str, float]]:
    """Return the entries of a run's history, each with its ``step``; empty if the trainer writes none."""
    path = directory / HISTORY_FILE
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def series_of(entry: dict[str, float]) -> dict[str, float]:
    """Return the values of an entry that are plotted over the steps."""
    return {name: value for name, value in entry.items() if name not in ("step", "epoch") and value is not None}


def results_of(record: RunRecord) -> dict[str, float]:
    """Return the results of a run by name: metrics such as ``test/f1``, and the cost."""
    metrics = {
        f"{split}/{name}": value
        for split, values in record.metrics.items()
        for name, value in values.items()
        if value is not None
    }
    cost = {f"seconds/{stage}": seconds for stage, seconds in record.cost.seconds.items() if "/" not in stage}
    return {**metrics, **cost, "peak_memory_bytes": float(record.cost.peak_memory_bytes)}

"""Observers: plugins that watch a run and change nothing of it."""

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


def tell_observers(plugins: ActivePlugins, record: Record, directory: Path, output: Path) -> None:
    """Tell each observer of a run that is done. One that fails loses neither the run nor the others their turn.

    Each gets a copy of its own, of the record and of the run's directory: what it does to them changes nothing.
    """
    for plugin in plugins.implementing("textclf_run_finished"):
        try:
            with _copy_of(directory, record, output) as copy:
                call_one(plugin, "textclf_run_finished", record=deepcopy(record), directory=copy)
        except (TextclfError, OSError) as error:
            logger.warning("%s did not see this run: %s", plugin.name, error)


@contextmanager
def _copy_of(directory: Path, record: Record, output: Path) -> Iterator[Path]:
    """Give a copy of a run's directory in the folder that gets it, without checkpoints, which are large."""
    with TemporaryDirectory(dir=output, prefix=f".{record.id}.", suffix=".copy", ignore_cleanup_errors=True) as place:
        shutil.copytree(directory, place, ignore=shutil.ignore_patterns(CHECKPOINTS_DIRECTORY), dirs_exist_ok=True)
        yield Path(place)


def history_of(directory: Path) -> list[dict[str, float]]:
    """Return the entries of a run's history, each with its ``step``; none where its trainer keeps no history."""
    path = directory / HISTORY_FILE
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def series_of(entry: dict[str, float]) -> dict[str, float]:
    """Return the numbers of an entry that make a series over the steps."""
    return {name: value for name, value in entry.items() if name not in ("step", "epoch") and value is not None}


def results_of(record: RunRecord) -> dict[str, float]:
    """Return the numbers of a run: metrics as ``test/f1``, and what it cost."""
    metrics = {
        f"{split}/{name}": value
        for split, values in record.metrics.items()
        for name, value in values.items()
        if value is not None
    }
    cost = {f"seconds/{stage}": seconds for stage, seconds in record.cost.seconds.items() if "/" not in stage}
    return {**metrics, **cost, "peak_memory_bytes": float(record.cost.peak_memory_bytes)}

"""The history of a run, and its results by name, as experiment trackers log them."""

from __future__ import annotations

import json
from pathlib import Path

from textclf_core.records.schema import HISTORY_FILE
from textclf_core.types.record import RunRecord


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

"""Sweeps: contenders that differ only in the value of one numeric option."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from textclf_core.records.schema import Record
from textclf_core.reports.analysis import Row


@dataclass(frozen=True)
class Sweep:
    """An option and the contenders that differ only in its value, in ascending order of the value."""

    plugin: str
    option: str
    points: tuple[tuple[float, Row], ...]


def sweeps_of(rows: Iterable[Row]) -> tuple[Sweep, ...]:
    """Return the sweeps with at least two values among the contenders, in the order of the rows."""
    found: dict[tuple[str, str, str], dict[float, Row]] = {}
    for row in rows:
        record = row.line.runs[0].record
        for index, plugin in enumerate(record.plugins):
            for option, value in plugin.options.items():
                if "dataset" not in plugin.roles and isinstance(value, int | float) and not isinstance(value, bool):
                    points = found.setdefault((plugin.name, option, _rest(record, index, option)), {})
                    points.setdefault(float(value), row)
    return tuple(
        Sweep(plugin, option, tuple(sorted(points.items())))
        for (plugin, option, _), points in found.items()
        if len(points) > 1
    )


def _rest(record: Record, index: int, option: str) -> str:
    """Return a key of everything that the contenders of a sweep have in common."""
    plugins = [
        [plugin.name, {key: value for key, value in plugin.options.items() if (position, key) != (index, option)}]
        for position, plugin in enumerate(record.plugins)
        if "dataset" not in plugin.roles
    ]
    return json.dumps([record.data_seed, plugins], sort_keys=True)

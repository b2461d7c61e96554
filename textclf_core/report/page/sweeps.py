"""Contenders that differ in one number: the points of a sweep, found in the records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textclf_core.records import Record
from textclf_core.report.analysis import Row


@dataclass(frozen=True)
class Sweep:
    """An option of a plugin and the contenders that differ in nothing else, by its value."""

    plugin: str
    option: str
    points: tuple[tuple[float, Row], ...]


def sweeps_of(rows: Sequence[Row]) -> tuple[Sweep, ...]:
    """Return the sweeps of at least three values among the rows, the longest first."""
    groups: dict[tuple[str, str, str], dict[float, Row]] = {}
    for row in rows:
        for plugin, option, value, rest in _numbers(row.line.runs[0].record):
            groups.setdefault((plugin, option, rest), {})[value] = row
    sweeps = [
        Sweep(plugin, option, tuple(sorted(points.items(), key=lambda point: point[0])))
        for (plugin, option, _), points in groups.items()
        if len(points) > 2
    ]
    return tuple(sorted(sweeps, key=lambda sweep: -len(sweep.points)))


def _numbers(record: Record) -> Iterator[tuple[str, str, float, str]]:
    """Yield each option that is a number, with all the rest of the run but its seed."""
    options = {plugin.name: plugin.options for plugin in record.plugins}
    for name, values in options.items():
        for key, value in values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                rest = options | {name: {other: values[other] for other in values if other != key}}
                yield name, key, float(value), json.dumps(rest, sort_keys=True)

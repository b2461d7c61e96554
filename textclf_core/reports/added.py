"""What plugins add to reports: collected by name, and called so that a failing part is left out and logged."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any

from textclf_core.errors import TextclfError, UsageError
from textclf_core.plugins import ActivePlugin, Catalogue, override
from textclf_core.plugins.activation import build_active
from textclf_core.plugins.calling import call_one, errors_of
from textclf_core.plugins.results import shown
from textclf_core.plugins.specs import PluginSpec
from textclf_core.records.schema import Record
from textclf_core.reports.costs import COSTS
from textclf_core.reports.prices import MONEY
from textclf_core.reports.recorded_plugins import recorded_plugins
from textclf_core.types.record import Fact, RunRecord
from textclf_core.types.report import (
    ReportColumn,
    ReportCost,
    ReportedComparison,
    ReportedContender,
    ReportPlot,
    ReportSection,
    ReportTable,
    Value,
)

logger = logging.getLogger("textclf")

ReportPart = ReportCost | ReportColumn | ReportPlot | ReportSection
Fault = Callable[[Any], str | None]
"""Returns a description of an invalid value, or ``None``."""

REPORTER = "reporter"
_HOOK = "textclf_report"
_UNKNOWN, _LEFT_OUT = "It is unknown there.", "The report comes without it."

OWN_COLUMNS = (
    *("contender", "score", "sd", "interval", "verdict", "loss", "risk", "difference", "distance", "failed", "tuned"),
    *COSTS,
    MONEY,
    "seeds",
)
"""The columns that a report itself may have, besides those of metrics."""
OWN_PLOTS = ("cost", "distances", "learning-curves", "confusion", "reliability", "train-size", "critical-difference")


@dataclass(frozen=True)
class Added:
    """What plugins add to a report. Its functions don't fail: what the plugin's own can't return is ``None``.

    Attributes:
        costs: costs by name.
        columns: columns, in order.
        plots: plots, in order.
        sections: sections of the page, in order.
        problems: what the report had to leave out so far, in sentences.
    """

    costs: Mapping[str, ReportCost] = field(default_factory=dict)
    columns: tuple[ReportColumn, ...] = ()
    plots: tuple[ReportPlot, ...] = ()
    sections: tuple[ReportSection, ...] = ()
    problems: list[str] = field(default_factory=list, compare=False)

    def leave_out(self, problem: str) -> None:
        """Log what is left out, once."""
        if problem not in self.problems:
            self.problems.append(problem)
            logger.warning("%s", problem)


def named_reporters(specs: Sequence[str | PluginSpec], catalogue: Catalogue, set_by: str) -> list[ActivePlugin]:
    """Return plugins that are named for a report.

    Raises:
        UsageError: one doesn't exist, has a wrong option, or adds nothing to reports.
        PluginError: one can't be imported.
    """
    plugins = [build_active(spec, catalogue) for spec in override([], specs, catalogue, set_by=set_by)]
    for plugin in plugins:
        if REPORTER not in plugin.roles:
            raise UsageError(
                f"--plugin {plugin.name}: it adds nothing to a report, since it has no {_HOOK}; it is a "
                f"{' and '.join(plugin.roles)}."
            )
    return plugins


def added_to_runs(records: Iterable[Record], named: Sequence[ActivePlugin] = ()) -> Added:
    """Return what the plugins of stored runs add, with the options that they had, and those named for the report.

    A plugin of a run that isn't installed any more, or whose options no longer fit, is left out.

    Args:
        records: the records of the runs.
        named: plugins named for the report; they come before those of the runs, and replace those of the same name.

    Raises:
        UsageError: two plugins give one name.
    """
    ordered = sorted(records, key=lambda record: record.started, reverse=True)
    recorded = [
        plugin
        for record in ordered
        for plugin in record.plugins
        if REPORTER in plugin.roles and plugin.name not in {one.name for one in named}
    ]
    different = {(plugin.name, plugin.distribution, str(plugin.options)): plugin for plugin in reversed(recorded)}
    built, missing, _ = recorded_plugins(reversed(different.values()))
    lost = [
        f"The runs have the plugin {plugin.name!r} ({' '.join(filter(None, (plugin.distribution, plugin.version)))}), "
        f"which can't be used here: {reason} The report comes without what it adds."
        for plugin, reason in missing
    ]
    return added_by(built, named, problems=lost)


def added_by(
    plugins: Iterable[ActivePlugin], named: Sequence[ActivePlugin] = (), *, problems: Iterable[str] = ()
) -> Added:
    """Return what plugins add to a report.

    Args:
        plugins: the plugins of the runs; of those with one name and different options, the first is used.
        named: plugins that are named for the report; what they add replaces what others add under the same name.
        problems: what is left out already.

    Raises:
        UsageError: two plugins give one name.
    """
    added = Added()
    for problem in problems:
        added.leave_out(problem)
    owners: dict[tuple[str, str], ActivePlugin] = {}
    found: list[ReportPart] = []
    for plugin in _different([*named, *plugins], added):
        try:
            parts = call_one(plugin, _HOOK)
        except TextclfError as error:
            added.leave_out(f"{_blamed(plugin, error).rstrip('.')}. The report comes without what it adds.")
            continue
        for part in parts:
            if not isinstance(part, ReportSection):
                what = "plot" if isinstance(part, ReportPlot) else "column"
                own = OWN_PLOTS if what == "plot" else OWN_COLUMNS
                if part.name in own or (what == "plot" and part.name.startswith("sweep-")):
                    added.leave_out(
                        f"{plugin} adds the {what} {part.name!r}, but the report has its own; it must give another "
                        f"name. {_LEFT_OUT}"
                    )
                    continue
                other = owners.setdefault((what, part.name), plugin)
                if other in named and plugin not in named:
                    continue
                if other is not plugin:
                    raise UsageError(
                        f"Two plugins add the {what} {part.name!r} to a report: {other} and {plugin}. Leave one out; "
                        "of two that the runs have, --plugin names the one to use."
                    )
            found.append(_guarded(part, plugin, added))
    return replace(
        added,
        costs={part.name: part for part in found if isinstance(part, ReportCost)},
        columns=tuple(part for part in found if isinstance(part, ReportColumn)),
        plots=tuple(part for part in found if isinstance(part, ReportPlot)),
        sections=tuple(part for part in found if isinstance(part, ReportSection)),
    )


def reporters_with_cost(name: str) -> list[str]:
    """Return the names of the installed plugins that would add a cost, with their defaults."""
    able, catalogue = [], Catalogue.discover()
    for listing in catalogue.listing():
        if listing.plugin is None or REPORTER not in listing.plugin.roles:
            continue
        try:
            plugin = build_active(PluginSpec(listing.entry.qualified_name), catalogue)
            parts = call_one(plugin, _HOOK)
        except TextclfError:  # it can't tell
            continue
        if any(isinstance(part, ReportCost) and part.name == name for part in parts):
            able.append(plugin.name)
    return able


def _different(plugins: Iterable[ActivePlugin], added: Added) -> list[ActivePlugin]:
    """Return one plugin of each name: the first; others with other options are reported."""
    chosen: dict[str, ActivePlugin] = {}
    for plugin in plugins:
        if REPORTER not in plugin.roles:
            continue
        first = chosen.setdefault(plugin.name, plugin)
        if dict(first.options) != dict(plugin.options):
            added.leave_out(
                f"The runs have {plugin.name!r} with different options; the report uses {_options(first)}, not "
                f"{_options(plugin)}. --plugin chooses others."
            )
    return list(chosen.values())


def _options(plugin: ActivePlugin) -> str:
    return ", ".join(f"{name}={value}" for name, value in plugin.options.items())


def _blamed(plugin: ActivePlugin, error: TextclfError, what: str = _HOOK) -> str:
    """Return an error's message with the name of the plugin, which a message of its own may lack."""
    message = str(error)
    return message if str(plugin) in message else f"{what} of {plugin}: {message}"


class _Guard:
    """Calls the functions of one part. What fails or is invalid is ``None``, which is logged once for each function."""

    def __init__(self, plugin: ActivePlugin, added: Added, part: str, without: str) -> None:
        """Guard a part.

        Args:
            plugin: the plugin that adds it.
            added: logs what is left out.
            part: the part in messages, such as ``the cost 'energy'``.
            without: a sentence on what the report then lacks.
        """
        self._plugin, self._added, self._part, self._without = plugin, added, part, without
        self._failed: set[str] = set()

    def __call__(self, function: Callable[..., Any], name: str, wanted: str, fault: Fault, *arguments: Any) -> Any:
        what = f"{name} of {self._part}"
        try:
            with errors_of(self._plugin, what):
                value = function(*arguments)
                came = fault(value)  # which a strange value may fail too
            if not came:
                return value
            problem = f"{what} of {self._plugin} returned {came}; it must return {wanted}."
        except TextclfError as error:
            problem = _blamed(self._plugin, error, what)
        if name not in self._failed:
            self._failed.add(name)
            self._added.leave_out(f"{problem.rstrip('.')}. {self._without}")
        return None


def _guarded_cost(cost: ReportCost, guard: _Guard) -> ReportCost:
    def read(record: RunRecord) -> float | None:
        wanted = "a finite number from 0 on, or None"
        value = guard(cost.read, "read", wanted, _not_a_cost, deepcopy(record))
        return None if value is None else float(value)

    def write(value: float) -> str:
        return guard(cost.write, "write", "a text", _not_text, value) or write_value(value)

    return replace(cost, read=read, write=write)


def _guarded_column(column: ReportColumn, guard: _Guard) -> ReportColumn:
    def read(contender: ReportedContender) -> Value:
        value = guard(column.read, "read", "a text, a finite number, or None", _not_a_value, contender)
        return plain_value(value)

    def write(value: Value) -> str:
        own = column.write and guard(column.write, "write", "a text", _not_text, value)
        return own or write_value(value)

    return replace(column, read=read, write=write)


def _guarded_plot(plot: ReportPlot, guard: _Guard) -> ReportPlot:
    def drawn(comparison: ReportedComparison) -> Any:
        figure = plot.draw(comparison)
        if _not_a_figure(figure) is None and figure is not None:
            if figure.get_layout_engine() is None:
                figure.set_layout_engine("constrained")  # else the page would cut off long labels
            figure.draw_without_rendering()  # what can't be drawn fails here
        return figure

    def draw(comparison: ReportedComparison) -> Any:
        return guard(drawn, "draw", "a matplotlib Figure, or None", _not_a_figure, comparison)

    return replace(plot, draw=draw)


def _guarded_section(section: ReportSection, guard: _Guard) -> ReportSection:
    def content(comparison: ReportedComparison) -> Sequence[str | ReportTable]:
        wanted = "a list of texts and ReportTable, whose rows have a text or a number for each heading"
        return guard(section.content, "content", wanted, _not_content, comparison) or ()

    return replace(section, content=content)


def _guarded(part: ReportPart, plugin: ActivePlugin, added: Added) -> ReportPart:
    """Return the part with functions that don't fail."""
    if isinstance(part, ReportCost):
        return _guarded_cost(part, _Guard(plugin, added, f"the cost {part.name!r}", _UNKNOWN))
    if isinstance(part, ReportColumn):
        return _guarded_column(part, _Guard(plugin, added, f"the column {part.name!r}", _UNKNOWN))
    if isinstance(part, ReportPlot):
        return _guarded_plot(part, _Guard(plugin, added, f"the plot {part.name!r}", _LEFT_OUT))
    return _guarded_section(part, _Guard(plugin, added, f"the section {part.heading!r}", _LEFT_OUT))


def plain_value(value: Any) -> Value:
    """Return a cell's value as JSON holds it; NumPy's numbers are numbers too."""
    if value is None or isinstance(value, str):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def write_value(value: Value) -> str:
    """Return a cell's value as text."""
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def write_fact(fact: Fact) -> str:
    """Return a trainer's fact as text."""
    return ("no", "yes")[fact] if isinstance(fact, bool) else write_value(fact) or "-"


def _not_a_cost(value: Any) -> str | None:
    fine = value is None or (_is_number(value) and value >= 0)
    return None if fine else shown(value)


def _not_a_value(value: Any) -> str | None:
    return None if value is None or isinstance(value, str) or _is_number(value) else shown(value)


def _not_text(value: Any) -> str | None:
    return None if isinstance(value, str) else shown(value)


def _not_a_figure(value: Any) -> str | None:
    from matplotlib.figure import Figure

    return None if value is None or isinstance(value, Figure) else shown(value)


def _not_content(value: Any) -> str | None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return shown(value)
    for place, block in enumerate(value):
        came = f"a {type(value).__name__} whose item {place} is"
        if isinstance(block, str):
            continue
        if not isinstance(block, ReportTable):
            return f"{came} {shown(block)}"
        for row in block.rows:
            if isinstance(row, str) or len(row) != len(block.headings):
                return f"{came} a table with {len(block.headings)} headings and the row {row!r}"
            if wrong := next(filter(None, map(_not_a_value, row)), None):
                return f"{came} a table with the cell {wrong}"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)

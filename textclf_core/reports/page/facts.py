"""The facts of the data, and how to make the runs again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textclf_core.records.schema import PluginRecord, Record
from textclf_core.reports.analysis import Analysis
from textclf_core.reports.curves import LearningCurves
from textclf_core.reports.data_read import other_rows
from textclf_core.reports.data_sets import OverDataSets
from textclf_core.reports.page.svg import figure_svg
from textclf_core.reports.page.tables import (
    Cell,
    Code,
    Figure,
    Share,
    SortCell,
    SortColumn,
    SortTable,
    Table,
    numbers,
)
from textclf_core.reports.plots.lengths import length_chart
from textclf_core.reports.rounding import write_number, write_p
from textclf_core.reports.summary import held_out_sentence
from textclf_core.tasks import kind_of
from textclf_core.types.data import DataRecord

_MOST_CLASSES = 30


@dataclass(frozen=True)
class DataFacts:
    """The data: source, splits, what was read, class balance and the lengths of the test texts."""

    source: str
    warning: str | None
    splits: Table
    read: Table
    balance: Table
    lengths: Figure


@dataclass(frozen=True)
class Reproduction:
    """The commands, options, versions and machines of the runs.

    Attributes:
        commands: that asked for the runs; none from Python.
        page_command: the command line that writes the page; ``None`` from Python.
        tables: contenders, distributions, environments.
        notes: of the runs, each with whose it is.
    """

    commands: tuple[str, ...]
    page_command: str | None
    tables: tuple[Table, ...]
    notes: tuple[str, ...]


def data_facts(analysis: Analysis) -> DataFacts:
    """Return the page's facts about the data."""
    data = analysis.data
    rows = tuple(
        (one.name, f"{one.rows:,}", f"{one.empty_texts:,}", one.origin, (Code(one.sha256[:8], one.sha256),))
        for one in data.splits
    )
    headings = ("split", "rows", "empty texts", "origin", "sha256")
    held_out = held_out_sentence(data)
    return DataFacts(
        source=data.source,
        warning=held_out[0].upper() + held_out[1:] if held_out else None,
        splits=Table("The splits", headings, rows, numbers("rows", "empty texts")),
        read=Table("What was read", ("", ""), tuple(other_rows(data))),
        balance=_balance(data),
        lengths=figure_svg(length_chart(analysis)),
    )


def pairs_table(analysis: Analysis, prefix: str) -> SortTable | None:
    """Return the paired tests between all contenders; ``None`` if they weren't asked for."""
    if not analysis.pairs:
        return None
    rows = tuple(
        (
            SortCell(pair.first, pair.first),
            SortCell(pair.second, pair.second),
            SortCell(write_number(pair.difference.value, 4), repr(pair.difference.value), "number"),
            SortCell(write_p(pair.adjusted_p_value), repr(pair.adjusted_p_value), "number"),
        )
        for pair in analysis.pairs
    )
    columns = (
        SortColumn("first"),
        SortColumn("second"),
        SortColumn("first less second", is_number=True, largest_first=True),
        SortColumn("p", is_number=True),
    )
    caption = f"The difference in {analysis.metric} of each two, and its p-value, Holm-corrected over all pairs"
    return SortTable(f"{prefix}-pairs", caption, columns, rows)


def curves_table(curves: LearningCurves) -> Table:
    """Return the table of fitted learning curves."""
    return Table(curves.caption, curves.headings, tuple(curves.cells()), dict.fromkeys(curves.headings[1:], "number"))


def over_table(over: OverDataSets) -> Table:
    """Return the table of a comparison over data sets."""
    numbers = dict.fromkeys(over.headings[1:], "number")
    caption = f"Over {len(over.data_sets)} data sets: {', '.join(over.data_sets)}. {' '.join(over.sentences())}"
    return Table(caption, over.headings, tuple(over.cells()), numbers)


def reproduction(analysis: Analysis, command: str | None) -> Reproduction:
    """Return how to make the runs and the page again; ``command`` is the command line that writes the page."""
    records = [run.record for row in analysis.rows for run in row.line.runs]
    return Reproduction(
        commands=tuple(_different(record.command for record in records if record.command)),
        page_command=command,
        tables=(_contenders(analysis), _versions(records), _machines(records)),
        notes=tuple(_notes(analysis)),
    )


def _contenders(analysis: Analysis) -> Table:
    rows = tuple(
        (
            row.line.label,
            tuple(Code(_spec(one), "/".join(one.roles), "plugin") for one in row.line.runs[0].record.plugins),
            ", ".join(map(str, row.line.seeds)),
            ", ".join(run.directory.name for run in row.line.runs),
        )
        for row in analysis.rows
    )
    data_seeds = ", ".join(_different(str(run.record.data_seed) for row in analysis.rows for run in row.line.runs))
    caption = f"What each contender was; data seed {data_seeds}. Options left at their defaults are in the records"
    classes = {"plugins": "wide", "seeds": "number", "runs": "wide"}
    return Table(caption, ("contender", "plugins", "seeds", "runs"), rows, classes)


def _spec(plugin: PluginRecord) -> str:
    chosen = [f"{key}={plugin.options[key]}" for key, by in plugin.set_by.items() if by != "default"]
    return f"{plugin.name}:{','.join(chosen)}" if chosen else plugin.name


def _versions(records: Sequence[Record]) -> Table:
    brought: dict[tuple[str, str], dict[str, None]] = {}
    for record in records:
        for plugin in record.plugins:
            brought.setdefault((plugin.distribution, plugin.version or "-"), {})[plugin.name] = None
    rows = tuple((name, version, ", ".join(plugins)) for (name, version), plugins in brought.items())
    return Table("What brought the plugins", ("distribution", "version", "plugins"), rows)


def _machines(records: Sequence[Record]) -> Table:
    machines = [json.loads(text) for text in _different(json.dumps(record.environment) for record in records)]
    names = _different(name for machine in machines for name in machine)
    rows = tuple((name, *(str(machine.get(name, "-")) for machine in machines)) for name in names)
    headings = ("environment",) if len(machines) == 1 else tuple(f"environment {i + 1}" for i in range(len(machines)))
    caption = "Where the runs were computed"
    if len(machines) > 1:
        caption += ": not all in one environment, so their costs are not quite comparable"
    return Table(caption, ("", *headings), rows)


def _notes(analysis: Analysis) -> Iterator[str]:
    notes: dict[str, dict[str, None]] = {}
    for row in analysis.rows:
        for run in row.line.runs:
            for note in run.record.notes:
                notes.setdefault(note, {})[row.line.label] = None
    for note, labels in notes.items():
        yield f"{note} ({_whose(labels, analysis)})"


def _whose(labels: dict[str, None], analysis: Analysis) -> str:
    return "all contenders" if len(labels) == len(analysis.rows) else ", ".join(labels)


def _balance(data: DataRecord) -> Table:
    """Return the share of each class in each split; with many classes, those largest in train come first."""
    splits, labels = data.splits, data.label_names
    counts = {name: [split.label_counts.get(name, 0) for split in splits] for name in labels}
    kind = kind_of(data.task)
    totals = [kind.labels_of_split(split.rows, split.label_counts) for split in splits]
    shown = list(labels) if len(labels) <= _MOST_CLASSES else sorted(labels, key=lambda name: -counts[name][0])
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            *(
                f"{count:,} ({count / total:.1%})" if total else "0"
                for total, count in zip(totals, counts[name], strict=True)
            ),
            Share(counts[name][0] / max(1, totals[0])),
        )
        for name in shown[:_MOST_CLASSES]
    )
    names = [split.name for split in splits]
    caption = "Classes" if len(labels) <= _MOST_CLASSES else f"The {_MOST_CLASSES} largest of {len(labels)} classes"
    classes = numbers(*names) | {"": "bars"}
    return Table(f"{caption}, and their share of each split", ("class", *names, ""), rows, classes)


def _different(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))

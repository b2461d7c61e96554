"""Checks of reporters."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace

from textclf_core.records.schema import Record
from textclf_core.reports.added import Added, added_by
from textclf_core.reports.costs import COSTS
from textclf_core.testing.registry import check_of
from textclf_core.testing.role_checks.observer import made_up_record
from textclf_core.testing.subject import Subject
from textclf_core.types.report import ReportedComparison, ReportedContender
from textclf_core.types.task import Task

_CHECKED = "textclf_report"


def _added(subject: Subject) -> Added:
    """Return what the plugin adds, whose problems are then those of the checks."""
    added: Added = subject.run(lambda: added_by([subject.plugin]))
    return added


def _records() -> tuple[Record, ...]:
    """Return made-up records: of a run with an encoder and of one without, which lacks what only the first has."""
    whole = made_up_record()
    cost = replace(whole.cost, train_flops=None, adapt_flops=None, trainable_parameters=None, total_parameters=None)
    metrics: dict[str, dict[str, float | None]] = {"test": {"f1": None}}
    bare = replace(whole, label="without encoder", encoder=None, cost=cost, metrics=metrics)
    return replace(whole, facts={"trees": 100}), bare


def _comparison(records: tuple[Record, ...], added: Added) -> ReportedComparison:
    """Return made-up results of a contender for each record, and of their costs."""

    def costs(record: Record) -> Mapping[str, float | None]:
        return {name: kind.read(record) for name, kind in {**COSTS, **added.costs}.items()}

    contenders = tuple(
        ReportedContender(
            label=record.label,
            records=(record,),
            directories=(),
            score=0.8 - place / 10,
            deviation=None,
            low=0.7 - place / 10,
            high=0.9 - place / 10,
            verdict="best" if place == 0 else "worse",
            loss=place / 10,
            risk=0.5,
            costs=costs(record),
            recommended=place == 0,
        )
        for place, record in enumerate(records)
    )
    return ReportedComparison(
        data="made up",
        task=Task(records[0].data.label_names),
        metric="f1",
        better="higher",
        tolerance=0.01,
        cost="train-seconds",
        contenders=contenders,
    )


def _show(subject: Subject, added: Added, comparison: ReportedComparison) -> None:
    """Let columns, plots and sections read the results, as a report does."""

    def show() -> None:
        for column in added.columns:
            for contender in comparison.contenders:
                value = column.read(contender)
                assert value is None or column.write is None or column.write(value) is not None
        for plot in added.plots:
            plot.draw(comparison)
        for section in added.sections:
            section.content(comparison)

    subject.run(show)


@check_of(_CHECKED)
def adds_parts(subject: Subject) -> Iterator[str]:
    """It adds at least one part, under names that a report doesn't have."""
    added = _added(subject)
    yield from added.problems
    if not (added.problems or added.costs or added.columns or added.plots or added.sections):
        yield "it returns no part; return a ReportCost, ReportColumn, ReportPlot or ReportSection."


@check_of(_CHECKED)
def costs_every_run(subject: Subject) -> Iterator[str]:
    """Its costs are numbers or unknown for every run, also without encoder, FLOPs, parameters or facts."""
    added = _added(subject)

    def read() -> None:
        for record in _records():
            for cost in added.costs.values():
                if (value := cost.read(record)) is not None:
                    cost.write(value)

    subject.run(read)
    yield from added.problems


@check_of(_CHECKED)
def unknown_is_not_free(subject: Subject) -> Iterator[str]:
    """No cost is 0 for a run of which it is unknown: it would be the cheapest."""
    whole, bare = _records()
    for name, cost in _added(subject).costs.items():
        if cost.read(whole) and cost.read(bare) == 0:
            yield (
                f"the cost {name!r} is 0 for a run without FLOPs and parameters, which would be recommended as the "
                "cheapest; return None for what is unknown."
            )


@check_of(_CHECKED)
def shows_any_comparison(subject: Subject) -> Iterator[str]:
    """Its columns, plots and sections take any comparison: of one contender, with unknown costs, with one seed."""
    added, (whole, bare) = _added(subject), _records()
    for records in ((whole, bare), (whole,), (bare,)):
        _show(subject, added, _comparison(records, added))
    yield from added.problems


@check_of(_CHECKED)
def leaves_the_results_alone(subject: Subject) -> Iterator[str]:
    """It doesn't change the records and results that it reads."""
    added = _added(subject)
    comparison = _comparison(_records(), added)
    before = deepcopy(comparison)
    _show(subject, added, comparison)
    if comparison != before:
        yield "it changed the results, which other parts of the report read too; work on a copy."


@check_of(_CHECKED)
def keeps_no_figure_open(subject: Subject) -> Iterator[str]:
    """It makes figures without pyplot, which keeps all of them open."""

    def opened() -> int:
        pyplot = sys.modules.get("matplotlib.pyplot")
        return len(pyplot.get_fignums()) if pyplot else 0

    added, before = _added(subject), opened()
    _show(subject, added, _comparison(_records(), added))
    if opened() > before:
        yield "it draws with pyplot, which keeps every figure open; use `Figure` of matplotlib.figure."

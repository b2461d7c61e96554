"""Broken reporters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from broken import broken
from textclf_core import (
    ReportColumn,
    ReportCost,
    ReportedComparison,
    ReportPlot,
    ReportSection,
    ReportTable,
    RunRecord,
    hookimpl,
)


@dataclass(frozen=True)
class GoodReporter:
    """A part of each kind."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [
            ReportCost(name="waiting", heading="waiting", read=lambda record: record.cost.seconds["total"]),
            ReportColumn(name="trees", heading="trees", read=lambda one: str(one.records[0].facts.get("trees"))),
            ReportPlot(name="waiting", title="Waiting", draw=self.draw),
            ReportSection(heading="Waiting", content=self.content),
        ]

    def draw(self, comparison: ReportedComparison) -> Any:
        from matplotlib.figure import Figure

        figure = Figure()
        figure.subplots().plot([one.costs["waiting"] for one in comparison.contenders], "o")
        return figure

    def content(self, comparison: ReportedComparison) -> list[Any]:
        rows = [(one.label, one.costs["waiting"]) for one in comparison.contenders]
        return [comparison.data, ReportTable(caption="Waiting", headings=("contender", "s"), rows=rows)]


@broken("adds_parts", "it returns no part")
@dataclass(frozen=True)
class AddsNothing:
    """An empty list."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return []


@broken("adds_parts", "names of lower-case letters")
@dataclass(frozen=True)
class HasANameThatNobodyCanType:
    """A name that --columns would take for two."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [ReportColumn(name="Seeds, failed", heading="seeds", read=lambda one: len(one.records))]


@broken("adds_parts", "the report has its own")
@dataclass(frozen=True)
class TakesANameOfTheReport:
    """Other FLOPs."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [ReportCost(name="flops", heading="FLOPs", read=lambda record: 1.0)]


@broken("costs_every_run", "failed at")
@dataclass(frozen=True)
class NeedsAnEncoder:
    """Parameters, which not every run has."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [ReportCost(name="heat", heading="heat", read=lambda record: 2 * record.cost.total_parameters)]  # type: ignore[operator]


@broken("costs_every_run", "a finite number from 0 on")
@dataclass(frozen=True)
class CostsAText:
    """A number with its unit, which can't be compared."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [ReportCost(name="heat", heading="heat", read=lambda record: "3 kWh")]  # type: ignore[arg-type,return-value]


@broken("unknown_is_not_free", "return None for what is unknown")
@dataclass(frozen=True)
class TakesTheUnknownForNothing:
    """What isn't counted is cheapest."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [ReportCost(name="heat", heading="heat", read=lambda record: record.cost.train_flops or 0.0)]


@broken("shows_any_comparison", "failed at")
@dataclass(frozen=True)
class ComparesWithTheSecond:
    """There may be no second contender."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [
            ReportSection(
                heading="The lead", content=lambda all: [f"{all.contenders[0].score - all.contenders[1].score}"]
            )
        ]


@broken("shows_any_comparison", "headings and the row")
@dataclass(frozen=True)
class LeavesOutACell:
    """A row that is too short."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        table = ReportTable(caption="Scores", headings=("contender", "score"), rows=[("full",)])
        return [ReportSection(heading="Scores", content=lambda all: [table])]


@broken("shows_any_comparison", "a matplotlib Figure, or None")
@dataclass(frozen=True)
class DrawsAText:
    """The name of a file."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [ReportPlot(name="lead", title="The lead", draw=lambda all: "lead.png")]  # type: ignore[arg-type,return-value]


@broken("leaves_the_results_alone", "work on a copy")
@dataclass(frozen=True)
class ChangesTheResults:
    """Better numbers."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [ReportSection(heading="Scores", content=self.content)]

    def content(self, comparison: ReportedComparison) -> list[str]:
        comparison.contenders[0].records[0].metrics["test"]["f1"] = 1.0
        return []


@broken("keeps_no_figure_open", "matplotlib.figure")
@dataclass(frozen=True)
class DrawsWithPyplot:
    """A figure that stays open."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [ReportPlot(name="lead", title="The lead", draw=self.draw)]

    def draw(self, comparison: ReportedComparison) -> Any:
        import matplotlib

        matplotlib.use("agg")
        from matplotlib import pyplot

        return pyplot.figure()


@broken("costs_every_run", "failed at")
@dataclass(frozen=True)
class ReadsAFactThatNotEveryTrainerHas:
    """The number of trees."""

    @hookimpl
    def textclf_report(self) -> list[Any]:
        return [ReportCost(name="trees", heading="trees", read=self.read)]

    def read(self, record: RunRecord) -> float:
        return float(record.facts["trees"])  # type: ignore[arg-type]

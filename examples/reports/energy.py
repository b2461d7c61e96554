"""Energy: a cost, a plot and a section of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core import (
    Option,
    ReportCost,
    ReportedComparison,
    ReportPlot,
    ReportSection,
    ReportTable,
    RunRecord,
    hookimpl,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Energy:
    """The energy of a run, from its seconds and the power of the machine."""

    watts: Annotated[float, Option("The power that the machine draws while it computes.", gt=0)] = 65.0
    grams: Annotated[float, Option("The grams of CO2 for a kilowatt hour.", ge=0)] = 250.0

    @hookimpl
    def textclf_report(self) -> list[ReportCost | ReportPlot | ReportSection]:
        """Add the energy of training, where the energy went, and what it stands for in CO2."""
        return [
            ReportCost(
                name="energy",
                heading="energy",
                read=lambda record: self.stages(record)["training"],
                write=lambda watt_hours: f"{watt_hours:,.3g} Wh",
                axis="energy of training (Wh)",
            ),
            ReportPlot(
                name="energy-by-stage",
                title="Energy by stage",
                draw=self.draw,
                caption=f"The energy of a run at {self.watts:g} W, as the mean over seeds.",
            ),
            ReportSection(heading="Energy and CO2", content=self.emissions),
        ]

    def stages(self, record: RunRecord) -> dict[str, float]:
        """Return the watt hours of a run by stage."""
        seconds = record.cost.seconds
        training = seconds["train"] + seconds.get("adapt", 0.0)
        parts = {"training": training, "everything else": seconds["total"] - training}
        return {name: self.watts * part / SECONDS_AN_HOUR for name, part in parts.items()}

    def draw(self, comparison: ReportedComparison) -> Figure:
        """Draw a bar for each contender, the best at the top."""
        from matplotlib.figure import Figure

        contenders = comparison.contenders[::-1]
        figure = Figure(figsize=(6.4, 1.5 + 0.35 * len(contenders)))
        axes = figure.subplots()
        ends = [0.0] * len(contenders)
        for number, stage in enumerate(("training", "everything else")):
            means = [sum(self.stages(record)[stage] for record in one.records) / len(one.records) for one in contenders]
            bars = axes.barh(range(len(contenders)), means, left=ends, height=0.6, color=f"C{number}")
            for bar, one, mean in zip(bars, contenders, means, strict=True):
                bar.set_label(f"{one.label}: {mean:,.3g} Wh for {stage}")  # the tooltip on the page
            ends = [end + mean for end, mean in zip(ends, means, strict=True)]
            axes.plot([], [], "s", color=f"C{number}", label=stage)
        axes.set_yticks(range(len(contenders)), [one.label for one in contenders])
        axes.set_xlabel("energy (Wh)")
        axes.grid(visible=False, axis="y")
        figure.legend(handles=axes.lines, loc="outside upper right", ncols=2, frameon=False)
        return figure

    def emissions(self, comparison: ReportedComparison) -> list[str | ReportTable]:
        """Return a sentence and a table."""
        rows = [
            (
                one.label,
                len(one.records),
                self.grams / 1000 * sum(sum(self.stages(run).values()) for run in one.records),
            )
            for one in comparison.contenders
        ]
        total = sum(grams for _, _, grams in rows)
        return [
            f"All runs together emitted about {total:,.3g} g of CO2, at {self.watts:g} W and {self.grams:g} g/kWh.",
            ReportTable(caption="The CO2 of all runs", headings=("contender", "runs", "g of CO2"), rows=rows),
        ]

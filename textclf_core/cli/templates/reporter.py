"""A plugin that adds to reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from textclf_core import Option, ReportCost, ReportedComparison, ReportSection, RunRecord, hookimpl


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """Add the energy of the runs, a cost that --cost can recommend by."""

    watts: Annotated[float, Option("The power that the machine draws.", gt=0)] = 65.0

    @hookimpl
    def textclf_report(self) -> list[ReportCost | ReportSection]:
        """Say what there is to add; the functions are called for each report."""
        return [
            ReportCost(
                name="my-plugin", heading="energy", read=self.watt_hours, write=lambda value: f"{value:,.3g} Wh"
            ),
            ReportSection(heading="Energy", content=self.section),
        ]

    def watt_hours(self, record: RunRecord) -> float:
        """Return the energy of a run; None would be an unknown cost."""
        return self.watts * record.cost.seconds["total"] / 3600

    def section(self, comparison: ReportedComparison) -> list[str]:
        """Return the paragraphs of a section of the page."""
        total = sum(self.watt_hours(record) for one in comparison.contenders for record in one.records)
        return [f"All runs took {total:,.3g} Wh."]

"""The part of the page that plugins add: their plots, then their sections."""

from __future__ import annotations

from collections.abc import Iterator

from textclf_core.reports.added import write_value
from textclf_core.reports.analysis import Analysis
from textclf_core.reports.page.svg import figure_svg
from textclf_core.reports.page.tables import Paragraph, Part, Table
from textclf_core.reports.plots import added_charts
from textclf_core.types.report import ReportTable


def added_parts(analysis: Analysis) -> Iterator[Part]:
    """Yield the parts that plugins add; one that fails or has nothing to show is left out."""
    for _, chart in added_charts(analysis):
        yield Part(chart.name, (figure_svg(chart),))
    for section in analysis.criteria.added.sections:
        if content := section.content(analysis.reported):
            yield Part(
                section.heading, tuple(Paragraph(one) if isinstance(one, str) else _table(one) for one in content)
            )


def _table(table: ReportTable) -> Table:
    """Return a table as the page shows it; columns without texts are aligned as numbers."""
    columns = zip(table.headings, zip(*table.rows, strict=True), strict=False)
    return Table(
        table.caption,
        tuple(table.headings),
        tuple(tuple(write_value(value) for value in row) for row in table.rows),
        {heading: "number" for heading, cells in columns if not any(isinstance(value, str) for value in cells)},
    )

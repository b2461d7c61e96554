"""The charts of a comparison, drawn with matplotlib, and their files: each as PNG and SVG."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from textclf_core.reports.analysis import Analysis
from textclf_core.reports.curves import learning_curves
from textclf_core.reports.data_sets import over_data_sets
from textclf_core.reports.plots.distances import distance_chart
from textclf_core.reports.plots.models import confusion_chart, learning_chart, reliability_chart
from textclf_core.reports.plots.ranks import rank_chart
from textclf_core.reports.plots.scores import cost_chart, sweep_chart, train_size_chart
from textclf_core.reports.plots.style import SOFT, Chart, style
from textclf_core.reports.sweeps import sweeps_of

_CHARACTERS_AN_INCH = 12.5  # of a caption


def write_plots(analysis: Analysis, directory: Path) -> tuple[Path, ...]:
    """Draw a comparison, each chart as PNG and as SVG, and return the files.

    There are ``cost`` (score against cost), ``distances`` (from the best), ``sweep-PLUGIN-OPTION`` for each option that
    contenders differ in alone, ``confusion`` (unless texts may have several labels), ``reliability`` and, where runs
    have a history, ``learning-curves``; then those that plugins add. The same runs give the same bytes.
    """
    return _write(_charts(analysis), directory)


def write_joint_plots(analyses: Sequence[Analysis], directory: Path) -> tuple[Path, ...]:
    """Draw what several comparisons show together, and return the files.

    There are ``train-size``, the scores by amount of training data, where comparisons differ in it, and
    ``critical-difference``, the average ranks, where they are of enough data sets.
    """
    return _write(_joint_charts(analyses), directory)


def _joint_charts(analyses: Sequence[Analysis]) -> Iterator[tuple[str, Chart]]:
    for number, curves in enumerate(learning_curves(analyses), start=1):
        yield "train-size" + (f"-{number}" if number > 1 else ""), train_size_chart(curves)
    if (over := over_data_sets(analyses)) is not None and (ranks := rank_chart(over)) is not None:
        yield "critical-difference", ranks


def _write(charts: Iterable[tuple[str, Chart]], directory: Path) -> tuple[Path, ...]:
    with style():
        drawn = list(charts)
        if drawn:
            directory.mkdir(parents=True, exist_ok=True)
        return tuple(path for name, chart in drawn for path in _save(chart, directory / name))


def _charts(analysis: Analysis) -> Iterator[tuple[str, Chart]]:
    if any(row.costs[analysis.cost] is not None for row in analysis.rows):
        yield "cost", cost_chart(analysis, analysis.criteria.kinds[analysis.cost])
    if (distances := distance_chart(analysis)) is not None:
        yield "distances", distances
    taken: list[str] = []
    for sweep in sweeps_of(analysis.rows):
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"sweep-{sweep.plugin}-{sweep.option}")
        taken.append(name)
        yield name + (f"-{taken.count(name)}" if taken.count(name) > 1 else ""), sweep_chart(analysis, sweep)
    if (curves := learning_chart(analysis.rows)) is not None:
        yield "learning-curves", curves
    if not analysis.rows[0].line.runs[0].kind.independent_labels:  # of several labels none is taken for another
        yield "confusion", confusion_chart(analysis)
    yield "reliability", reliability_chart(analysis.rows)
    yield from added_charts(analysis)


def added_charts(analysis: Analysis) -> Iterator[tuple[str, Chart]]:
    """Yield the charts that plugins add, with their names."""
    for plot in analysis.criteria.added.plots:
        if (figure := plot.draw(analysis.reported)) is not None:
            yield plot.name, Chart(plot.title, figure, plot.caption)


def _save(chart: Chart, path: Path) -> tuple[Path, Path]:
    """Write a chart above its caption, with no date in it, and return the two files."""
    figure = chart.figure
    # A layout takes longer than the drawing; it is the same for both.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    caption = textwrap.fill(chart.caption, int(_CHARACTERS_AN_INCH * figure.get_figwidth()))
    figure.text(0.02, -0.01, caption, va="top", fontsize=10, color=SOFT)
    png, svg = path.with_name(f"{path.name}.png"), path.with_name(f"{path.name}.svg")
    figure.savefig(png, bbox_inches="tight", metadata={"Software": None})
    figure.savefig(svg, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return png, svg

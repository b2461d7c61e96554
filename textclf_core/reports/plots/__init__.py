"""The plots of a comparison as PNG and SVG, drawn with matplotlib (the extra ``plots``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.errors import UsageError
from textclf_core.reports.analysis import Analysis

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_plots(analysis: Analysis, directory: Path) -> tuple[Path, ...]:
    """Draw a comparison, each plot as PNG and as SVG, and return the files.

    There are ``cost`` (score against cost), ``sweep-PLUGIN-OPTION`` for each option that contenders differ in alone,
    ``confusion`` (unless texts may have several labels), ``reliability`` and, where runs have a history,
    ``learning-curves``. The same runs give the same bytes.

    Raises:
        UsageError: matplotlib isn't installed.
    """
    return _write(lambda: _figures(analysis), directory)


def write_curves(analyses: Sequence[Analysis], directory: Path) -> tuple[Path, ...]:
    """Draw the scores by amount of training data, ``train-size``, where comparisons differ in it; return the files.

    Raises:
        UsageError: matplotlib isn't installed.
    """
    return _write(lambda: _curve_figures(analyses), directory)


def _write(figures: Callable[[], Iterator[tuple[str, Figure]]], directory: Path) -> tuple[Path, ...]:
    try:
        import matplotlib  # noqa: F401  # the modules below need it
    except ImportError as error:
        raise UsageError(
            'plots need matplotlib, which isn\'t installed. Install it with: pip install "textclf-core[plots]"'
        ) from error
    from textclf_core.reports.plots.style import save, style

    with style():
        drawn = list(figures())
        if drawn:
            directory.mkdir(parents=True, exist_ok=True)
        return tuple(path for name, figure in drawn for path in save(figure, directory / name))


def _curve_figures(analyses: Sequence[Analysis]) -> Iterator[tuple[str, Figure]]:
    from textclf_core.reports.curves import learning_curves
    from textclf_core.reports.plots.scores import train_size_figure

    for number, curves in enumerate(learning_curves(analyses), start=1):
        yield "train-size" + (f"-{number}" if number > 1 else ""), train_size_figure(curves)


def _figures(analysis: Analysis) -> Iterator[tuple[str, Figure]]:
    from textclf_core.reports.plots.models import confusion_figure, learning_figure, reliability_figure
    from textclf_core.reports.plots.scores import cost_figure, sweep_figure
    from textclf_core.reports.sweeps import sweeps_of

    if any(row.costs[analysis.cost] is not None for row in analysis.rows):
        yield "cost", cost_figure(analysis)
    taken: list[str] = []
    for sweep in sweeps_of(analysis.rows):
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"sweep-{sweep.plugin}-{sweep.option}")
        taken.append(name)
        yield name + (f"-{taken.count(name)}" if taken.count(name) > 1 else ""), sweep_figure(analysis, sweep)
    curves = learning_figure(analysis)
    if curves is not None:
        yield "learning-curves", curves
    if not analysis.rows[0].line.runs[0].kind.independent_labels:  # of several labels none is taken for another
        yield "confusion", confusion_figure(analysis)
    yield "reliability", reliability_figure(analysis)

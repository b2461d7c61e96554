"""The contenders by amount of training data: their curves, and where they cross."""

from __future__ import annotations

from textclf_core.reports.curves import LearningCurves
from textclf_core.reports.page.drawing import Chart, Labels, Point, chart, polyline, whisker, x_scale, y_scale
from textclf_core.reports.page.plots import shortened
from textclf_core.reports.page.tables import Figure
from textclf_core.reports.rounding import places, write_interval, write_number

_COLOURS = 7


def data_size_curves(curves: LearningCurves) -> tuple[Figure, tuple[str, ...]]:
    """Return a chart of the curves on one test split, and a sentence for each two that cross."""
    caption = f"{curves.metric} on test by the number of training examples (log scale), with 95% intervals."
    return Figure(_chart(curves), caption), tuple(curves.sentences() or ["No two contenders' curves cross."])


def _chart(curves: LearningCurves) -> Chart:
    everything = [one for of_label in curves.points.values() for one in of_label]
    sizes = sorted({one.train_rows for one in everything})
    x = x_scale(sizes[0], sizes[-1], log=True)
    y = y_scale(min(one.low for one in everything), max(one.high for one in everything))
    labels = Labels((x(one.train_rows), y(one.score)) for one in everything)
    lines, names, points = [], [], []
    for number, (label, of_label) in enumerate(curves.points.items()):
        colour = f"series series{number % _COLOURS}{' dashed' if number >= _COLOURS else ''}"
        at = [(x(one.train_rows), y(one.score)) for one in of_label]
        lines.append(polyline(at, f"seriesline {colour}"))
        names += labels.place(*at[-1], shortened(label), f"label {colour}")
        points += [
            Point(
                *place,
                f"{label} from {one.train_rows:,} examples: {curves.metric} "
                f"{write_number(one.score, places((one.high - one.low) / 2))}, 95% interval "
                f"{write_interval(one.low, one.high)}",
                whisker(place[0], y(one.low), y(one.high)),
                colour,
            )
            for place, one in zip(at, of_label, strict=True)
        ]
    return chart(
        f"{curves.metric} by amount of training data",
        lines=lines,
        labels=names,
        points=points,
        x=x,
        y=y,
        x_label="training examples (log scale)",
        y_label=curves.metric,
        write_x=lambda value: f"{value:,.0f}",
        x_ticks=sizes if len(sizes) <= 6 else None,
    )

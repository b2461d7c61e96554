"""The plots of the contenders: score against cost with the Pareto front, score against a swept option."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Iterator, Sequence

from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.costs import COSTS, CostKind
from textclf_core.reports.page.drawing import (
    BOTTOM,
    HEIGHT,
    TOP,
    Chart,
    Labels,
    Line,
    Point,
    Scale,
    Words,
    across,
    chart,
    polyline,
    whisker,
    x_scale,
    y_scale,
)
from textclf_core.reports.page.tables import Figure
from textclf_core.reports.rounding import places, write_interval, write_number
from textclf_core.reports.sweeps import Sweep, sweeps_of

_LOG_FROM = 8.0
_LONGEST_LABEL = 26
# Of the distance between the best and the middle: what lies so far below the middle would flatten the rest.
_OUTLYING = 4.0


def cost_plots(analysis: Analysis) -> tuple[tuple[str, Figure], ...]:
    """Return the plots of score against each cost that was measured, with the cost's heading."""
    kinds = [COSTS[analysis.cost], *(kind for kind in COSTS.values() if kind.name != analysis.cost)]
    shown = [kind for kind in kinds if any(row.costs[kind.name] is not None for row in analysis.rows)]
    return tuple((kind.heading, _cost_plot(analysis, kind)) for kind in shown)


def sweep_plots(analysis: Analysis) -> tuple[Figure, ...]:
    """Return a plot of the score for each option that contenders differ in alone."""
    return tuple(
        Figure(_sweep_chart(analysis, sweep), "".join(_sweep_caption(analysis, sweep)))
        for sweep in sweeps_of(analysis.rows)
    )


def row_tip(row: Row, metric: str) -> str:
    """Return a contender's score in words: ``full: f1 0.858, 95% interval [0.836, 0.878], best``."""
    score = write_number(row.score, places((row.high - row.low) / 2))
    return f"{row.line.label}: {metric} {score}, 95% interval {write_interval(row.low, row.high)}, {row.verdict}"


def _cost_plot(analysis: Analysis, kind: CostKind) -> Figure:
    known = {row.line.label: cost for row in analysis.rows if (cost := row.costs[kind.name]) is not None}
    rows = [row for row in analysis.rows if row.line.label in known]
    drawn, below = _without_outliers(rows)
    positive = [cost for cost in known.values() if cost > 0]
    log = len(positive) > 1 and max(positive) > _LOG_FROM * min(positive)
    x = x_scale(min(positive), max(positive), log=True) if log else x_scale(min(known.values()), max(known.values()))
    y = y_scale(min(row.low for row in drawn), max(row.high for row in drawn))
    at = {row.line.label: (x(known[row.line.label]), y(row.score)) for row in rows}
    front = _front(rows, known)
    labels = Labels(at.values())
    points = [
        Point(
            *at[row.line.label],
            f"{row_tip(row, analysis.metric)}; {kind.heading} {kind.write(known[row.line.label])}"
            + ("; on the Pareto front" if row in front else "")
            + ("; recommended" if row.recommended else ""),
            None if row in below else whisker(at[row.line.label][0], y(row.low), y(row.high)),
            " ".join(["edge"] * (row in below) + ["recommended"] * row.recommended),
        )
        for row in rows
    ]
    # The front's labels find room first: they are what one picks from.
    named = [
        label
        for row in sorted(rows, key=lambda row: (not row.recommended, row not in front))
        for label in labels.place(
            *at[row.line.label], shortened(row.line.label) + (f" {row.score:.2f} ↓" if row in below else "")
        )
    ]
    unit = " (log scale)" if log else ""
    drawing = chart(
        f"{analysis.metric} against {kind.heading}",
        lines=[polyline(_steps([at[row.line.label] for row in front]), "frontline")],
        labels=named,
        points=points,
        x=x,
        y=y,
        x_label=f"{kind.heading}{unit}",
        y_label=analysis.metric,
        write_x=kind.write,
    )
    caption = [
        f"{analysis.metric} against {kind.heading}, with 95% intervals. The line is the Pareto front: nothing is both "
        "better and cheaper."
    ]
    if below:
        caption.append(f" Far below, and drawn at the edge: {_listed(below)}.")
    missing = [row.line.label for row in analysis.rows if row.line.label not in known]
    if missing:
        caption.append(f" Not measured for {', '.join(missing)}.")
    return Figure(drawing, "".join(caption))


def _front(rows: Sequence[Row], costs: dict[str, float]) -> list[Row]:
    """Return the rows that no other is at least as good and as cheap as, the cheapest first."""
    front: list[Row] = []
    for row in sorted(rows, key=lambda row: (costs[row.line.label], -row.score)):
        if not front or row.score > front[-1].score:
            front.append(row)
    return front


def _steps(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield the corners of the front: between two of its points the cheaper one's score is what can be had."""
    for index, (x, y) in enumerate(points):
        if index:
            yield x, points[index - 1][1]
        yield x, y


def _without_outliers(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    best, middle = max(row.score for row in rows), statistics.median(row.score for row in rows)
    floor = middle - max(_OUTLYING * (best - middle), 0.02)
    kept = [row for row in rows if row.score >= floor]
    return kept, [row for row in rows if row.score < floor]


def _sweep_chart(analysis: Analysis, sweep: Sweep) -> Chart:
    values = [value for value, _ in sweep.points]
    others = _others(analysis, sweep)
    x = x_scale(values[0], values[-1], log=values[0] > 0 and values[-1] / values[0] >= 100)
    y = y_scale(min(row.low for _, row in sweep.points), max(row.high for _, row in sweep.points))
    at = [(x(value), y(row.score)) for value, row in sweep.points]
    points = [
        Point(*place, row_tip(row, analysis.metric), whisker(place[0], y(row.low), y(row.high)),
              "recommended" if row.recommended else "")
        for place, (_, row) in zip(at, sweep.points, strict=True)
    ]  # fmt: skip
    references, names = _references(others, y, at)
    return chart(
        f"{analysis.metric} against {sweep.option} of {sweep.plugin}",
        lines=[*references, polyline(at, "sweepline")],
        labels=names,
        points=points,
        x=x,
        y=y,
        x_label=f"{sweep.plugin}: {sweep.option}",
        y_label=analysis.metric,
        write_x=lambda value: f"{value:g}",
        x_ticks=values if len(values) <= 12 else None,
    )


def _sweep_caption(analysis: Analysis, sweep: Sweep) -> Iterator[str]:
    yield f"{analysis.metric} by {sweep.option} of {sweep.plugin}, with 95% intervals"
    others = _others(analysis, sweep)
    low, high = min(row.low for _, row in sweep.points), max(row.high for _, row in sweep.points)
    outside = [row for row in others if not low <= row.score <= high]
    if len(outside) < len(others):
        yield "; dashed, the other contenders"
    yield "."
    if outside:
        yield f" Not in the range: {_listed(outside)}."


def _others(analysis: Analysis, sweep: Sweep) -> list[Row]:
    swept = {row.line.label for _, row in sweep.points}
    return [row for row in analysis.rows if row.line.label not in swept]


def _references(rows: Iterable[Row], y: Scale, points: Sequence[tuple[float, float]]) -> tuple[list[Line], list[Words]]:
    """Return a dashed line for each row in the range, with its name where that keeps clear of the sweep."""
    between = [((one[0] + two[0]) / 2, (one[1] + two[1]) / 2) for one, two in itertools.pairwise(points)]
    labels = Labels([*points, *between])
    inside = [row for row in rows if TOP < y(row.score) < HEIGHT - BOTTOM]
    names = [label for row in inside for label in labels.place_on_line(y(row.score), shortened(row.line.label))]
    return [across(y(row.score), "reference") for row in inside], names


def _listed(rows: Sequence[Row]) -> str:
    return ", ".join(f"{row.line.label} ({row.score:.3f})" for row in rows)


def shortened(label: str) -> str:
    """Return a label as short as a chart has room for."""
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"

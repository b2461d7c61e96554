"""Plots of the contenders' scores: against cost, and against a swept option."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.curves import LearningCurves
from textclf_core.reports.plots.labels import Label, place_labels, spread
from textclf_core.reports.plots.style import BLUE, GREY, INK, PALETTE, VERMILION, short_labels
from textclf_core.reports.rounding import places, write_number
from textclf_core.reports.sweeps import Sweep

# What an axis says of a cost, and the unit that it counts in.
_UNITS: dict[str, tuple[str, float]] = {
    "train-seconds": ("training time (s)", 1),
    "flops": ("training FLOPs (10¹²)", 1e12),
    "memory": ("peak memory (MiB)", 2**20),
    "trainable": ("trainable parameters (millions)", 1e6),
    "artifact": ("model size (MiB)", 2**20),
    "latency": ("time for one text (ms)", 1e-3),
}
_LOG_FROM = 10
_LOG_VALUES_FROM = 100
# Of the distance between the best and the middle: what lies further below the middle would flatten the rest.
_OUTLYING = 4
_MOST_TICKS = 13
_LONGEST_LABEL = 30
_LABEL_GAP = 11  # points
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def cost_figure(analysis: Analysis) -> Figure:
    """Return score against cost with 95% intervals, the Pareto front and the recommended contender."""
    heading, unit = _UNITS[analysis.cost]
    known = [(cost / unit, row) for row in analysis.rows if (cost := row.costs[analysis.cost]) is not None]
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.subplots()
    floor = _floor([row for _, row in known])
    kept = [(cost, row) for cost, row in known if row.score >= floor]
    low, high = min(row.low for _, row in kept), max(row.high for _, row in kept)
    margin = 0.08 * (high - low) or 0.01
    axes.set_ylim(low - margin * (1 if len(kept) == len(known) else 2), high + margin)
    _cost_axis(axes, [cost for cost, _ in known])
    bottom = axes.get_ylim()[0]

    front_line = _front_line(axes, known)
    axes.plot(
        *zip(*front_line, strict=True),
        color=GREY,
        linewidth=1.2,
        linestyle="--",
        label="Pareto front: nothing is both better and cheaper",
    )
    for cost, row in kept:
        _interval(axes, cost, row, BLUE if row.on_front else GREY)
    for cost, row in known:
        if row.score < floor:
            axes.plot([cost], [bottom], marker="v", color=BLUE if row.on_front else GREY, clip_on=False, zorder=4)
        if row.recommended:
            axes.plot(
                [cost],
                [row.score],
                marker="o",
                markersize=12,
                markerfacecolor="none",
                markeredgecolor=VERMILION,
                markeredgewidth=1.8,
                linestyle="none",
                label="recommended",
            )
    unknown = [row.line.label for row in analysis.rows if row.costs[analysis.cost] is None]
    axes.set_xlabel(
        heading + (f"\nnot counted for {', '.join(short_labels(unknown, _LONGEST_LABEL).values())}" if unknown else "")
    )
    axes.set_ylabel(f"{analysis.metric} on test")
    axes.set_title(_subject(analysis), loc="left", color=INK)
    figure.legend(loc="outside lower left", ncols=2, fontsize=8)

    ranked = sorted(known, key=lambda point: (not point[1].recommended, not point[1].on_front))
    short = _short(analysis)
    labels = [
        Label(
            short[row.line.label]
            + (f" {write_number(row.score, places((row.high - row.low) / 2))} ↓" if row.score < floor else ""),
            cost,
            max(row.score, bottom),
            bold=row.recommended,
        )
        for cost, row in ranked
    ]
    place_labels(figure, axes, labels, lambda: [*_whiskers(axes, kept), *_line_boxes(axes, front_line)])
    return figure


def sweep_figure(analysis: Analysis, sweep: Sweep) -> Figure:
    """Return score against the value of a swept option, with 95% intervals, each seed, and the other contenders."""
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.subplots()
    values = [value for value, _ in sweep.points]
    if values[0] > 0 and values[-1] / values[0] >= _LOG_VALUES_FROM:
        axes.set_xscale("log")
    axes.plot(values, [row.score for _, row in sweep.points], color=BLUE, linewidth=1.5, zorder=3)
    for value, row in sweep.points:
        _interval(axes, value, row, BLUE)
        scores = [run.record.metrics["test"].get(analysis.metric) for run in row.line.runs]
        if len(scores) > 1:
            axes.scatter([value] * len(scores), [score or 0 for score in scores], s=9, color=INK, alpha=0.5, zorder=5)
    low, high = min(row.low for _, row in sweep.points), max(row.high for _, row in sweep.points)
    margin = 0.15 * (high - low) or 0.01
    axes.set_ylim(low - margin, high + margin)
    if len(values) <= _MOST_TICKS:
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.xaxis.set_minor_formatter(NullFormatter())
    swept = {row.line.label for _, row in sweep.points}
    others = [row for row in analysis.rows if row.line.label not in swept]
    inside = [row for row in others if low - margin < row.score < high + margin]
    axes.set_xlabel(f"{sweep.plugin}: {sweep.option}" + _listed("\nnot in the range: ", analysis, others, inside))
    axes.set_ylabel(f"{analysis.metric} on test")
    dots = ", dots: seeds" if len(analysis.seeds) > 1 else ""
    axes.set_title(f"{_subject(analysis)}{dots}", loc="left", color=INK)
    _reference_lines(figure, axes, inside, _short(analysis))
    return figure


def train_size_figure(curves: LearningCurves) -> Figure:
    """Return the score of each contender against the number of training examples, with 95% intervals."""
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    short = short_labels(list(curves.points), _LONGEST_LABEL)
    for index, (label, points) in enumerate(curves.points.items()):
        scores = [point.score for point in points]
        margins = [[max(point.score - point.low, 0) for point in points],
                   [max(point.high - point.score, 0) for point in points]]  # fmt: skip
        # Colours come round after seven contenders; dashes tell those apart.
        axes.errorbar(
            [point.train_rows for point in points],
            scores,
            margins,
            color=PALETTE[index % len(PALETTE)],
            linestyle=("-", "--", ":")[index // len(PALETTE) % 3],
            marker=_MARKERS[index % len(_MARKERS)],
            markersize=5,
            capsize=3,
            label=short[label],
        )
    sizes = sorted({point.train_rows for points in curves.points.values() for point in points})
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("training examples")
    axes.set_ylabel(f"{curves.metric} on test")
    axes.set_title("bars: 95% intervals", loc="left", color=INK)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


def _reference_lines(figure: Figure, axes: Axes, rows: Sequence[Row], short: Mapping[str, str]) -> None:
    """Draw a line at each row's score, named at the right, where the names keep clear of each other."""
    low, high = axes.get_ylim()
    # Good enough before the layout stands: the axes take about four fifths of the figure's height.
    gap = _LABEL_GAP / (72 * figure.get_figheight() * 0.8) * (high - low)
    for row, at in zip(rows, spread([row.score for row in rows], gap), strict=True):
        axes.axhline(row.score, color=GREY, linewidth=1, linestyle="--", zorder=1)
        axes.annotate(
            short[row.line.label],
            (1, row.score),
            xytext=(1.03, at),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
            color=INK,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0},
        )


def _cost_axis(axes: Axes, costs: Sequence[float]) -> None:
    """Set the scale and the limits: logarithmic where costs differ tenfold."""
    low, high = min(costs), max(costs)
    if low > 0 and high / low >= _LOG_FROM:
        axes.set_xscale("log")
        axes.set_xlim(low / (high / low) ** 0.06, high * (high / low) ** 0.12)
        narrow = high / low < 1000
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.1 * (high - low) or 0.1 * (high or 1)
        axes.set_xlim(low - margin, high + 1.5 * margin)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))


def _interval(axes: Axes, x: float, row: Row, colour: str) -> None:
    # An interval need not be centred on the score, nor hold it where a metric is at its limit.
    below, above = max(row.score - row.low, 0), max(row.high - row.score, 0)
    axes.errorbar([x], [row.score], [[below], [above]], fmt="o", color=colour, markersize=5, capsize=3, zorder=4)


def _front_line(axes: Axes, known: Sequence[tuple[float, Row]]) -> list[tuple[float, float]]:
    """Return the corners of the front: from one of its points on, its score can be had until a better one begins."""
    bottom, right = axes.get_ylim()[0], axes.get_xlim()[1]
    corners: list[tuple[float, float]] = []
    for cost, row in sorted(((cost, row) for cost, row in known if row.on_front), key=lambda point: point[0]):
        corners += [*([(cost, corners[-1][1])] if corners else []), (cost, max(row.score, bottom))]
    return [*corners, (right, corners[-1][1])]


def _line_boxes(axes: Axes, corners: Sequence[tuple[float, float]]) -> list[Bbox]:
    """Return the boxes of a line's pieces, in pixels."""
    points = axes.transData.transform(corners)
    return [
        Bbox.from_extents(min(x, to_x) - 1, min(y, to_y) - 1, max(x, to_x) + 1, max(y, to_y) + 1)
        for (x, y), (to_x, to_y) in pairwise(points)
    ]


def _whiskers(axes: Axes, points: Sequence[tuple[float, Row]]) -> list[Bbox]:
    """Return the boxes of the intervals, in pixels."""
    boxes = []
    for x, row in points:
        (left, bottom), (right, top) = axes.transData.transform([(x, row.low), (x, row.high)])
        boxes.append(Bbox.from_extents(left - 3, bottom, right + 3, top))
    return boxes


def _floor(rows: Sequence[Row]) -> float:
    """Return the score below which a contender is drawn at the edge, so that it doesn't flatten the others."""
    best, middle = max(row.score for row in rows), statistics.median(row.score for row in rows)
    return middle - max(_OUTLYING * (best - middle), 0.02)


def _short(analysis: Analysis) -> dict[str, str]:
    return short_labels([row.line.label for row in analysis.rows], _LONGEST_LABEL)


def _listed(words: str, analysis: Analysis, rows: Sequence[Row], without: Sequence[Row]) -> str:
    short = _short(analysis)
    left = [row for row in rows if row not in without]
    named = ", ".join(
        f"{short[row.line.label]} {write_number(row.score, places((row.high - row.low) / 2))}" for row in left
    )
    return f"{words}{named}" if left else ""


def _subject(analysis: Analysis) -> str:
    seeds = f"{len(analysis.seeds)} seeds" if len(analysis.seeds) > 1 else "1 seed"
    return f"{analysis.test_rows:,} test examples, {seeds}; bars: 95% intervals"

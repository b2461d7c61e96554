"""Charts of the contenders' scores: against cost, against a swept option, against the amount of training data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.curves import LearningCurves
from textclf_core.reports.outlying import near_rows
from textclf_core.reports.plots.labels import Label, place_labels
from textclf_core.reports.plots.style import (
    ACCENT,
    INK,
    SERIES,
    SOFT,
    STAR,
    Chart,
    draw_point,
    figure_of,
    one_panel,
    short_labels,
)
from textclf_core.reports.rounding import places, write_interval, write_number, write_risk
from textclf_core.reports.sweeps import Sweep
from textclf_core.statistics.learning_curve import FARTHEST, FittedCurve
from textclf_core.types.report import ReportCost

_LOG_FROM = 10
_LOG_VALUES_FROM = 100
_MOST_TICKS = 12
_MOST_SIZES = 6
_BAND_PLACES = 60
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_Known = Sequence[tuple[float, Row]]


def cost_chart(analysis: Analysis, kind: ReportCost) -> Chart:
    """Return score against a cost that was measured, with the Pareto front and the recommended contender."""
    heading, unit = kind.axis or kind.heading, kind.unit
    known = [(cost / unit, row) for row in analysis.rows if (cost := row.costs[kind.name]) is not None]
    axes = one_panel()
    _set_score_axis(axes, near_rows(analysis, [row for _, row in known]), analysis.metric)
    log = _set_cost_axis(axes, [cost for cost, _ in known])
    axes.set_xlabel(heading + (", log scale" if log else ""))
    best = max((row.score for row in analysis.rows), key=analysis.oriented)
    ends = sorted((best - analysis.oriented(analysis.tolerance), best))
    axes.axhspan(*ends, color=ACCENT, alpha=0.12, linewidth=0)
    # What can't be drawn where it belongs is drawn at the edge: worse scores at the end of the axis where those lie.
    left, worst = axes.get_xlim()[0], min(axes.get_ylim(), key=analysis.oriented)
    below = [row for _, row in known if analysis.oriented(row.score) < analysis.oriented(worst)]
    front = _front(analysis, known)

    def drawn(row: Row) -> float:
        return max(row.score, worst, key=analysis.oriented)

    corners = _corners([(max(cost, left), drawn(row)) for cost, row in front])
    outside = "↓" if analysis.oriented(1.0) > 0 else "↑"
    axes.plot(*zip(*corners, strict=True), color=ACCENT, linewidth=1.4, alpha=0.6)
    short, labels, lines = _short(analysis), [], [corners]
    # In the order of the keyboard's focus: the best first; the recommended one last, which is on top.
    for cost, row in sorted(known, key=lambda one: one[1].recommended):
        at, score = max(cost, left), _score(row)
        draw_point(
            axes,
            at,
            drawn(row),
            f"{_tip(row, analysis.metric)}; {kind.heading} {kind.write(cost * unit)}"
            + ("; on the Pareto front" if (cost, row) in front else "")
            + f"; risk of being worse by more than {analysis.tolerance:g}: {write_risk(row.risk)}"
            + ("; recommended" if row.recommended else ""),
            interval=None if row in below else (row.low, row.high),
            color=STAR if row.recommended else ACCENT if (cost, row) in front else SOFT,
            marker=("v" if outside == "↓" else "^") if row in below else "o",
            markersize=11 if row.recommended else 9 if row in below else 7.5,
        )
        text = short[row.line.label] + (f" {score} {outside}" if row in below else "")
        label = Label(text, at, drawn(row), bold=row.recommended)
        labels.append((row.recommended, (cost, row) in front, label))
        lines += [] if row in below else [[(at, row.low), (at, row.high)]]
    # The labels of the front find room first: one picks from them.
    labels.sort(key=lambda one: one[:2], reverse=True)
    place_labels(axes, [label for _, _, label in labels], lines)
    missing = [row.line.label for row in analysis.rows if row.costs[kind.name] is None]
    caption = (
        f"{analysis.metric} against {kind.heading}, with 95% intervals ({_subject(analysis)}). The line is the Pareto "
        f"front: nothing is both better and cheaper. Shaded: the {analysis.measured.info.extreme} score and those that "
        f"are worse by no more than the tolerance of {analysis.tolerance:g}."
        + (" The large point is the recommended contender." if any(row.recommended for _, row in known) else "")
        + (f" Far worse, and drawn at the edge: {_listed(below)}." if below else "")
        + (f" Not measured for {', '.join(missing)}." if missing else "")
    )
    return Chart(f"{analysis.metric} against {kind.heading}", figure_of(axes), caption)


def sweep_chart(analysis: Analysis, sweep: Sweep) -> Chart:
    """Return score against the value of a swept option, with each seed, and the other contenders' scores."""
    axes = one_panel()
    values, rows = [value for value, _ in sweep.points], [row for _, row in sweep.points]
    if values[0] > 0 and values[-1] / values[0] >= _LOG_VALUES_FROM:
        axes.set_xscale("log")
    axes.plot(values, [row.score for row in rows], color=ACCENT, zorder=3)
    for value, row in sweep.points:
        draw_point(axes, value, row.score, _tip(row, analysis.metric), interval=(row.low, row.high),
                   color=STAR if row.recommended else ACCENT, markersize=11 if row.recommended else 7.5)  # fmt: skip
        if len(row.line.runs) > 1:
            scores = [run.record.metrics["test"].get(analysis.metric) or 0 for run in row.line.runs]
            axes.plot([value] * len(scores), scores, ".", color=INK, alpha=0.5, markersize=4, zorder=5)
    _set_score_axis(axes, rows, analysis.metric)
    axes.set_xlabel(f"{sweep.plugin}: {sweep.option}")
    if len(values) <= _MOST_TICKS:
        axes.set_xticks(values)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())

    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    swept = {row.line.label for row in rows}
    others = [row for row in analysis.rows if row.line.label not in swept]
    inside = [row for row in others if low < row.score < high]
    for row in inside:
        axes.axhline(row.score, color=SOFT, linewidth=1, linestyle="--", zorder=1)
    short = _short(analysis)
    place_labels(
        axes,
        [Label(short[row.line.label], right, row.score) for row in inside],
        [
            [(value, row.score) for value, row in sweep.points],
            *([(value, row.low), (value, row.high)] for value, row in sweep.points),
            *([(left, row.score), (right, row.score)] for row in inside),
        ],
    )
    outside = [row for row in others if row not in inside]
    caption = (
        f"{analysis.metric} by {sweep.option} of {sweep.plugin}, with 95% intervals ({_subject(analysis)})"
        + ("; small dots: seeds" if len(analysis.seeds) > 1 else "")
        + ("; dashed: the other contenders" if inside else "")
        + (f". Not in the range: {_listed(outside)}." if outside else ".")
    )
    return Chart(f"{analysis.metric} against {sweep.option} of {sweep.plugin}", figure_of(axes), caption)


def train_size_chart(curves: LearningCurves) -> Chart:
    """Return the score of each contender against the number of training examples."""
    axes = one_panel()
    axes.set_xscale("log")
    short = short_labels(list(curves.points))
    labels: list[Label] = []
    lines: list[list[tuple[float, float]]] = []
    for index, (label, points) in enumerate(curves.points.items()):
        # Colours come round after seven contenders; dashes distinguish those.
        color = SERIES[index % len(SERIES)]
        if (fit := curves.fits.get(label)) is not None:
            lines.append(_draw_band(axes, fit, color))
        line = [(float(point.train_rows), point.score) for point in points]
        axes.plot(*zip(*line, strict=True), color=color, linestyle=("-", "--", ":")[index // len(SERIES) % 3])
        for point in points:
            score = write_number(point.score, places((point.high - point.low) / 2))
            tip = (
                f"{label} from {point.train_rows:,} examples: {curves.metric} {score}, 95% interval "
                f"{write_interval(point.low, point.high)}"
            )
            draw_point(axes, point.train_rows, point.score, tip, interval=(point.low, point.high), color=color,
                       marker=_MARKERS[index % len(_MARKERS)])  # fmt: skip
            lines.append([(point.train_rows, point.low), (point.train_rows, point.high)])
        lines.append(line)
        labels.append(Label(short[label], *line[-1], color=color))
    if len(sizes := sorted({point.train_rows for points in curves.points.values() for point in points})) <= _MOST_SIZES:
        axes.set_xticks(sizes)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("training examples, log scale")
    axes.set_ylabel(f"{curves.metric} on test")
    place_labels(axes, labels, lines)
    caption = f"{curves.metric} on test by the number of training examples, with 95% intervals." + (
        f" Shaded: where the score of one training sample lies by the fitted curve, in 95 of 100 cases, up to "
        f"{FARTHEST:g} times the largest size."
        if curves.fits
        else ""
    )
    return Chart(f"{curves.metric} by amount of training data", figure_of(axes), caption)


def _draw_band(axes: Axes, fit: FittedCurve, color: str) -> list[tuple[float, float]]:
    """Draw the band of a fitted curve and, beyond the sizes that were run, its middle, which is returned."""
    sizes = np.geomspace(fit.smallest, FARTHEST * fit.largest, _BAND_PLACES)
    found = [fit.score(size) for size in sizes]
    low, high = [one.interval.low for one in found], [one.interval.high for one in found]
    axes.fill([*sizes, *sizes[::-1]], [*low, *high[::-1]], color=color, alpha=0.1, linewidth=0, zorder=1)
    beyond = [(float(size), one.value) for size, one in zip(sizes, found, strict=True) if size >= fit.largest]
    axes.plot(*zip(*beyond, strict=True), color=color, linewidth=1, linestyle=":", zorder=2)
    return beyond


def _set_score_axis(axes: Axes, rows: Sequence[Row], metric: str) -> None:
    """Set the limits of the axis so that all intervals fit."""
    low, high = min(row.low for row in rows), max(row.high for row in rows)
    margin = 0.08 * (high - low) or 0.01
    axes.set_ylim(low - margin, high + margin)
    axes.set_ylabel(f"{metric} on test")


def _set_cost_axis(axes: Axes, costs: Sequence[float]) -> bool:
    """Set the limits, and the scale: logarithmic where costs differ tenfold. Return whether it is logarithmic."""
    positive = [cost for cost in costs if cost > 0]
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    if len(positive) > 1 and (ratio := max(positive) / min(positive)) >= _LOG_FROM:
        axes.set_xscale("log")
        axes.set_xlim(min(positive) / ratio**0.06, max(positive) * ratio**0.08)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if ratio < 200 else (1.0,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        return True
    margin = 0.08 * (max(costs) - min(costs)) or 0.1 * (max(costs) or 1)
    axes.set_xlim(min(costs) - margin, max(costs) + margin)
    return False


def _front(analysis: Analysis, known: _Known) -> list[tuple[float, Row]]:
    """Return the rows, with their costs, that no other is at least as good and as cheap as, the cheapest first."""
    front: list[tuple[float, Row]] = []
    for cost, row in sorted(known, key=lambda one: (one[0], -analysis.oriented(one[1].score))):
        if not front or analysis.oriented(row.score) > analysis.oriented(front[-1][1].score):
            front.append((cost, row))
    return front


def _corners(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of the front as a step function: between two points, the score is that of the cheaper one."""
    corners = [points[0]]
    for x, y in points[1:]:
        corners += [(x, corners[-1][1]), (x, y)]
    return corners


def _tip(row: Row, metric: str) -> str:
    """Return a contender's score in words: ``full: f1 0.858, 95% interval [0.836, 0.878], best``."""
    interval = write_interval(row.low, row.high)
    return f"{row.line.label}: {metric} {_score(row)}, 95% interval {interval}, {row.verdict}"


def _score(row: Row) -> str:
    return write_number(row.score, places((row.high - row.low) / 2))


def _short(analysis: Analysis) -> dict[str, str]:
    return short_labels([row.line.label for row in analysis.rows])


def _listed(rows: Sequence[Row]) -> str:
    return ", ".join(f"{row.line.label} {_score(row)}" for row in rows)


def _subject(analysis: Analysis) -> str:
    seeds = f"{len(analysis.seeds)} seeds" if len(analysis.seeds) > 1 else "1 seed"
    return f"{analysis.test_rows:,} test examples, {seeds}"

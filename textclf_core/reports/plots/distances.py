"""The chart of how far each contender is from the best of the others, with what that shows."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from textclf_core.reports.analysis import Analysis
from textclf_core.reports.outlying import near_rows
from textclf_core.reports.plots.style import ACCENT, CARD, INK, SOFT, STAR, Chart, short_labels
from textclf_core.reports.rounding import write_interval

_WIDTH = 6.4  # inches
_LINE, _MARGIN = 0.32, 1.1
_LABELS = 0.43  # of the width: the longest label, and its verdict
_LONGEST_LABEL = 18
_MARGIN_OF_THE_AXIS = 0.05  # of what is shown


def distance_chart(analysis: Analysis) -> Chart | None:
    """Return the simultaneous intervals of the distances from the best, the best on top; ``None`` for one contender."""
    rows = [(row, row.distance) for row in analysis.rows if row.distance is not None]
    if not rows:
        return None
    height = _MARGIN + _LINE * len(rows)
    figure = Figure(figsize=(_WIDTH, height))
    figure.subplots_adjust(left=_LABELS, right=0.97, top=1 - 0.2 / height, bottom=0.75 / height)
    axes = figure.subplots()
    axes.grid(visible=False)
    axes.axvspan(*sorted((0.0, -analysis.oriented(analysis.tolerance))), color=ACCENT, alpha=0.12, linewidth=0)
    axes.axvline(0, color=INK, linewidth=1)
    short = short_labels([row.line.label for row, _ in rows], _LONGEST_LABEL)
    gaps = [row.score - max((one.score for one, _ in rows if one is not row), key=analysis.oriented) for row, _ in rows]
    ranges = [(min(one.low, gap), gap, max(one.high, gap)) for (_, one), gap in zip(rows, gaps, strict=True)]
    near = near_rows(analysis, [row for row, _ in rows])
    shown = [end for (row, _), own in zip(rows, ranges, strict=True) if row in near for end in own]
    margin = _MARGIN_OF_THE_AXIS * (max(shown) - min(shown)) or analysis.tolerance
    left, right = min(shown) - margin, max(shown) + margin
    axes.set_xlim(left, right)
    for place, ((row, distance), own) in enumerate(zip(rows, ranges, strict=True)):
        interval = write_interval(distance.low, distance.high)
        axes.plot(
            np.clip(own, left, right),
            [place] * 3,
            label=f"{row.line.label}: {own[1]:+.3f} from the best of the others, {interval}, {row.verdict}",
            color=STAR if row.recommended else ACCENT if row.verdict in ("best", "as good") else SOFT,
            linewidth=1.5,
            solid_capstyle="butt",
            marker="<" if own[1] < left else ">" if own[1] > right else "o",
            markevery=[1],
            markersize=10 if row.recommended else 7,
            markeredgecolor=CARD,
            markeredgewidth=0.8,
            clip_on=False,
            zorder=4,
        )
    axes.set_yticks(range(len(rows)), [f"{short[row.line.label]} ({row.verdict})" for row, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"{analysis.metric} minus the best of the others")
    far = [f"{row.line.label} {own:+.3f}" for (row, _), own in zip(rows, gaps, strict=True) if not left <= own <= right]
    caption = (
        f"How far each contender is from the best of the others in {analysis.metric}, with 95% intervals that hold for "
        f"all of them at once. Shaded: worse by no more than the tolerance of {analysis.tolerance:g}."
        + (" The large point is the recommended contender." if any(row.recommended for row, _ in rows) else "")
        + (f" Far worse, and drawn at the edge: {', '.join(far)}." if far else "")
    )
    return Chart("Distances from the best", figure, caption)

"""The critical-difference diagram: average ranks over data sets, and which of them aren't shown to differ."""

from __future__ import annotations

from matplotlib.figure import Figure

from textclf_core.reports.data_sets import OverDataSets
from textclf_core.reports.plots.style import ACCENT, CARD, INK, SOFT, Chart, short_labels
from textclf_core.reports.rounding import write_p

_WIDTH = 6.4  # inches
_LINE = 0.3
_LABELS = 0.37  # of the width, on either side
_LONGEST_LABEL = 18
_MOST_TICKS = 8
# Above the axis and below the last label, and between the bars of groups, in lines.
_ABOVE, _BELOW, _BETWEEN_BARS = 2.9, 0.6, 0.45
# Of the axis: by how much a bar goes beyond its ranks, and a line to a label beyond the axis.
_OVERHANG, _GAP = 0.03, 0.05


def rank_chart(over: OverDataSets) -> Chart | None:
    """Return the average ranks on an axis, with a bar for each group that isn't shown to differ.

    The diagram is Demsar's (Journal of Machine Learning Research 7, 2006, pp. 1-30, section 3.2.4).

    Returns:
        ``None`` if there are too few data sets to rank.
    """
    ranks = over.ranks
    if ranks is None:
        return None
    ordered, groups, last = sorted(ranks.mean, key=lambda name: ranks.mean[name]), ranks.groups(), len(ranks.mean)
    short = short_labels(ordered, _LONGEST_LABEL)
    on_the_left = ordered[: (last + 1) // 2]
    first_label = 1 + _BETWEEN_BARS * len(groups)
    lines = _ABOVE + first_label + len(on_the_left) + _BELOW
    figure = Figure(figsize=(_WIDTH, _LINE * lines))
    figure.subplots_adjust(left=_LABELS, right=1 - _LABELS, top=1 - _ABOVE / lines, bottom=0)
    axes = figure.subplots()
    axes.grid(visible=False)
    axes.set_xlim(1, last)
    axes.set_ylim(-(lines - _ABOVE), 0)
    axes.yaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.xaxis.tick_top()
    axes.set_xticks(range(1, last + 1, 1 + (last - 1) // _MOST_TICKS))

    axes.plot([1, 1 + ranks.critical_difference], [1.45] * 2, color=INK, linewidth=2, clip_on=False, marker="|")
    axes.text(1, 1.75, f"critical difference {ranks.critical_difference:.2f}", va="bottom", color=INK)
    for number, group in enumerate(groups):
        reach = [ranks.mean[group[0]], ranks.mean[group[-1]]]
        ends = [reach[0] - _OVERHANG * (last - 1), reach[1] + _OVERHANG * (last - 1)]
        height = -0.5 - _BETWEEN_BARS * number
        axes.plot(ends, [height] * 2, color=INK, linewidth=4, solid_capstyle="butt", clip_on=False, zorder=3)
    for place, name in enumerate(ordered):
        # The nearest to the edge is on top, so that no line crosses another.
        is_left = name in on_the_left
        height = -first_label - (place if is_left else last - 1 - place)
        edge, beyond = (1.0, -_GAP * (last - 1)) if is_left else (float(last), _GAP * (last - 1))
        rank = ranks.mean[name]
        axes.plot([rank, rank, edge + beyond], [0, height, height], color=SOFT, linewidth=0.9, clip_on=False, zorder=1)
        axes.plot(
            [rank],
            [0],
            label=f"{name}: average rank {rank:.2f} over {len(over.data_sets)} data sets",
            color=ACCENT,
            marker="o",
            markersize=7.5,
            markeredgecolor=CARD,
            markeredgewidth=0.8,
            clip_on=False,
            zorder=4,
        )
        text = f"{short[name]}  {rank:.2f}" if is_left else f"{rank:.2f}  {short[name]}"
        axes.text(edge + 1.5 * beyond, height, text, ha="right" if is_left else "left", va="center")
    caption = (
        f"Average ranks in {over.metric} over {len(over.data_sets)} data sets; 1 is the highest score. Bars join those "
        "that aren't shown to differ (Nemenyi's test at 5%; Friedman's test that all are equal: p "
        f"{write_p(ranks.p_value)})."
    )
    return Chart("Average ranks over data sets", figure, caption)

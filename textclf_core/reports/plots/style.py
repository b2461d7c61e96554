"""The common style of the charts: colours, type sizes, points, panels."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

COLOURS = {
    "ink": "#1d2327",
    "soft": "#59646d",
    "rule": "#d9dde0",
    "card": "#ffffff",
    "accent": "#0b62a4",
    "star": "#8a5a00",
    # Okabe and Ito's palette, which people with any kind of colour blindness can distinguish, darkened for text on
    # white: https://jfly.uni-koeln.de/color/
    "series0": "#0072b2",
    "series1": "#c44f00",
    "series2": "#00805d",
    "series3": "#b0568f",
    "series4": "#946a00",
    "series5": "#007a99",
    "series6": "#484848",
}
"""The colours in files, by the CSS variables that have them in the page, and others on a dark screen."""
INK, SOFT, RULE, CARD, ACCENT, STAR, *SERIES = COLOURS.values()

SIZE = (6.4, 4.2)  # inches
LONGEST_LABEL = 28
"""Characters of a contender's label in a chart."""

_PANEL = (4.2, 3.3)
_OPTION = re.compile(r"[\w-]+=[^,\s]+")


@dataclass(frozen=True)
class Chart:
    """A figure with its alternative text and its caption."""

    name: str
    figure: Figure
    caption: str


@contextmanager
def style() -> Iterator[None]:
    """Give figures that are made and saved within the block their look."""
    with matplotlib.rc_context(
        {
            "font.size": 11.5,
            "axes.titlesize": 11.5,
            "text.color": INK,
            "axes.labelcolor": SOFT,
            "axes.labelpad": 6,
            "axes.edgecolor": SOFT,
            "axes.facecolor": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.spines.left": False,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "axes.axisbelow": True,
            # For figures that plugins make.
            "axes.prop_cycle": cycler(color=SERIES),
            "figure.figsize": SIZE,
            "grid.color": RULE,
            "xtick.color": SOFT,
            "ytick.color": SOFT,
            "ytick.major.size": 0,
            "xtick.minor.size": 0,
            "lines.linewidth": 1.8,
            "savefig.dpi": 150,
            # A label or a class may hold a dollar sign, which would start a formula.
            "text.parse_math": False,
            # Else the ids in an SVG are random.
            "svg.hashsalt": "textclf",
        }
    ):
        yield


def panels(count: int, width: float = _PANEL[0], height: float = _PANEL[1], most_columns: int = 3) -> list[Axes]:
    """Return axes of one size, in inches, row by row on one figure."""
    columns = min(count, most_columns)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for unused in axes[count:]:
        unused.remove()
    return axes[:count]


def one_panel() -> Axes:
    """Return the axes of a figure that has no others, with margins that fit any chart: a layout would take longer."""
    figure = Figure(figsize=SIZE)
    figure.subplots_adjust(left=0.14, right=0.97, top=0.94, bottom=0.17)
    axes = figure.subplots()
    axes.yaxis.set_label_coords(-0.125, 0.5)
    return axes


def figure_of(axes: Axes) -> Figure:
    """Return the figure of the axes."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def draw_point(
    axes: Axes, x: float, y: float, tip: str, *, interval: tuple[float, float] | None = None, color: str = ACCENT,
    marker: str = "o", markersize: float = 7.5,
) -> None:  # fmt: skip
    """Draw a point, with its interval if given; the page shows ``tip`` as its tooltip."""
    # An interval need not be centred on the value, nor hold it where a metric is at its limit.
    heights = [y] if interval is None else [min(interval[0], y), y, max(interval[1], y)]
    axes.plot(
        [x] * len(heights),
        heights,
        label=tip,
        color=color,
        linewidth=1.3,
        solid_capstyle="butt",
        marker=marker,
        markevery=[len(heights) // 2],
        markersize=markersize,
        markeredgecolor=CARD,
        markeredgewidth=0.8,
        clip_on=False,
        zorder=4,
    )


def shortened(text: str, longest: int = LONGEST_LABEL) -> str:
    """Return a text without its middle if it is too long."""
    text = " ".join(text.split())
    half = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[: longest - 1 - half]}…{text[-half:]}"


def short_labels(labels: Sequence[str], longest: int = LONGEST_LABEL) -> dict[str, str]:
    """Return each contender's label in at most about so many characters, and still different from the others.

    Of a label that is too long the first plugins are kept if no other label begins with them, with their options or
    without. Else the options go that all the labels that are too long have in common, then the middle.
    """
    options = [set(_OPTION.findall(label)) for label in labels if len(label) > longest]
    common = set.intersection(*options) if len(options) > 1 else set()
    shared = Counter(beginning for label in labels for beginning in {*_beginnings(label)})
    found: dict[str, str] = {}
    for label in labels:
        short = label
        if len(label) > longest:
            own = [one for form, one in _beginnings(label) if shared[form, one] == 1 and one != label]
            fitting = [one for one in own if len(one) <= longest] or [shortened(one, longest) for one in own[-1:]]
            short = fitting[0] if fitting else _without_options(label, common, longest)
        twins = sum(re.sub(r" #\d+$", "", other) == short for other in found.values())
        found[label] = f"{short} #{twins + 1}" if twins else short
    return found


def _beginnings(label: str) -> Iterator[tuple[str, str]]:
    """Yield the first plugins of a label, fewer and fewer, with their options; then without."""
    plugins = label.split(" + ")
    for form, parts in (("with", plugins), ("without", [plugin.partition(":")[0] for plugin in plugins])):
        for count in range(len(parts), 0, -1):
            yield form, " + ".join(parts[:count])


def _without_options(label: str, options: Collection[str], longest: int) -> str:
    kept = _OPTION.sub(lambda match: "" if match[0] in options else match[0], label)
    # What is left of "finetune:epochs=3,batch_size=8 + x" without its options is "finetune:, + x".
    kept = re.sub(r"([:,]),+", r"\1", kept)
    return shortened(re.sub(r"[:,]+(?= \+ |$)", "", kept), longest)

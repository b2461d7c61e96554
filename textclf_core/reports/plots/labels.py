"""Labels that keep clear of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from textclf_core.reports.plots.style import GREY, INK

# Right and up of the point, the places that are looked at first; then further and further away, in points.
_PLACES = (
    *((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1)),
    *((1, 0.5), (-1, 0.5), (1, -0.5), (-1, -0.5), (0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1)),
)
_DISTANCES = (7, 16, 28, 42, 60, 85, 115)
# What touching something costs beside the pixels covered: a thin line is as much in the way as a wide one.
_TOUCH = 100
_FONT_SIZE = 8


@dataclass(frozen=True)
class Label:
    """A text for the point at ``x``, ``y`` in the data's units; those first in a list find their places first."""

    text: str
    x: float
    y: float
    bold: bool = False


def place_labels(figure: Figure, axes: Axes, labels: Sequence[Label], obstacles: Callable[[], Sequence[Bbox]]) -> None:
    """Write each label beside its point, where it covers no other label, no point and no obstacle if that can be.

    Call it when all else is drawn and the limits stand: it measures, and it fixes the layout.

    Args:
        figure: the figure.
        axes: holds the points.
        labels: what to write.
        obstacles: gives what isn't to be covered, in pixels, when the layout stands.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    inside = axes.get_window_extent()
    points = axes.transData.transform([(label.x, label.y) for label in labels])
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in points] + list(obstacles())
    written: list[Bbox] = []
    for label, (x, y) in zip(labels, points, strict=True):
        width, height = _size(figure, label)
        best: tuple[float, tuple[float, float], Bbox] | None = None
        for distance, (right, up) in product(_DISTANCES, _PLACES):
            offset = right * distance, up * distance
            left = x + offset[0] * figure.dpi / 72 - width * _share(right)
            bottom = y + offset[1] * figure.dpi / 72 - height * _share(up)
            box = Bbox.from_bounds(left, bottom, width, height)
            covered = sum(area + _TOUCH for other in [*taken, *written] if (area := _overlap(box, other)))
            covered += sum(_TOUCH for other in written if any(other.contains(*at) for at in _between(x, y, box)))
            # Rounded, for the difference of equal areas is seldom 0.
            covered += _TOUCH * round(width * height - _overlap(box, inside))
            if best is None or covered < best[0]:
                best = covered, offset, box
            if not covered:
                break
        if best is not None:
            written.append(best[2])
            _write(axes, label, *best[1])


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Return positions as near to these as can be with ``gap`` between neighbours, in the same order.

    Clusters that would overlap are centred on the mean of their members (pool adjacent violators).
    """
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    clusters: list[tuple[float, int]] = []  # the mean of (position - gap * rank within the order), and how many
    for rank, index in enumerate(order):
        mean, count = positions[index] - gap * rank, 1
        while clusters and clusters[-1][0] > mean:
            before, many = clusters.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        clusters.append((mean, count))
    moved = [mean for mean, count in clusters for _ in range(count)]
    result = [0.0] * len(positions)
    for rank, index in enumerate(order):
        result[index] = moved[rank] + gap * rank
    return result


def _size(figure: Figure, label: Label) -> tuple[float, float]:
    """Return the width and the height of a label in pixels, with a little room around it."""
    text = figure.text(0, 0, label.text, fontsize=_FONT_SIZE, fontweight=_weight(label))
    extent = text.get_window_extent()
    text.remove()
    return extent.width + 2, extent.height + 2


def _write(axes: Axes, label: Label, right: float, up: float) -> None:
    """Write a label so far, in points, from its point, with a line to it if it isn't next to it."""
    line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
    axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=(right, up),
        textcoords="offset points",
        ha="left" if right > 0 else "right" if right < 0 else "center",
        va="bottom" if up > 0 else "top" if up < 0 else "center",
        fontsize=_FONT_SIZE,
        fontweight=_weight(label),
        color=INK,
        arrowprops=line if max(abs(right), abs(up)) > _DISTANCES[0] else None,
        annotation_clip=False,
    )


def _between(x: float, y: float, box: Bbox) -> list[tuple[float, float]]:
    """Return some places on the way from a point to the middle of a box, where a line to it would be drawn."""
    to_x, to_y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    return [(x + (to_x - x) * step / 10, y + (to_y - y) * step / 10) for step in range(1, 10)]


def _weight(label: Label) -> str:
    return "bold" if label.bold else "normal"


def _share(direction: float) -> float:
    """Return how much of a text lies before the place it is written at: none to the right of it, all to the left."""
    return 0.0 if direction > 0 else 1.0 if direction < 0 else 0.5


def _overlap(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return 0.0 if both is None else float(both.width * both.height)

"""Labels that keep clear of each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from textclf_core.reports.plots.style import INK, SOFT, figure_of

# Right and up of the point, the places that are looked at first; then further and further away, in points.
_PLACES = (
    *((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1)),
    *((1, 0.5), (-1, 0.5), (1, -0.5), (-1, -0.5), (0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1)),
)
_DISTANCES = (7, 16, 28, 42, 60, 85, 115)
_STEP = 4  # pixels between the places on a line that a label should not cover
# What it costs to cover a point, to touch a label or the way to it, to lead a line across another point, and a pixel of
# a label that is covered or outside, and a point of distance. A place on a line costs 1.
_COVERED_POINT, _TOUCHED, _CROSSED, _PIXEL, _DISTANCE = 100, 100, 6, 1, 0.3


@dataclass(frozen=True)
class Label:
    """A text for the point at ``x``, ``y`` in the data's units; those first in a list find their places first."""

    text: str
    x: float
    y: float
    bold: bool = False
    color: str = INK


def place_labels(axes: Axes, labels: Sequence[Label], lines: Iterable[Sequence[tuple[float, float]]] = ()) -> None:
    """Write each label beside its point, where it covers no other label, no point and no line if that can be.

    Call it when all else is drawn and the limits and the layout stand: it measures.

    Args:
        axes: holds the points.
        labels: what to write.
        lines: what isn't to be covered beside the points: the corners of each line, in the data's units.
    """
    inside, points_a_pixel = axes.get_window_extent(), figure_of(axes).dpi / 72
    points = axes.transData.transform([(label.x, label.y) for label in labels])
    on_lines = np.concatenate([np.empty((0, 2)), *(_along(axes.transData.transform(line)) for line in lines)])
    written: list[Bbox] = []
    for label, (x, y) in zip(labels, points, strict=True):
        width, height = _size(axes, label)
        best: tuple[float, tuple[float, float], Bbox] | None = None
        for distance, (right, up) in product(_DISTANCES, _PLACES):
            offset = right * distance, up * distance
            left = x + offset[0] * points_a_pixel - width * _share(right)
            bottom = y + offset[1] * points_a_pixel - height * _share(up)
            box = Bbox.from_bounds(left, bottom, width, height)
            if best is not None and best[0] <= distance * _DISTANCE:
                break
            cost = distance * _DISTANCE + _COVERED_POINT * _covered(points, box, margin=5)
            cost += _covered(on_lines, box, margin=1)
            cost += sum(_TOUCHED + _PIXEL * area for other in written if (area := _overlap(box, other)))
            if distance > _DISTANCES[0]:
                way = _between(x, y, box)
                cost += sum(_TOUCHED for other in written if any(other.contains(*at) for at in way))
                cost += _CROSSED * sum(_covered(points, Bbox([at, at]), margin=4) for at in way[1:])
            # Rounded, for the difference of equal areas is seldom 0.
            cost += _PIXEL * round(width * height - _overlap(box, inside))
            if best is None or cost < best[0]:
                best = cost, offset, box
        if best is not None:
            _write(axes, label, *best[1])
            written.append(best[2])
            on_lines = np.concatenate([on_lines, _between(x, y, best[2])])


def _size(axes: Axes, label: Label) -> tuple[float, float]:
    """Return the width and the height of a label in pixels, with a little room around it."""
    text = axes.text(0, 0, label.text, fontweight=_weight(label))
    extent = text.get_window_extent()
    text.remove()
    return extent.width + 2, extent.height + 2


def _write(axes: Axes, label: Label, right: float, up: float) -> None:
    """Write a label so far, in points, from its point, with a line to it if it isn't next to it."""
    line = {"arrowstyle": "-", "color": SOFT, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
    axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=(right, up),
        textcoords="offset points",
        ha="left" if right > 0 else "right" if right < 0 else "center",
        va="bottom" if up > 0 else "top" if up < 0 else "center",
        fontweight=_weight(label),
        color=label.color,
        arrowprops=line if max(abs(right), abs(up)) > _DISTANCES[0] else None,
        annotation_clip=False,
        zorder=5,
    )


def _along(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places on a line, in pixels, shape (places, 2)."""
    pieces = [np.linspace(one, other, 2 + int(np.hypot(*(other - one)) / _STEP)) for one, other in pairwise(corners)]
    return np.concatenate([corners, *pieces])


def _covered(places: NDArray[np.float64], box: Bbox, margin: float) -> int:
    """Return how many places a box, and a margin around it, covers."""
    return int(((places > np.array(box.min) - margin) & (places < np.array(box.max) + margin)).all(axis=1).sum())


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

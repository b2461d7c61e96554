"""Labels that keep clear of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from textclf_core.report.plots.style import GREY, INK

# Right and up of the point, the places that are looked at first; then further and further away, in points.
_PLACES = (
    *((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1)),
    *((1, 0.5), (-1, 0.5), (1, -0.5), (-1, -0.5), (0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1)),
)
_DISTANCES = (7, 16, 28, 42, 60, 85, 115)
# What touching something costs beside the pixels covered: a thin line is as much in the way as a wide one.
_TOUCH = 100


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
    for label in labels:
        best: tuple[float, Annotation, Bbox] | None = None
        for distance in _DISTANCES:
            for right, up in _PLACES:
                note = _note(axes, label, right * distance, up * distance)
                # The annotation's own extent would hold its arrow too.
                box = Text.get_window_extent(note).padded(1)
                outside = box.width * box.height - _overlap(box, inside)
                covered = sum(area + _TOUCH for other in taken if (area := _overlap(box, other)))
                covered += _TOUCH * outside
                if best is None or covered < best[0]:
                    if best is not None:
                        best[1].remove()
                    best = covered, note, box
                else:
                    note.remove()
                if not covered:
                    break
            if best is not None and not best[0]:
                break
        if best is not None:
            taken.append(best[2])


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


def _note(axes: Axes, label: Label, right: float, up: float) -> Annotation:
    return axes.annotate(
        label.text,
        (label.x, label.y),
        xytext=(right, up),
        textcoords="offset points",
        ha="left" if right > 0 else "right" if right < 0 else "center",
        va="bottom" if up > 0 else "top" if up < 0 else "center",
        fontsize=8,
        fontweight="bold" if label.bold else "normal",
        color=INK,
        arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
        if max(abs(right), abs(up)) > _DISTANCES[0]
        else None,
    )


def _overlap(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return 0.0 if both is None else float(both.width * both.height)

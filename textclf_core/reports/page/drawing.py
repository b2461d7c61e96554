"""The parts of a chart in SVG: scales, axes, points that tell their values, labels that keep clear of each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textclf_core.reports.page.markup import Html, joined, tag

# In units of the view box. A chart is shown between 300 and 560 pixels wide, so its text stays readable.
WIDTH, HEIGHT = 460.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 14.0, 46.0
_CHARACTER, _LINE = 6.4, 13.0


@dataclass(frozen=True)
class Scale:
    """Maps values from ``low`` to ``high`` to positions from ``start`` to ``end``; what is outside is clamped."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the position of a value."""
        low, high = self._along(self.low), self._along(self.high)
        inside = min(max(value, self.low), self.high)
        return self.start + (self.end - self.start) * (self._along(inside) - low) / (high - low)

    def ticks(self, most: int = 6) -> list[float]:
        """Return at most ``most`` round values in the range."""
        if self.log:
            for factors in ((1, 2, 5), (1, 3), (1,)):
                values = [
                    factor * 10.0**power
                    for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
                    for factor in factors
                    if self.low <= factor * 10.0**power <= self.high
                ]
                if len(values) <= most:
                    return values
            return values[:: math.ceil(len(values) / most)]
        step = _round_step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        return [index * step for index in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def _along(self, value: float) -> float:
        return math.log10(value) if self.log else value


def x_scale(low: float, high: float, *, log: bool = False) -> Scale:
    """Return a scale across the chart, a little wider than the values."""
    if log:
        return Scale(low / 1.3, high * 1.3, LEFT, WIDTH - RIGHT, log=True)
    margin = 0.05 * (high - low) or 0.1 * abs(high) or 0.5
    return Scale(low - margin, high + margin, LEFT, WIDTH - RIGHT)


def y_scale(low: float, high: float) -> Scale:
    """Return a scale up the chart, a little wider than the values."""
    margin = 0.06 * (high - low) or 0.01
    return Scale(low - margin, high + margin, HEIGHT - BOTTOM, TOP)


def decimals(scale: Scale) -> Callable[[float], str]:
    """Return a writer of a linear scale's ticks that uses as many decimals as they need."""
    step = _round_step((scale.high - scale.low) / 6)
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return lambda value: f"{value:.{places}f}"


def chart(
    name: str, marks: Iterable[str], *, x: Scale, y: Scale, x_label: str, y_label: str, write_x: Callable[[float], str],
    x_ticks: Sequence[float] | None = None,
) -> Html:  # fmt: skip
    """Return a chart: its frame, ticks and axis labels, and the marks on top.

    Args:
        name: what it shows, for those who don't see it.
        marks: SVG elements in the chart's coordinates.
        x: the scale across.
        y: the scale up.
        x_label: the axis' name, with its unit.
        y_label: the axis' name, with its unit.
        write_x: writes a tick across.
        x_ticks: the ticks across, if not round values.
    """
    write_y = decimals(y)
    grid = [
        joined(
            (
                tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(value), y2=y(value), class_="grid"),
                tag("text", write_y(value), x=LEFT - 7, y=y(value) + 4, class_="tick", text_anchor="end"),
            )
        )
        for value in y.ticks()
    ]
    # Where values hardly differ, two ticks may be written alike.
    written = {write_x(value): x(value) for value in reversed(x.ticks(5) if x_ticks is None else x_ticks)}
    ticks = [
        joined(
            (
                tag("line", x1=at, x2=at, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM + 4, class_="axis"),
                tag("text", text, x=at, y=HEIGHT - BOTTOM + 17, class_="tick", text_anchor=_anchor(at)),
            )
        )
        for text, at in written.items()
    ]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return tag(
        "svg",
        *grid,
        *ticks,
        tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM, class_="axis"),
        tag("text", x_label, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 9, class_="name", text_anchor="middle"),
        tag("text", y_label, transform=f"translate(13 {middle:.0f}) rotate(-90)", class_="name", text_anchor="middle"),
        *marks,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        class_="chart",
        role="group",
        aria_label=name,
    )


def point(x: float, y: float, tip: str, *parts: str, class_: str = "") -> Html:
    """Return a point that tells ``tip`` on hover and on keyboard focus; ``parts`` are drawn beneath it."""
    dot = (tag("circle", cx=x, cy=y, r=12.0, class_="reach"), tag("circle", cx=x, cy=y, r=5.0, class_="dot"))
    return telling(tip, *parts, *dot, class_=class_)


def telling(tip: str, *parts: str, class_: str = "") -> Html:
    """Return the parts of a drawing that tell ``tip`` on hover and on keyboard focus."""
    return tag(
        "g", tag("title", tip), *parts, class_=f"point {class_}".strip(), tabindex="0", role="img", aria_label=tip
    )


def whisker(x: float, low: float, high: float) -> Html:
    """Return an upright interval."""
    return tag(
        "path", d=f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8", class_="whisker"
    )


def polyline(points: Iterable[tuple[float, float]], class_: str) -> Html:
    """Return a line through the points."""
    return tag("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), class_=class_)


class Labels:
    """Places the labels of points so that none covers a point or another label; one that finds no room is left out."""

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        self._taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in points]

    def place(self, x: float, y: float, text: str) -> Html:
        """Return the label of the point at (x, y), or nothing."""
        width = _CHARACTER * len(text)
        right, left, middle = x + 9, x - 9 - width, x - width / 2
        near = ((right, y + 4), (left, y + 4), (middle, y - 10), (middle, y + 19))
        return self._place(
            text, (*near, (right - 2, y - 8), (left + 2, y - 8), (right - 2, y + 16), (left + 2, y + 16))
        )

    def place_on_line(self, y: float, text: str) -> Html:
        """Return the label of a line across the chart, or nothing."""
        ends = (WIDTH - RIGHT - 4 - _CHARACTER * len(text), LEFT + 4)
        return self._place(text, [(left, bottom) for bottom in (y - 4, y + 13) for left in ends])

    def _place(self, text: str, places: Iterable[tuple[float, float]]) -> Html:
        for left, bottom in places:
            box = (left, bottom - _LINE + 3, left + _CHARACTER * len(text), bottom + 3)
            inside = box[0] >= LEFT and box[2] <= WIDTH - 2 and box[1] >= 0 and box[3] <= HEIGHT - BOTTOM
            if inside and not any(_overlap(box, other) for other in self._taken):
                self._taken.append(box)
                return tag("text", text, x=left, y=bottom, class_="label")
        return Html("")


def _anchor(x: float) -> str:
    """Return how a tick's text stands to its tick: the last may not reach over the edge."""
    return "end" if x > WIDTH - RIGHT - 24 else "middle"


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is at least ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))

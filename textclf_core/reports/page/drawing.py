"""The parts of a chart: scales, axes, points that tell their values, labels that keep clear of each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

# In units of the view box. A chart is shown between 300 and 560 pixels wide, so its text stays readable.
WIDTH, HEIGHT = 460.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 14.0, 46.0
_CHARACTER, _LINE = 6.4, 13.0


@dataclass(frozen=True)
class Line:
    """A line as an SVG path."""

    path: str
    class_: str


@dataclass(frozen=True)
class Words:
    """A text that is drawn."""

    x: float
    y: float
    text: str
    class_: str
    anchor: str = "start"


@dataclass(frozen=True)
class Bar:
    """A bar, which tells ``tip`` if it has one."""

    x: float
    y: float
    width: float
    height: float
    tip: str | None = None


@dataclass(frozen=True)
class Point:
    """A point that tells ``tip`` on hover and on keyboard focus; its whisker is drawn beneath it."""

    x: float
    y: float
    tip: str
    whisker: Line | None = None
    class_: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart: its name for those who don't see it, axes and grid, and what is drawn on them, the lowest first."""

    name: str
    y_label: str
    grid: tuple[Line, ...]
    words: tuple[Words, ...]
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    labels: tuple[Words, ...]
    points: tuple[Point, ...]
    width: float = WIDTH
    height: float = HEIGHT
    middle: float = (TOP + HEIGHT - BOTTOM) / 2


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
    name: str, *, x: Scale, y: Scale, x_label: str, y_label: str, write_x: Callable[[float], str],
    x_ticks: Sequence[float] | None = None, bars: Iterable[Bar] = (), lines: Iterable[Line] = (),
    labels: Iterable[Words] = (), points: Iterable[Point] = (),
) -> Chart:  # fmt: skip
    """Return a chart with its ticks and axis labels.

    Args:
        name: what it shows, for those who don't see it.
        x: the scale across.
        y: the scale up.
        x_label: the axis' name, with its unit.
        y_label: the axis' name, with its unit.
        write_x: writes a tick across.
        x_ticks: the ticks across, if not round values.
        bars: drawn first, in the chart's coordinates, as is all that follows.
        lines: drawn on the bars.
        labels: drawn on the lines.
        points: drawn on top.
    """
    write_y, floor = decimals(y), HEIGHT - BOTTOM
    # Where values hardly differ, two ticks may be written alike.
    written = {write_x(value): x(value) for value in reversed(x.ticks(5) if x_ticks is None else x_ticks)}
    ticks = [Line(f"M{at:.2f} {floor:.0f}v4", "axis") for at in written.values()]
    words = [Words(LEFT - 7, y(value) + 4, write_y(value), "tick", "end") for value in y.ticks()]
    words += [Words(at, floor + 17, text, "tick", _anchor(at)) for text, at in written.items()]
    words += [Words((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 9, x_label, "name", "middle")]
    grid = [across(y(value), "grid") for value in y.ticks()]
    return Chart(
        name, y_label, (*grid, *ticks, across(floor, "axis")), tuple(words),
        tuple(bars), tuple(lines), tuple(labels), tuple(points),
    )  # fmt: skip


def whisker(x: float, low: float, high: float) -> Line:
    """Return an upright interval."""
    return Line(f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8", "whisker")


def across(y: float, class_: str) -> Line:
    """Return a line across the chart."""
    return Line(f"M{LEFT:.0f} {y:.2f}H{WIDTH - RIGHT:.0f}", class_)


def polyline(points: Iterable[tuple[float, float]], class_: str) -> Line:
    """Return a line through the points."""
    return Line("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), class_)


class Labels:
    """Places the labels of points so that none covers a point or another label; one that finds no room is left out."""

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        self._taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in points]

    def place(self, x: float, y: float, text: str, class_: str = "label") -> list[Words]:
        """Return the label of the point at (x, y), if there is room for it."""
        width = _CHARACTER * len(text)
        right, left, middle = x + 9, x - 9 - width, x - width / 2
        near = ((right, y + 4), (left, y + 4), (middle, y - 10), (middle, y + 19))
        return self._place(
            text, (*near, (right - 2, y - 8), (left + 2, y - 8), (right - 2, y + 16), (left + 2, y + 16)), class_
        )

    def place_on_line(self, y: float, text: str) -> list[Words]:
        """Return the label of a line across the chart, if there is room for it."""
        ends = (WIDTH - RIGHT - 4 - _CHARACTER * len(text), LEFT + 4)
        return self._place(text, [(left, bottom) for bottom in (y - 4, y + 13) for left in ends], "label")

    def _place(self, text: str, places: Iterable[tuple[float, float]], class_: str) -> list[Words]:
        for left, bottom in places:
            box = (left, bottom - _LINE + 3, left + _CHARACTER * len(text), bottom + 3)
            inside = box[0] >= LEFT and box[2] <= WIDTH - 2 and box[1] >= 0 and box[3] <= HEIGHT - BOTTOM
            if inside and not any(_overlap(box, other) for other in self._taken):
                self._taken.append(box)
                return [Words(left, bottom, text, class_)]
        return []


def _anchor(x: float) -> str:
    """Return how a tick's text stands to its tick: the last may not reach over the edge."""
    return "end" if x > WIDTH - RIGHT - 24 else "middle"


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is at least ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))

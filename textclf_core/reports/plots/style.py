"""What the plots have in common: colours, type sizes, panels, files."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette, which people with any kind of colour blindness can tell apart:
# https://jfly.uni-koeln.de/color/
BLUE, VERMILION = "#0072B2", "#D55E00"
PALETTE = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY, INK = "#8A8A8A", "#222222"

LONGEST_TITLE = 28
"""Characters of a title that fit above a panel."""

_CHARACTERS_AN_INCH = 14  # of a caption
_OPTION = re.compile(r"[\w-]+=[^,\s]+")


@contextmanager
def style() -> Iterator[None]:
    """Give figures that are made and saved within the block their look."""
    with matplotlib.rc_context(
        {
            "font.size": 9,
            "axes.titlesize": 9,
            "axes.labelcolor": INK,
            "axes.edgecolor": "#555555",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#E4E4E4",
            "legend.frameon": False,
            "savefig.dpi": 150,
            # A label or a class may hold a dollar sign, which would start a formula.
            "text.parse_math": False,
            # Else the ids in an SVG are random.
            "svg.hashsalt": "textclf",
        }
    ):
        yield


def panels(count: int, width: float, height: float, most_columns: int = 3) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many axes of one size, in inches, row by row."""
    columns = min(count, most_columns)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(columns * width, rows * height + 0.4), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = [one for row in grid for one in row]
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def caption(figure: Figure, text: str) -> None:
    """Write a small text below all panels, in as many lines as the figure's width asks for."""
    wrapped = textwrap.fill(text, int(_CHARACTERS_AN_INCH * figure.get_figwidth()))
    figure.supxlabel(wrapped, fontsize=8, color=GREY)


def shortened(text: str, longest: int = LONGEST_TITLE) -> str:
    """Return a text without its middle if it is too long."""
    text = " ".join(text.split())
    half = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[: longest - 1 - half]}…{text[-half:]}"


def short_labels(labels: Sequence[str], longest: int = LONGEST_TITLE) -> dict[str, str]:
    """Return each contender's label in at most about so many characters, and still different from the others.

    Options that all the labels that are too long have in common go first, then the middle.
    """
    options = [set(_OPTION.findall(label)) for label in labels if len(label) > longest]
    common = set.intersection(*options) if len(options) > 1 else set()
    found: dict[str, str] = {}
    for label in labels:
        if len(label) > longest:
            kept = _OPTION.sub(lambda match: "" if match[0] in common else match[0], label)
            # What is left of "finetune:epochs=3,batch_size=8 + x" without its options is "finetune:, + x".
            kept = re.sub(r"([:,]),+", r"\1", kept)
            short = shortened(re.sub(r"[:,]+(?= \+ |$)", "", kept), longest)
        else:
            short = label
        twins = sum(re.sub(r" #\d+$", "", other) == short for other in found.values())
        found[label] = f"{short} #{twins + 1}" if twins else short
    return found


def save(figure: Figure, path: Path) -> tuple[Path, Path]:
    """Write a figure as PNG and SVG, with no date in it, and return the two files."""
    # The layout takes longer than the drawing; it is the same for both.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    png, svg = path.with_name(f"{path.name}.png"), path.with_name(f"{path.name}.svg")
    figure.savefig(png, metadata={"Software": None})
    figure.savefig(svg, metadata={"Date": None, "Creator": None})
    return png, svg

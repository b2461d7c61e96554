"""The figures of the guide: ``python docs/figures.py`` writes them into ``docs/figures``."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from datasets import Dataset
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from textclf_core.reports.plots.style import ACCENT, INK, RULE, SERIES, SOFT, one_panel, panels, style
from textclf_core.statistics import SummedModel, compare
from textclf_core.types.metric import ScoredRows
from textclf_plugins.metrics.accuracy import Accuracy

DOCS = Path(__file__).parent
ROWS, SEEDS = 1066, 3


def freezing_and_its_price() -> Figure:
    """Draw the scores of docs/strategies.md over their FLOPs."""
    cells = [
        [cell.strip().strip("`") for cell in line.split("|")[1:-1]]
        for line in (DOCS / "strategies.md").read_text(encoding="utf-8").splitlines()
        if re.match(r"\| `.*\d T \|", line)
    ]
    axes = one_panel()
    for contender, _, score, *_, flops, _ in cells:
        if contender.startswith(("full", "freeze", "head", "lora", "bitfit", "layernorm", "embedding", "gradual")):
            x, y = float(flops.removesuffix(" T")), float(score)
            frozen = contender.startswith(("freeze-first", "head", "embedding"))
            axes.plot(x, y, "o", color=SERIES[1] if frozen else ACCENT, markersize=7.5)
            place, side = ((9, -3.5), "left")
            if contender == "gradual-unfreeze":
                place, side = (-9, -3.5), "right"
            elif contender.startswith("freeze-first"):
                place, side = (0, 8), "center"
            name = contender.partition(":c=")[0]
            axes.annotate(name, (x, y), place, textcoords="offset points", ha=side, fontsize=9.5, color=INK)
    axes.set(xlabel="FLOPs of training per seed, T", ylabel="F1 on test", xlim=(-2, 24.5), ylim=(0.64, 0.86))
    axes.text(24, 0.648, "orange: a frozen prefix, computed once", ha="right", fontsize=9.5, color=SERIES[1])
    return _figure(axes)


def what_is_computed_once() -> Figure:
    """Draw the way of a text through a model with a frozen prefix."""
    figure = Figure(figsize=(7.6, 2.5))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 76), ylim=(0, 25))
    axes.axis("off")
    boxes = (
        (1, 13, "texts", "tokens", SOFT),
        (18, 17, "frozen prefix", "embeddings and\nfirst blocks, no dropout", SERIES[1]),
        (40, 14, "cache", "one entry per row,\nchecked when opened", SERIES[1]),
        (59, 16, "what trains", "later blocks, head", ACCENT),
    )
    for x, width, title, about, colour in boxes:
        axes.add_patch(FancyBboxPatch((x, 9), width, 9, boxstyle="round,pad=0.2", fill=False, edgecolor=colour, lw=1.6))
        axes.text(x + width / 2, 15.3, title, ha="center", va="center", fontsize=11, color=colour)
        axes.text(x + width / 2, 11.6, about, ha="center", va="center", fontsize=8.5, color=INK)
    for start, end in ((14.4, 17.6), (35.4, 39.6), (54.4, 58.6)):
        axes.add_patch(FancyArrowPatch((start, 13.5), (end, 13.5), arrowstyle="-|>", mutation_scale=12, color=SOFT))
    axes.text(27, 6, "once per row", ha="center", fontsize=9.5, color=SERIES[1])
    axes.text(59, 6, "in every epoch, for every seed and learning rate", ha="center", fontsize=9.5, color=ACCENT)
    axes.text(38, 21.5, "The output of the prefix is a constant of the text", ha="center", fontsize=11, color=INK)
    return figure


def why_seeds_and_pairs() -> Figure:
    """Draw two simulated contenders: their scores' intervals, which overlap, and that of their difference."""
    [metric] = Accuracy().textclf_describe_metrics()
    assert metric.sums is not None
    generator = np.random.default_rng(5)
    hard = generator.normal(size=ROWS)  # the same rows are hard for both, whatever the seed
    labels = np.arange(ROWS) % 2
    models, scores = {}, {}
    for name, skill in (("one", 1.28), ("other", 1.13)):
        wrong = [0.9 * hard + 0.44 * generator.normal(size=ROWS) > skill for _ in range(SEEDS)]
        predicted = [np.where(one, 1 - labels, labels) for one in wrong]
        models[name] = [
            SummedModel(metric.sums, ScoredRows(labels, one, np.eye(2)[one], lambda: Dataset.from_dict({})))
            for one in predicted
        ]
        scores[name] = [1 - one.mean() for one in wrong]
    compared = compare(models, metric, with_pairs=True)
    left, right = panels(2, width=3.6)
    for place, name in enumerate(models):
        interval = compared.contender(name).interval
        left.plot([place, place], [interval.low, interval.high], color=SERIES[place])
        left.plot([place + 0.12] * SEEDS, scores[name], "o", color=SERIES[place], markersize=5)
    left.set(title="Scores: the intervals overlap", xlim=(-0.6, 1.6), ylabel="accuracy, 95% interval; dots: seeds")
    left.set_xticks([0, 1], list(models))
    [pair] = compared.pairs
    difference = pair.difference
    sign = 1 if difference.value >= 0 else -1
    low, high = sorted((sign * difference.interval.low, sign * difference.interval.high))
    right.plot([0, 0], [low, high], color=INK)
    right.plot([0], [sign * difference.value], "o", color=INK, markersize=7)
    right.axhline(0, color=RULE)
    right.set(title="Difference on the same rows", xlim=(-0.8, 0.8), ylim=(-0.01, None), xticks=[])
    return _figure(left)


def _figure(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def main() -> None:
    """Write the figures."""
    (DOCS / "figures").mkdir(exist_ok=True)
    for draw in (freezing_and_its_price, what_is_computed_once, why_seeds_and_pairs):
        with style():
            name = draw.__name__.replace("_", "-")
            draw().savefig(DOCS / "figures" / f"{name}.svg", metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main()

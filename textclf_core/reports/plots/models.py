"""Plots of each contender's models: how they learnt, what they take for what, whether their confidence is right."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from textclf_core.records.schema import HISTORY_FILE
from textclf_core.reports.analysis import Analysis
from textclf_core.reports.plots.style import BLUE, GREY, INK, VERMILION, caption, panels, short_labels, shortened
from textclf_core.reports.quality import line_confusion, line_reliability
from textclf_core.reports.rounding import write_significant
from textclf_core.reports.stored import ContenderRuns

_MOST_NUMBERS = 10
_MOST_LABELS = 40
_LARGEST_PANEL = 6.0  # inches
_WIDEST = 12.0
_LONGEST_CLASS = 14
_LARGEST_POINT = 160

_Curves = list[tuple[list[float], list[float]]]


def learning_figure(analysis: Analysis) -> Figure | None:
    """Return the loss by step of each contender, in training and on validation; ``None`` if no run has a history."""
    curves = [(row.line, *_curves(row.line, row.line.seeds)) for row in analysis.rows]
    curves = [(line, train, validation) for line, train, validation in curves if train or validation]
    if not curves:
        return None
    figure, all_axes = panels(len(curves), 3.3, 2.5)
    titles = short_labels([line.label for line, _, _ in curves])
    highest = max(max(losses) for _, train, validation in curves for _, losses in (*train, *validation))
    for axes, (line, train, validation) in zip(all_axes, curves, strict=True):
        _draw_curves(axes, train, BLUE, "training")
        _draw_curves(axes, validation, VERMILION, "validation", marker="o")
        axes.set_ylim(0, 1.05 * highest)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_title(titles[line.label], loc="left")
        axes.set_xlabel("step")
        axes.set_ylabel("loss (nats)")
        _epoch_axis(axes, [step for steps, _ in validation[:1] for step in steps])
    handles = {
        name: handle for axes in all_axes for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    mean = ", mean of seeds" if len(analysis.seeds) > 1 else ""
    names = [f"{name}{mean}" for name in handles]
    figure.legend(list(handles.values()), names, loc="outside lower left", ncols=min(len(curves), 2))
    return figure


def confusion_figure(analysis: Analysis) -> Figure:
    """Return each contender's confusion matrix, summed over seeds and coloured by the share of each true class."""
    names = [shortened(name, _LONGEST_CLASS) for name in analysis.data.label_names]
    numbered, named = len(names) <= _MOST_NUMBERS, len(names) <= _MOST_LABELS
    size = min(max(2.4, 1 + (0.42 if numbered else 0.18) * len(names)), _LARGEST_PANEL)
    figure, all_axes = panels(len(analysis.rows), size + 0.6, size + 0.3, most_columns=max(1, int(_WIDEST / size)))
    titles = short_labels([row.line.label for row in analysis.rows])
    for axes, row in zip(all_axes, analysis.rows, strict=True):
        matrix = line_confusion(row.line, row.line.seeds)
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.grid(False)
        axes.spines[:].set_visible(False)
        ticks, shown = (range(len(names)), names) if named else ((), [])
        upright = max(map(len, names)) > 6 and len(names) > 2
        axes.set_xticks(ticks, shown, rotation=90 if upright else 0)
        axes.set_yticks(ticks, shown)
        axes.set_title(titles[row.line.label], loc="left")
        axes.set_xlabel("predicted" if named else f"predicted ({len(names)} classes in the order of their ids)")
        axes.set_ylabel("true")
        if numbered:
            for true, predicted in np.ndindex(matrix.shape):
                share = shares[true, predicted]
                axes.text(
                    predicted,
                    true,
                    f"{share:.0%}\n{matrix[true, predicted]:,}",
                    ha="center",
                    va="center",
                    fontsize=8 if len(names) <= 4 else 6,
                    color="white" if share > 0.55 else INK,
                )
    if not numbered:
        figure.colorbar(image, ax=all_axes, format=PercentFormatter(1, decimals=0), shrink=0.5, aspect=30)
    summed = f", counts summed over {len(analysis.seeds)} seeds" if len(analysis.seeds) > 1 else ""
    caption(figure, f"share of each true class{summed}")
    return figure


def reliability_figure(analysis: Analysis) -> Figure:
    """Return each contender's reliability diagram with its expected calibration error."""
    figure, all_axes = panels(len(analysis.rows), 3.0, 2.9)
    titles = short_labels([row.line.label for row in analysis.rows])
    for axes, row in zip(all_axes, analysis.rows, strict=True):
        found = line_reliability(row.line, row.line.seeds)
        filled = [one for one in found.bins if one.rows]
        confidence = np.array([one.confidence for one in filled], dtype=np.float64)
        accuracy = np.array([one.accuracy for one in filled], dtype=np.float64)
        rows = np.array([one.rows for one in filled])
        # The confidence in the best of k classes is 1/k at least; the empty part of the axis says nothing.
        start = min(filled[0].low, 1 / len(analysis.data.label_names))
        axes.plot([start, 1], [start, 1], color=GREY, linewidth=1, linestyle="--", zorder=1)
        axes.vlines(confidence, np.minimum(confidence, accuracy), np.maximum(confidence, accuracy), color=VERMILION,
                    linewidth=1.5, zorder=2)  # fmt: skip
        axes.plot(confidence, accuracy, color=BLUE, linewidth=1, zorder=3)
        axes.scatter(
            confidence,
            accuracy,
            s=6 + _LARGEST_POINT * rows / rows.sum(),
            color=BLUE,
            alpha=0.8,
            zorder=4,
            clip_on=False,
        )
        axes.set_xlim(start, 1.02)
        axes.set_ylim(0, 1.05)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.text(0.04, 0.96, f"ECE {write_significant(found.ece)}", transform=axes.transAxes, va="top")
        axes.set_title(titles[row.line.label], loc="left")
        axes.set_xlabel("confidence")
        axes.set_ylabel("right")
    mean = f", ECE is the mean over {len(analysis.seeds)} seeds" if len(analysis.seeds) > 1 else ""
    caption(
        figure,
        f"on the dashed line confidence means what it says; a point's area is its share of the predictions{mean}",
    )
    return figure


def _curves(line: ContenderRuns, seeds: Sequence[int]) -> tuple[_Curves, _Curves]:
    """Return steps and losses of each run that has a history: in training, and on validation."""
    train: _Curves = []
    validation: _Curves = []
    for run in line.runs:
        path = run.directory / HISTORY_FILE
        if run.record.seed in seeds and path.is_file():
            rows = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
            for curves, key in ((train, "loss"), (validation, "validation_loss")):
                own = [row for row in rows if key in row]
                if own:
                    curves.append(([row["step"] for row in own], [row[key] for row in own]))
    return train, validation


def _draw_curves(axes: Axes, curves: _Curves, colour: str, name: str, marker: str = "") -> None:
    """Draw each run thinly, and the mean of those that were logged at the same steps."""
    alike = [losses for steps, losses in curves if steps == curves[0][0]]
    if len(alike) > 1:
        for steps, losses in curves:
            axes.plot(steps, losses, color=colour, alpha=0.25, linewidth=0.8)
        axes.plot(curves[0][0], np.mean(alike, axis=0), color=colour, label=name, marker=marker, markersize=4)
    for index, (steps, losses) in enumerate(curves if len(alike) < 2 else []):
        axes.plot(steps, losses, color=colour, label="" if index else name, marker=marker, markersize=4)


def _epoch_axis(axes: Axes, ends: Sequence[float]) -> None:
    """Write the number of each epoch above the step that it ended with."""
    if not ends:
        return
    every = -(-len(ends) // 6)
    above = axes.secondary_xaxis("top")
    above.set_xticks(ends[every - 1 :: every], [str(epoch) for epoch in range(every, len(ends) + 1, every)])
    above.tick_params(length=2, labelsize=7, colors=GREY)
    above.spines[:].set_visible(False)
    axes.text(1, 1.16, "epoch", transform=axes.transAxes, ha="right", fontsize=7, color=GREY)

"""Charts of each contender's models: training curves, confusion matrices, calibration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from textclf_core.records.schema import HISTORY_FILE
from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.plots.style import (
    ACCENT,
    CARD,
    INK,
    SOFT,
    Chart,
    draw_point,
    figure_of,
    one_panel,
    panels,
    short_labels,
    shortened,
)
from textclf_core.reports.quality import line_confusion, line_reliability
from textclf_core.reports.rounding import write_significant
from textclf_core.reports.stored import StoredRun

_MOST_NUMBERS = 10
_MOST_LABELS = 40
_LARGEST_PANEL = 6.0  # inches
_WIDEST = 12.0
_LONGEST_CLASS = 14
_MOST_EPOCHS = 3
_AT_EPOCHS = ("train_loss", "validation_loss", "validation_accuracy")
# Of the height of a reliability diagram, what a bin with all predictions would take.
_BARS = 0.25


def learning_chart(rows: Sequence[Row]) -> Chart | None:
    """Return the loss by step of each contender, in training and on validation; ``None`` if no run has a history."""
    histories = {row.line.label: [read for run in row.line.runs if (read := _history(run))] for row in rows}
    histories = {label: of_seeds for label, of_seeds in histories.items() if of_seeds}
    if not histories:
        return None
    entries = [entry for of_seeds in histories.values() for history in of_seeds for entry in history]
    losses = [entry[name] for entry in entries for name in ("loss", "validation_loss") if name in entry]
    # A few steps of a wild loss would flatten the rest; they are drawn at the edge.
    highest = float(np.quantile(losses, 0.99))
    all_axes = _panels(list(histories))
    for axes, of_seeds in zip(all_axes, histories.values(), strict=True):
        for history in of_seeds:
            _draw_history(axes, history, highest)
        axes.set_ylim(0, 1.08 * highest or 1)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xlabel("step")
        axes.set_ylabel("loss (nats)")
        ends = [entry for entry in of_seeds[0] if "validation_loss" in entry]
        for entry in ends[:: -(-len(ends) // _MOST_EPOCHS) or 1]:
            axes.text(entry["step"], 1.01, f"epoch {entry['epoch']}", color=SOFT, ha="right", va="bottom",
                      transform=axes.get_xaxis_transform())  # fmt: skip
    each = ", a line for each seed" if max(map(len, histories.values())) > 1 else ""
    caption = f"Training loss (thin) and validation loss at the end of each epoch (points){each}."
    return Chart("loss by training step", figure_of(all_axes[0]), caption)


def confusion_chart(analysis: Analysis) -> Chart:
    """Return each contender's confusion matrix, summed over seeds and coloured by the share of each true class."""
    names = [shortened(name, _LONGEST_CLASS) for name in analysis.data.label_names]
    numbered, named = len(names) <= _MOST_NUMBERS, len(names) <= _MOST_LABELS
    size = min(max(2.8, 1 + (0.55 if numbered else 0.2) * len(names)), _LARGEST_PANEL)
    all_axes = panels(len(analysis.rows), size + 0.8, size + 0.5, most_columns=max(1, int(_WIDEST / size)))
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
        for true, predicted in np.ndindex(matrix.shape) if numbered else ():
            share = shares[true, predicted]
            axes.text(
                predicted,
                true,
                f"{share:.0%}\n{matrix[true, predicted]:,}",
                ha="center",
                va="center",
                fontsize=10 if len(names) <= 4 else 7,
                color=CARD if share > 0.55 else INK,
            )
    figure = figure_of(all_axes[0])
    if not numbered:
        figure.colorbar(image, ax=all_axes, format=PercentFormatter(1, decimals=0), shrink=0.5, aspect=30)
    summed = f", counts summed over {len(analysis.seeds)} seeds" if len(analysis.seeds) > 1 else ""
    return Chart("confusion matrix", figure, f"Share of each true class{summed}.")


def reliability_chart(rows: Sequence[Row]) -> Chart:
    """Return the share of right predictions by confidence of each contender, with its calibration error."""
    found = {row.line.label: line_reliability(row.line, row.line.seeds) for row in rows}
    all_axes = _panels(list(found), [f": ECE {write_significant(one.ece)}" for one in found.values()])
    for axes, one in zip(all_axes, found.values(), strict=True):
        filled = [(each, each.confidence, each.accuracy) for each in one.bins
                  if each.confidence is not None and each.accuracy is not None]  # fmt: skip
        # The confidence in the best of k classes is at least 1/k: the empty part of the axis isn't drawn.
        low, total = filled[0][0].low, sum(each.rows for each, _, _ in filled)
        for each, _, _ in filled:
            height = _BARS * each.rows / total
            axes.bar(each.low, height, 0.94 * (each.high - each.low), align="edge", color=ACCENT, alpha=0.45)
        axes.plot([low, 1], [low, 1], color=SOFT, linewidth=1.2, linestyle="--")
        axes.plot([confidence for _, confidence, _ in filled], [accuracy for _, _, accuracy in filled], color=ACCENT)
        for each, confidence, accuracy in filled:
            tip = f"confidence {confidence:.2f}: {accuracy:.1%} right of {each.rows:,} predictions"
            draw_point(axes, confidence, accuracy, tip)
        axes.set(xlim=(low - 0.02, 1.02), ylim=(0, 1.05), xlabel="confidence", ylabel="share right")
    caption = (
        f"Of the predictions{rows[0].line.runs[0].kind.each_prediction} made with a confidence, how many are right; on "
        "the dashed line it means what it says. A bar is a bin's share of the predictions."
    )
    if len(rows) == 1:
        [one] = found.values()
        caption += (
            f" Expected calibration error {one.ece:.3f}, Brier score {one.brier:.3f}, log loss {one.log_loss:.3f}."
        )
    elif max(len(row.line.seeds) for row in rows) > 1:
        caption += " ECE, the expected calibration error, is the mean over the seeds."
    return Chart("share of right predictions against confidence", figure_of(all_axes[0]), caption)


def _panels(labels: Sequence[str], more: Sequence[str] = ()) -> list[Axes]:
    """Return axes for each contender, titled with its label and with ``more`` unless it is the only one."""
    if len(labels) == 1:
        return [one_panel()]
    all_axes = panels(len(labels))
    for axes, label, text in zip(all_axes, short_labels(labels).values(), more or [""] * len(labels), strict=True):
        axes.set_title(f"{label}{text}", loc="left", pad=18)
    return all_axes


def _draw_history(axes: Axes, history: Sequence[dict[str, Any]], highest: float) -> None:
    """Draw the losses of one run by step; those above ``highest`` at it."""
    steps = [entry for entry in history if "loss" in entry]
    axes.plot([entry["step"] for entry in steps], [min(entry["loss"], highest) for entry in steps], color=SOFT,
              linewidth=1, alpha=0.7)  # fmt: skip
    epochs = [(entry, min(entry["validation_loss"], highest)) for entry in history if "validation_loss" in entry]
    axes.plot([entry["step"] for entry, _ in epochs], [loss for _, loss in epochs], color=ACCENT)
    for entry, loss in epochs:
        numbers = ", ".join(f"{name.replace('_', ' ')} {entry[name]:.3f}" for name in _AT_EPOCHS if name in entry)
        draw_point(axes, entry["step"], loss, f"epoch {entry['epoch']}: {numbers}")


def _history(run: StoredRun) -> list[dict[str, Any]]:
    path = run.directory / HISTORY_FILE
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []

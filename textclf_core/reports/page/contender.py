"""The details of one contender: scores by class, confusions, calibration, slices and training curves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.records.schema import HISTORY_FILE
from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.page.drawing import BOTTOM, HEIGHT, Bar, Chart, Point, chart, polyline, x_scale, y_scale
from textclf_core.reports.page.tables import Figure, Matrix, Paragraph, Part, Table, numbers
from textclf_core.reports.postprocessed import changes
from textclf_core.reports.quality import line_class_scores, line_confusion, line_reliability
from textclf_core.reports.rounding import write_number
from textclf_core.reports.slices import Slice, slice_scores, worst_sentence, write_score
from textclf_core.reports.summary import tokenization_sentences
from textclf_core.statistics.calibration import Reliability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.reports.stored import StoredRun

_LARGEST_MATRIX = 15
_MOST_CONFUSIONS = 20
_SHADES = 8
_AT_EPOCHS = ("train_loss", "validation_loss", "validation_accuracy")


def contender_parts(analysis: Analysis, row: Row, slices: Sequence[Slice]) -> tuple[Part, ...]:
    """Return what is known of a contender on test, over the seeds of the comparison."""
    return (
        _class_scores(row),
        _confusion(analysis, row),
        *([_slices(analysis, row, slices)] if slices else []),
        _calibration(row),
        *_postprocessing(row),
        *_training(row),
        *_tokenization(row),
    )


def _class_scores(row: Row) -> Part:
    rows = tuple(
        (one.label, *(write_number(value, 3) for value in (one.precision, one.recall, one.f1)), f"{one.support:,}")
        for one in line_class_scores(row.line, row.line.seeds)
    )
    columns = ("precision", "recall", "F1", row.line.runs[0].kind.class_rows)
    caption = f"Scores on test{_over_seeds(row, ', means over')}"
    return Part("By class", (Table(caption, ("class", *columns), rows, numbers(*columns)),))


def _confusion(analysis: Analysis, row: Row) -> Part:
    matrix, labels = line_confusion(row.line, row.line.seeds), analysis.data.label_names
    seeds = _over_seeds(row, ", summed over")
    if row.line.runs[0].kind.independent_labels:
        return Part(f"Found and missed{seeds}", (_yes_and_no(matrix, labels),))
    if len(labels) > _LARGEST_MATRIX:
        return Part(f"Most frequent confusions{seeds}", (_frequent_confusions(matrix, labels),))
    rows = tuple(
        (
            name,
            tuple(
                (
                    f"{count:,}",
                    f"{count / max(1, of_class.sum()):.0%}",
                    f"{'right' if true == predicted else 'wrong'} shade{_shade(count, of_class.sum())}",
                )
                for predicted, count in enumerate(of_class)
            ),
        )
        for true, (name, of_class) in enumerate(zip(labels, matrix, strict=True))
    )
    begins = row.line.runs[0].kind.matrix_row
    caption = f"{begins} row is a true class, a column what was predicted{seeds}; percent of the row"
    return Part("Confusion matrix", (Matrix(caption, tuple(labels), rows),))


def _yes_and_no(matrices: NDArray[np.int64], labels: Sequence[str]) -> Table:
    """Return a row for each label: of several labels none is taken for another, but each is found or missed."""
    columns = ("found", "missed", "false alarms", "rightly not given")
    rows = tuple(
        (name, *(f"{count:,}" for count in (hit, missed, alarm, rest)))
        for name, ((rest, alarm), (missed, hit)) in zip(labels, matrices, strict=True)
    )
    return Table("Test rows by label", ("label", *columns), rows, numbers(*columns))


def _frequent_confusions(matrix: NDArray[np.int64], labels: Sequence[str]) -> Table:
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    pairs = [divmod(int(index), len(labels)) for index in order if wrong.flat[index]]
    rows = tuple((labels[true], labels[predicted], f"{wrong[true, predicted]:,}") for true, predicted in pairs)
    caption = f"{len(rows)} of {np.count_nonzero(wrong):,} kinds of confusion among {len(labels)} classes"
    return Table(caption, ("true", "predicted", "rows"), rows, numbers("rows"))


def _shade(count: int, whole: int) -> int:
    return round(_SHADES * count / whole) if whole else 0


def _slices(analysis: Analysis, row: Row, slices: Sequence[Slice]) -> Part:
    scores = slice_scores(analysis, row.line, slices)
    rows = tuple((one.slice, f"{one.rows:,}", write_score(one)) for one in scores)
    worst = worst_sentence(analysis, scores)
    caption = f"{analysis.metric} with its 95% interval, for these trained models"
    found = Table(caption, ("slice", "rows", "score"), rows, {"rows": "number", "score": "whole"})
    return Part("By slice", (found, *([Paragraph(worst, "note")] if worst else [])))


def _calibration(row: Row) -> Part:
    found = line_reliability(row.line, row.line.seeds)
    each = row.line.runs[0].kind.each_prediction
    caption = (
        f"Of the predictions{each} made with a confidence, how many are right; on the dashed line it means what it "
        f"says. Expected calibration error {found.ece:.3f}, Brier score {found.brier:.3f}, log loss "
        f"{found.log_loss:.3f}."
    )
    return Part("Calibration", (Figure(_reliability_chart(found), caption),))


def _reliability_chart(found: Reliability) -> Chart:
    # The confidence in the best of k classes is at least 1/k: the empty part of the axis isn't drawn.
    low = min((one.low for one in found.bins if one.rows), default=0.0)
    x, y = x_scale(low, 1.0), y_scale(0.0, 1.0)
    total = sum(one.rows for one in found.bins)
    floor = HEIGHT - BOTTOM
    bars, points, line = [], [], []
    for one in found.bins:
        if one.confidence is None or one.accuracy is None:
            continue
        height = 60 * one.rows / total
        bars.append(Bar(x(one.low) + 1, floor - height, x(one.high) - x(one.low) - 2, height))
        at = (x(one.confidence), y(one.accuracy))
        tip = f"confidence {one.confidence:.2f}: {one.accuracy:.1%} right of {one.rows:,} predictions"
        points.append(Point(*at, tip))
        line.append(at)
    diagonal = polyline([(x(low), y(low)), (x(1.0), y(1.0))], "reference")
    return chart(
        "share of right predictions against confidence",
        bars=bars,
        lines=[diagonal, polyline(line, "sweepline")],
        points=points,
        x=x,
        y=y,
        x_label="confidence",
        y_label="share right",
        write_x=lambda value: f"{value:.1f}",
    )


def _postprocessing(row: Row) -> Iterator[Part]:
    """Yield for each step that all runs of a contender took what it set, and the numbers before and after."""
    for steps in zip(*(run.record.postprocessing for run in row.line.runs), strict=False):
        rows = tuple(
            (change.name, change.split, write_number(change.before, 4), write_number(change.after, 4))
            for change in changes(steps)
        )
        fitted = Paragraph(", ".join(dict.fromkeys(step.fitted for step in steps)))
        caption = f"What it changed{_over_seeds(row, '; means over')}"
        found = Table(caption, ("number", "split", "before", "after"), rows, numbers("before", "after"))
        yield Part(
            f"Postprocessing: {steps[0].plugin}", (fitted, found if rows else Paragraph("It changed no number."))
        )


def _training(row: Row) -> Iterator[Part]:
    """Yield the curve of the losses, for a contender that keeps one."""
    histories = [history for run in row.line.runs if (history := _history(run))]
    if not histories:
        return
    steps = [[(entry["step"], entry["loss"]) for entry in history if "loss" in entry] for history in histories]
    epochs = [[entry for entry in history if "validation_loss" in entry] for history in histories]
    everything = [loss for curve in steps for _, loss in curve]
    everything += [entry["validation_loss"] for curve in epochs for entry in curve]
    last = max(entry["step"] for history in histories for entry in history)
    # A few steps of a wild loss would flatten the rest; they are drawn at the edge.
    x, y = x_scale(0, last), y_scale(0.0, float(np.quantile(everything, 0.99)))
    lines = [polyline([(x(step), y(loss)) for step, loss in curve], "trainline") for curve in steps if curve]
    lines += [polyline([(x(e["step"]), y(e["validation_loss"])) for e in curve], "sweepline") for curve in epochs]
    points = [
        Point(
            x(entry["step"]),
            y(entry["validation_loss"]),
            f"epoch {entry['epoch']}: "
            + ", ".join(f"{name.replace('_', ' ')} {entry[name]:.3f}" for name in _AT_EPOCHS if name in entry),
        )
        for curve in epochs
        for entry in curve
    ]
    drawing = chart(
        "loss by training step",
        lines=lines,
        points=points,
        x=x,
        y=y,
        x_label="step",
        y_label="loss",
        write_x=lambda v: f"{v:,.0f}",
    )
    each = "" if len(histories) == 1 else ", a line for each seed"
    caption = f"Training loss (thin) and validation loss at the end of each epoch (points){each}."
    yield Part("Training", (Figure(drawing, caption),))


def _tokenization(row: Row) -> Iterator[Part]:
    """Yield how texts were read, and how many were truncated."""
    if read := tokenization_sentences(row.line.runs[0].record):
        yield Part("Tokenization", (Paragraph(read),))


def _history(run: StoredRun) -> list[dict[str, Any]]:
    path = run.directory / HISTORY_FILE
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def _over_seeds(row: Row, words: str) -> str:
    return "" if len(row.line.seeds) == 1 else f"{words} {len(row.line.seeds)} seeds"

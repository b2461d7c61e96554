"""The details of one contender: scores by class, confusions, calibration, slices and training curves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.records.schema import HISTORY_FILE
from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.page.drawing import BOTTOM, HEIGHT, Scale, chart, point, polyline, x_scale, y_scale
from textclf_core.reports.page.markup import Html, tag
from textclf_core.reports.page.tables import framed, number, table
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


def contender_panel(analysis: Analysis, row: Row, slices: Sequence[Slice]) -> Html:
    """Return what is known of a contender on test, over the seeds of the comparison."""
    return tag(
        "div",
        _class_scores(analysis, row),
        _confusion(analysis, row),
        *([_slices(analysis, row, slices)] if slices else []),
        _calibration(analysis, row),
        *_postprocessing(row),
        *_training(row),
        *_tokenization(row),
        class_="grid2",
    )


def _class_scores(analysis: Analysis, row: Row) -> Html:
    rows = [
        tag(
            "tr",
            tag("th", of_class.label, scope="row"),
            *(number(write_number(value, 3)) for value in (of_class.precision, of_class.recall, of_class.f1)),
            number(f"{of_class.support:,}"),
        )
        for of_class in line_class_scores(row.line, row.line.seeds)
    ]
    seeds = "" if len(row.line.seeds) == 1 else f", means over {len(row.line.seeds)} seeds"
    columns = ("precision", "recall", "F1", row.line.runs[0].kind.class_rows)
    return _part("By class", table(f"Scores on test{seeds}", ("class", *columns), rows, numbers=columns))


def _confusion(analysis: Analysis, row: Row) -> Html:
    matrix, labels = line_confusion(row.line, row.line.seeds), analysis.data.label_names
    seeds = "" if len(row.line.seeds) == 1 else f", summed over {len(row.line.seeds)} seeds"
    if row.line.runs[0].kind.independent_labels:
        return _part(f"Found and missed{seeds}", _yes_and_no(matrix, labels))
    if len(labels) > _LARGEST_MATRIX:
        return _part(f"Most frequent confusions{seeds}", _frequent_confusions(matrix, labels))
    head = tag(
        "tr", tag("td", "true ↓ predicted →", class_="corner"), *(tag("th", name, scope="col") for name in labels)
    )
    body = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            *(
                tag(
                    "td",
                    f"{count:,}",
                    tag("small", f"{count / max(1, of_class.sum()):.0%}"),
                    class_=f"{'right' if true == predicted else 'wrong'} shade{_shade(count, of_class.sum())}",
                )
                for predicted, count in enumerate(of_class)
            ),
        )
        for true, (name, of_class) in enumerate(zip(labels, matrix, strict=True))
    ]
    begins = row.line.runs[0].kind.matrix_row
    caption = f"{begins} row is a true class, a column what was predicted{seeds}; percent of the row"
    return _part("Confusion matrix", framed(caption, head, body, class_="confusion"))


def _yes_and_no(matrices: NDArray[np.int64], labels: Sequence[str]) -> Html:
    """Return a row for each label: of several labels none is taken for another, but each is found or missed."""
    numbers = ("found", "missed", "false alarms", "rightly not given")
    rows = [
        tag("tr", tag("th", name, scope="row"), *(number(f"{count:,}") for count in (hit, missed, alarm, rest)))
        for name, ((rest, alarm), (missed, hit)) in zip(labels, matrices, strict=True)
    ]
    return table("Test rows by label", ("label", *numbers), rows, numbers=numbers)


def _frequent_confusions(matrix: NDArray[np.int64], labels: Sequence[str]) -> Html:
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    pairs = [divmod(int(index), len(labels)) for index in order if wrong.flat[index]]
    rows = [
        tag("tr", tag("td", labels[true]), tag("td", labels[predicted]), number(f"{wrong[true, predicted]:,}"))
        for true, predicted in pairs
    ]
    caption = f"{len(rows)} of {np.count_nonzero(wrong):,} kinds of confusion among {len(labels)} classes"
    return table(caption, ("true", "predicted", "rows"), rows, numbers=("rows",))


def _shade(count: int, whole: int) -> int:
    return round(_SHADES * count / whole) if whole else 0


def _slices(analysis: Analysis, row: Row, slices: Sequence[Slice]) -> Html:
    scores = slice_scores(analysis, row.line, slices)
    rows = [
        tag(
            "tr",
            tag("th", one.slice, scope="row"),
            number(f"{one.rows:,}"),
            tag("td", write_score(one), class_="whole"),
        )
        for one in scores
    ]
    worst = worst_sentence(analysis, scores)
    caption = f"{analysis.metric} with its 95% interval, for these trained models"
    found = table(caption, ("slice", "rows", "score"), rows, numbers=("rows",))
    return _part("By slice", found, *([tag("p", worst, class_="note")] if worst else []))


def _calibration(analysis: Analysis, row: Row) -> Html:
    found = line_reliability(row.line, row.line.seeds)
    each = row.line.runs[0].kind.each_prediction
    caption = (
        f"Of the predictions{each} made with a confidence, how many are right; on the dashed line it means what it "
        f"says. Expected calibration error {found.ece:.3f}, Brier score {found.brier:.3f}, log loss "
        f"{found.log_loss:.3f}."
    )
    return _part("Calibration", tag("figure", _reliability_chart(found), tag("figcaption", caption)))


def _reliability_chart(found: Reliability) -> Html:
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
        bars.append(
            tag(
                "rect",
                x=x(one.low) + 1,
                width=x(one.high) - x(one.low) - 2,
                y=floor - height,
                height=height,
                class_="bar",
            )
        )
        at = (x(one.confidence), y(one.accuracy))
        tip = f"confidence {one.confidence:.2f}: {one.accuracy:.1%} right of {one.rows:,} predictions"
        points.append(point(*at, tip))
        line.append(at)
    diagonal = polyline([(x(low), y(low)), (x(1.0), y(1.0))], "reference")
    return chart(
        "share of right predictions against confidence",
        [*bars, diagonal, polyline(line, "sweepline"), *points],
        x=x,
        y=y,
        x_label="confidence",
        y_label="share right",
        write_x=lambda value: f"{value:.1f}",
    )


def _postprocessing(row: Row) -> Iterator[Html]:
    """Yield for each step that all runs of a contender took what it set, and the numbers before and after."""
    runs = [run.record.postprocessing for run in row.line.runs]
    for steps in zip(*runs, strict=False):
        rows = [
            tag(
                "tr",
                tag("th", change.name, scope="row"),
                tag("td", change.split),
                number(write_number(change.before, 4)),
                number(write_number(change.after, 4)),
            )
            for change in changes(steps)
        ]
        seeds = "" if len(runs) == 1 else f"; means over {len(runs)} seeds"
        fitted = tag("p", ", ".join(dict.fromkeys(step.fitted for step in steps)))
        found = table(
            f"What it changed{seeds}", ("number", "split", "before", "after"), rows, numbers=("before", "after")
        )
        yield _part(f"Postprocessing: {steps[0].plugin}", fitted, found if rows else tag("p", "It changed no number."))


def _training(row: Row) -> Iterator[Html]:
    """Yield the curve of the losses, for a contender that keeps one."""
    histories = [history for run in row.line.runs if (history := _history(run))]
    if not histories:
        return
    steps = [[(entry["step"], entry["loss"]) for entry in history if "loss" in entry] for history in histories]
    epochs = [[entry for entry in history if "validation_loss" in entry] for history in histories]
    everything = [loss for curve in steps for _, loss in curve]
    everything += [entry["validation_loss"] for curve in epochs for entry in curve]
    last = max(entry["step"] for history in histories for entry in history)
    x, y = x_scale(0, last), _loss_scale(everything)
    lines = [polyline([(x(step), y(loss)) for step, loss in curve], "trainline") for curve in steps if curve]
    lines += [polyline([(x(e["step"]), y(e["validation_loss"])) for e in curve], "sweepline") for curve in epochs]
    points = [
        point(
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
        [*lines, *points],
        x=x,
        y=y,
        x_label="step",
        y_label="loss",
        write_x=lambda v: f"{v:,.0f}",
    )
    each = "" if len(histories) == 1 else ", a line for each seed"
    caption = f"Training loss (thin) and validation loss at the end of each epoch (points){each}."
    yield _part("Training", tag("figure", drawing, tag("figcaption", caption)))


def _tokenization(row: Row) -> Iterator[Html]:
    """Yield how texts were read, and how many were truncated."""
    if read := tokenization_sentences(row.line.runs[0].record):
        yield _part("Tokenization", tag("p", read))


def _loss_scale(losses: Sequence[float]) -> Scale:
    # A few steps of a wild loss would flatten the rest; they are drawn at the edge.
    return y_scale(0.0, float(np.quantile(losses, 0.99)))


def _history(run: StoredRun) -> list[dict[str, Any]]:
    path = run.directory / HISTORY_FILE
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def _part(heading: str, *content: str) -> Html:
    return tag("div", tag("h4", heading), *content, class_="part")

"""The details of one contender: scores by class, confusions, calibration, slices and training curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.page.svg import figure_svg
from textclf_core.reports.page.tables import Matrix, Paragraph, Part, Table, numbers
from textclf_core.reports.plots.models import learning_chart, reliability_chart
from textclf_core.reports.postprocessed import changes
from textclf_core.reports.quality import line_class_scores, line_confusion
from textclf_core.reports.rounding import write_number
from textclf_core.reports.slices import Slice, slice_scores, worst_sentence, write_score
from textclf_core.reports.summary import tokenization_sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGEST_MATRIX = 15
_MOST_CONFUSIONS = 20
_SHADES = 8


def contender_parts(analysis: Analysis, row: Row, slices: Sequence[Slice]) -> tuple[Part, ...]:
    """Return the details of a contender on test: scores, confusions, calibration, training curves."""
    return (
        _class_scores(row),
        _confusion(analysis, row),
        *([_slices(analysis, row, slices)] if slices else []),
        Part("Calibration", (figure_svg(reliability_chart([row])),)),
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


def _postprocessing(row: Row) -> Iterator[Part]:
    """Yield a table for each postprocessing step of a contender: fitted values, and the metrics before and after."""
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
    if (curves := learning_chart([row])) is not None:
        yield Part("Training", (figure_svg(curves),))


def _tokenization(row: Row) -> Iterator[Part]:
    """Yield how texts were read, and how many were truncated."""
    if read := tokenization_sentences(row.line.runs[0].record):
        yield Part("Tokenization", (Paragraph(read),))


def _over_seeds(row: Row, words: str) -> str:
    return "" if len(row.line.seeds) == 1 else f"{words} {len(row.line.seeds)} seeds"

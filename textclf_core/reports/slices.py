"""Scores on slices of the test set: by length, by a column of the data, or by a condition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.errors import UsageError
from textclf_core.records.predictions import OWN_COLUMNS
from textclf_core.reports.analysis import Analysis
from textclf_core.reports.expressions import rows_where
from textclf_core.reports.outcomes import labels_of, model_of, scored_rows
from textclf_core.reports.rounding import places, write_interval, write_number
from textclf_core.reports.stored import ContenderRuns, StoredRun
from textclf_core.statistics.bootstrap import bca_interval, resampled_scores
from textclf_core.statistics.draws import Draws
from textclf_core.statistics.models import SummedModel
from textclf_core.statistics.variance import centred
from textclf_core.types.metric import ScoredRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH = "length"
"""The name of a virtual column with the number of words of a row's texts, unless the data have such a column."""

SMALLEST_SLICE = 30
"""The smallest number of rows with which a slice can be reported as the worst."""

_MOST_VALUES = 12
_RESAMPLES = 2000


@dataclass(frozen=True)
class Slice:
    """A slice of the test set: its name, and whether each row belongs to it, bool, shape (rows,)."""

    name: str
    rows: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class SliceScore:
    """A contender's score on a slice.

    Attributes:
        label: the label of the contender.
        slice: the name of the slice.
        rows: the number of test examples in it.
        score: the metric on them, as a mean over seeds; ``None`` for an empty slice, or where it isn't defined.
        low: the lower end of the 95% bootstrap interval over the slice's examples, for these trained models; ``None``
            too for a metric that isn't a function of sums over rows, which takes too long to compute so often.
        high: the upper end of the interval.
    """

    label: str
    slice: str
    rows: int
    score: float | None
    low: float | None
    high: float | None


def slices_of(analysis: Analysis, wanted: Sequence[str]) -> tuple[Slice, ...]:
    """Return the requested slices.

    Args:
        analysis: the comparison.
        wanted: each is ``length`` (quartiles), a column (one slice per value), or a condition for
            :func:`~textclf_core.reports.expressions.rows_where`.

    Raises:
        UsageError: a column has too many values, a condition can't be parsed, or each seed has its own test rows.
    """
    if wanted and analysis.data.own_tests:
        raise UsageError(
            f"--slice {wanted[0]}: each seed has its own test rows (--vary data=all), so that a slice has other rows "
            "at each. Slices need a comparison on one test split, by --vary seed or data."
        )
    run = analysis.rows[0].line.runs[0]
    columns = _columns(run)
    found: list[Slice] = []
    for text in wanted:
        name = text.strip()
        if name == LENGTH and name not in run.test.column_names:
            found += _by_length(columns[LENGTH])
        elif name in columns:
            found += _by_value(name, columns[name])
        else:
            found.append(Slice(name, np.array(rows_where(name, columns), dtype=np.bool_)))
    return tuple(found)


def usual_slices(analysis: Analysis) -> tuple[Slice, ...]:
    """Return the default slices: the quartiles of length, and the values of columns with few values.

    None where each seed has its own test rows.
    """
    if analysis.data.own_tests:
        return ()
    run = analysis.rows[0].line.runs[0]
    columns = _columns(run)
    found: list[Slice] = []
    for name, values in columns.items():
        if name == LENGTH and name not in run.test.column_names:
            found += _by_length(values)
        elif name not in (*OWN_COLUMNS, *run.record.data.text_columns) and 1 < len(_distinct(values)) <= _MOST_VALUES:
            found += _by_value(name, values)
    return tuple(found)


def slice_scores(
    analysis: Analysis, contender: ContenderRuns, slices: Sequence[Slice], *, seed: int = 0
) -> tuple[SliceScore, ...]:
    """Return a contender's score on each slice, with its interval.

    Args:
        analysis: the comparison, whose metric is used.
        contender: the contender's runs.
        slices: the slices of the test set.
        seed: the seed of the bootstrap's resamples.
    """
    labels, scored = labels_of(contender.runs[0]), [scored_rows(run) for run in contender.runs]
    return tuple(_score(analysis, contender.label, scored, labels, one, seed) for one in slices)


def worst_slice(analysis: Analysis, scores: Sequence[SliceScore]) -> SliceScore | None:
    """Return the slice with the worst score among those with at least 30 rows; ``None`` if there are none."""
    known = [(analysis.oriented(one.score), one.slice, one) for one in scores if one.score is not None]
    large = [one for one in known if one[2].rows >= SMALLEST_SLICE]
    return min(large, key=lambda one: one[:2])[2] if large else None


def worst_sentence(analysis: Analysis, scores: Sequence[SliceScore]) -> str | None:
    """Return a sentence on the worst slice; ``None`` if no slice has enough rows."""
    worst = worst_slice(analysis, scores)
    if worst is None:
        return None
    return (
        f"Worst slice of {worst.label}: {worst.slice}, {analysis.metric} {write_score(worst)} on {worst.rows:,} test "
        f"examples. It is the worst of {len(scores)}: among many slices, some have a bad score by chance."
    )


def write_score(one: SliceScore) -> str:
    """Return a slice's score and interval, rounded accordingly: ``0.71 [0.65, 0.77]``."""
    if one.score is None:
        return "-"
    if one.low is None or one.high is None:
        return write_number(one.score, 3)
    number = write_number(one.score, places((one.high - one.low) / 2))
    return f"{number} {write_interval(one.low, one.high)}"


def _columns(run: StoredRun) -> dict[str, list[Any]]:
    """Return the columns for slices: the stored columns except the scores, and the length."""
    table = run.test
    lengths = [
        sum(count_words(text) for text in row)
        for row in zip(*(table[name].to_pylist() for name in run.record.data.text_columns), strict=True)
    ]
    stored = {name: table[name].to_pylist() for name in table.column_names if name != "scores"}
    return {LENGTH: lengths} | stored


def count_words(text: str | Sequence[str] | None) -> int:
    """Return the number of words in a text (separated by white space) or in a list of words."""
    return len(text.split() if isinstance(text, str) else text or ())


def _by_length(lengths: Sequence[int]) -> list[Slice]:
    values = np.asarray(lengths)
    # If many rows have the same length, quartiles coincide and there are fewer slices.
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75, 1.0], method="inverted_cdf"))
    index = np.searchsorted(edges, values, side="left")
    slices = []
    for quartile in np.unique(index):
        rows = index == quartile
        shortest, longest = values[rows].min(), values[rows].max()
        words = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        slices.append(Slice(f"length {words} {'word' if words == '1' else 'words'}", rows))
    return slices


def _by_value(name: str, values: Sequence[Any]) -> list[Slice]:
    distinct = _distinct(values)
    if len(distinct) > _MOST_VALUES:
        raise UsageError(
            f"--slice {name}: this column has {len(distinct):,} different values; at most {_MOST_VALUES} are possible. "
            f'Write a condition, such as "{name} == {distinct[0]!r}".'
        )
    return [
        Slice(f"{name} {'missing' if value is None else value}", np.array([one == value for one in values]))
        for value in distinct
    ]


def _distinct(values: Sequence[Any]) -> list[Any]:
    """Return the distinct values: numbers in ascending order, then others sorted as text, a missing one last."""

    def place(value: Any) -> tuple[int, float, str]:
        if isinstance(value, int | float):
            return 0, value, ""
        return (2, 0, "") if value is None else (1, 0, str(value))

    # By their representation, since lists aren't hashable.
    return sorted({repr(value): value for value in values}.values(), key=place)


def _score(
    analysis: Analysis,
    label: str,
    scored: Sequence[ScoredRows],
    labels: NDArray[np.int64] | None,
    one: Slice,
    seed: int,
) -> SliceScore:
    chosen = np.flatnonzero(one.rows)
    rows = len(chosen)
    models = [model_of(analysis.measured, of_seed.take(chosen)) for of_seed in scored] if rows else []
    estimate = float(np.mean([model.score for model in models])) if rows else math.nan
    if math.isnan(estimate):
        return SliceScore(label=label, slice=one.name, rows=rows, score=None, low=None, high=None)
    low = high = None
    if all(isinstance(model, SummedModel) for model in models):
        draws = Draws(rows, labels=None if labels is None else labels[one.rows])
        rng = np.random.default_rng(seed)
        replicates = resampled_scores(models, draws, resamples=_RESAMPLES, rng=rng).mean(axis=0)
        influences = np.mean([model.influences(draws) for model in models], axis=0)
        interval = bca_interval(estimate, replicates, centred(influences, draws.strata), level=0.95)
        low, high = interval.low, interval.high
    return SliceScore(label=label, slice=one.name, rows=rows, score=estimate, low=low, high=high)

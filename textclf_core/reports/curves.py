"""Learning curves over the amount of training data, and the sizes where they cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from textclf_core.reports.analysis import Analysis, statistic
from textclf_core.reports.outcomes import outcomes_of, references_of
from textclf_core.reports.stored import ContenderRuns
from textclf_core.statistics.crossing import Crossing, crossing
from textclf_core.types.data import SplitRecord


@dataclass(frozen=True)
class CurvePoint:
    """A contender at one size of train: the number of examples, the mean score over seeds and its interval."""

    train_rows: int
    score: float
    low: float
    high: float


@dataclass(frozen=True)
class LearningCurves:
    """The contenders' learning curves on one test split, and their crossings.

    Each crossing is a tuple: the contender that is better below it, the one that is better above it, and the crossing.
    """

    metric: str
    points: dict[str, tuple[CurvePoint, ...]]
    crossings: tuple[tuple[str, str, Crossing], ...]

    def sentences(self) -> list[str]:
        """Return one sentence per established crossing, with the contenders to use below and above it."""
        established = [one for one in self.crossings if one[2].is_established]
        advice = [
            f"Below about {_rows(found.rows)} training examples use {below}, above it {above} "
            f"({100 * found.interval.level:g}% interval {_end(found.interval.low)} to {_end(found.interval.high)} "
            f"examples; the curves cross in {100 * found.share:.0f}% of the resamples)."
            for below, above, found in established
        ]
        if len(established) < len(self.crossings):
            below, above, nearest = max(
                (one for one in self.crossings if one not in established), key=lambda one: one[2].share
            )
            advice.append(
                f"{'No' if not established else 'No other'} crossing is established; the nearest to it is that of "
                f"{below} and {above}, in {100 * nearest.share:.0f}% of the resamples."
            )
        return advice or ["No two contenders' curves cross."]


def learning_curves(analyses: Sequence[Analysis]) -> tuple[LearningCurves, ...]:
    """Return the learning curves for each test split with analyses at two or more sizes of train."""
    by_test: dict[tuple[str, str], list[Analysis]] = {}
    for analysis in analyses:
        by_test.setdefault((_split(analysis, "test").sha256, analysis.vary), []).append(analysis)
    return tuple(_curves(group) for group in by_test.values() if len({_train_rows(one) for one in group}) > 1)


def _curves(analyses: Sequence[Analysis]) -> LearningCurves:
    ordered = sorted(analyses, key=_train_rows)
    points: dict[str, list[CurvePoint]] = {}
    contenders: dict[str, dict[int, ContenderRuns]] = {}
    for analysis in ordered:
        for row in analysis.rows:
            point = CurvePoint(_train_rows(analysis), row.score, row.low, row.high)
            points.setdefault(row.line.label, []).append(point)
            contenders.setdefault(row.line.label, {})[point.train_rows] = row.line
    first = ordered[0].rows[0].line
    metric = statistic(ordered[0].metric, [first])
    references = references_of(first.runs[0], metric)
    crossings = []
    for one, other in combinations(contenders, 2):
        if len(contenders[one].keys() & contenders[other].keys()) < 2:
            continue
        first_curve, second_curve = (
            {size: outcomes_of(runs, metric, runs.seeds) for size, runs in contenders[label].items()}
            for label in (one, other)
        )
        found = crossing(references, first_curve, second_curve, metric)
        if found is not None:
            below, above = (one, other) if found.below == 0 else (other, one)
            crossings.append((below, above, found))
    return LearningCurves(
        ordered[0].metric, {label: tuple(of_label) for label, of_label in points.items()}, tuple(crossings)
    )


def _split(analysis: Analysis, name: str) -> SplitRecord:
    return next(split for split in analysis.data.splits if split.name == name)


def _train_rows(analysis: Analysis) -> int:
    return _split(analysis, "train").rows


def _rows(count: float) -> str:
    """Return a number of examples rounded to two significant digits, since it isn't known more precisely."""
    return f"{float(f'{count:.2g}'):,.0f}"


def _end(count: float) -> str:
    if count == 0:
        return "fewer than were run"
    return "more than were run" if count == float("inf") else _rows(count)

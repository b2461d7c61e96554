"""Learning curves over the amount of training data: fitted ones, and the sizes where they cross."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from textclf_core.reports.analysis import Analysis
from textclf_core.reports.formatting import format_table, prose
from textclf_core.reports.outcomes import clusters_of, labels_of, models_of
from textclf_core.reports.rounding import places, write_number, write_significant
from textclf_core.reports.stored import ContenderRuns, StoredRun
from textclf_core.statistics import Model, joint_error
from textclf_core.statistics.crossing import Crossing, crossing
from textclf_core.statistics.learning_curve import FEWEST_SIZES, Estimate, FittedCurve, fit_curve
from textclf_core.types.data import SplitRecord

MORE = 1000
"""A report says what so many more labels would buy."""

# In tolerances: scores that lie so far from the curve don't follow it.
_MISFIT = 2


@dataclass(frozen=True)
class CurvePoint:
    """A contender at one size of train: the number of examples, the mean score over seeds and its interval."""

    train_rows: int
    score: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class LearningCurves:
    """The contenders' learning curves on one test split.

    Attributes:
        test: the SHA-256 of the test split.
        source: the origin of the data.
        vary: what varies over the seeds, as in the analyses.
        metric: the metric.
        tolerance: the loss that is accepted, in the metric's units.
        points: the scores of each contender, by its label, the smallest size first.
        crossings: the contender that is better below a crossing, the one that is better above it, and the crossing.
        fits: the fitted curve of each contender with enough sizes, by its label.
        recommended: the label of the contender that is recommended at the largest size.
        price: of labelling ``MORE`` texts; ``None`` without prices.
    """

    test: str
    source: str
    vary: str
    metric: str
    tolerance: float
    points: Mapping[str, tuple[CurvePoint, ...]]
    crossings: tuple[tuple[str, str, Crossing], ...]
    fits: Mapping[str, FittedCurve]
    recommended: str
    price: float | None

    def sentences(self) -> list[str]:
        """Return what the curves say: what to use below and above each established crossing, what more labels buy."""
        return [*self._crossing_sentences(), *self._fit_sentences()]

    def _crossing_sentences(self) -> list[str]:
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

    def _fit_sentences(self) -> list[str]:
        most = max(len(points) for points in self.points.values())
        if not self.fits and most >= FEWEST_SIZES:
            return [f"What more labels would buy isn't estimated, since {self.metric} has no best value."]
        if not self.fits:
            return [
                f"What more labels would buy isn't estimated: a fitted curve needs {FEWEST_SIZES} sizes of train, and "
                f"these are {most}."
            ]
        label = self.recommended if self.recommended in self.fits else next(iter(self.fits))
        fit = self.fits[label]
        gain, size = fit.gain(MORE), fit.largest + MORE
        cost = "" if self.price is None else f", at a price of {write_significant(self.price, 3)}"
        sentences = [
            f"By its fitted curve, {MORE:,} more labels ({size:,} training examples{cost}) add {_write(gain)} to the "
            f"{self.metric} of {label} on average ({100 * gain.interval.level:g}% interval "
            f"{' to '.join(_ends(gain))})."
        ]
        if fit.is_far(size):
            sentences.append(
                f"That is more than twice the {fit.largest:,} examples that were run, so the assumed form of the curve "
                "decides: run a larger size before you rely on it."
            )
        if misfits := [name for name, one in self.fits.items() if one.misfit > _MISFIT * self.tolerance]:
            sentences.append(
                f"The scores of {', '.join(misfits)} don't follow a curve that rises ever more slowly, so their bands "
                "are wide and rest on little."
            )
        if short := [name for name in self.points if name not in self.fits]:
            sentences.append(f"Without a fitted curve, which needs {FEWEST_SIZES} sizes: {', '.join(short)}.")
        return sentences

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings of the table of fitted curves."""
        return ("contender", "examples", "score", "interval", f"with {MORE:,} more", "interval", "gain", "interval")

    @property
    def caption(self) -> str:
        """What the table of fitted curves shows."""
        return (
            f"Fitted learning curves: {self.metric} from one training sample of the largest size and of {MORE:,} more, "
            "and the gain on average over samples, with 95% intervals."
        )

    def cells(self) -> list[tuple[str, ...]]:
        """Return the cells of the table of fitted curves, a row per contender."""
        return [
            (
                label,
                f"{fit.largest:,}",
                *(
                    text
                    for one in (fit.score(fit.largest), fit.score(fit.largest + MORE), fit.gain(MORE))
                    for text in (_write(one), f"[{', '.join(_ends(one))}]")
                ),
            )
            for label, fit in self.fits.items()
        ]

    def include(self, analysis: Analysis) -> bool:
        """Return whether an analysis is that of one of their sizes of train."""
        own = self.test, self.source, self.vary
        return own == (test_of(analysis).sha256, analysis.data.source, analysis.vary)

    def text(self, format: str = "simple") -> str:
        """Return the sentences, with the table of fitted curves if there are any."""
        if not self.fits:
            return prose(self.sentences(), format)
        align = ["left", "right", *["decimal", "left"] * 3]
        table = format_table(self.headings, self.cells(), format, align)
        parts = [prose(self._crossing_sentences(), format), prose([self.caption], format), table]
        return "\n\n".join([*parts, prose(self._fit_sentences(), format)])

    def json(self) -> dict[str, Any]:
        """Return the curves as JSON values, unrounded; infinite ends of a crossing's interval are ``None``."""
        return {
            "metric": self.metric,
            "sentences": self.sentences(),
            "contenders": [
                {
                    "contender": label,
                    "points": [asdict(point) for point in points],
                    "fitted": _fit_json(self.fits[label]) if label in self.fits else None,
                }
                for label, points in self.points.items()
            ],
            "crossings": [
                {
                    "below": below,
                    "above": above,
                    "rows": found.rows,
                    "low": found.interval.low or None,
                    "high": found.interval.high if found.interval.high < float("inf") else None,
                    "share": found.share,
                    "established": found.is_established,
                }
                for below, above, found in self.crossings
            ],
        }


def learning_curves(analyses: Sequence[Analysis]) -> tuple[LearningCurves, ...]:
    """Return the learning curves for each data set with analyses at two or more sizes of train on one test split.

    Where each seed has its own test rows there are none, since the sizes of a curve share their test rows.
    """
    groups: dict[tuple[str, str, str], list[Analysis]] = {}
    for analysis in (one for one in analyses if not one.data.own_tests):
        # Data sets with the same test split have other rows to train on.
        groups.setdefault((test_of(analysis).sha256, analysis.data.source, analysis.vary), []).append(analysis)
    return tuple(_curves(group) for group in groups.values() if len({_train_rows(one) for one in group}) > 1)


def _curves(analyses: Sequence[Analysis]) -> LearningCurves:
    ordered = sorted(analyses, key=_train_rows)
    points: dict[str, dict[int, CurvePoint]] = {}
    contenders: dict[str, dict[int, ContenderRuns]] = {}
    for analysis in ordered:
        for row in analysis.rows:
            point = CurvePoint(_train_rows(analysis), row.score, row.low, row.high)
            points.setdefault(row.line.label, {})[point.train_rows] = point
            contenders.setdefault(row.line.label, {})[point.train_rows] = row.line
    largest = ordered[-1]
    measured, run = largest.measured, largest.rows[0].line.runs[0]
    labels = labels_of(run)
    models = {
        label: {size: models_of(runs, measured) for size, runs in own.items()} for label, own in contenders.items()
    }
    crossings = []
    for one, other in combinations(contenders, 2):
        if len(contenders[one].keys() & contenders[other].keys()) < 2:
            continue
        found = crossing(models[one], models[other], measured.info, labels=labels)
        if found is not None:
            below, above = (one, other) if found.below == 0 else (other, one)
            crossings.append((below, above, found))
    return LearningCurves(
        test=test_of(largest).sha256,
        source=largest.data.source,
        vary=largest.vary,
        metric=largest.metric,
        tolerance=largest.tolerance,
        points={label: tuple(by_size.values()) for label, by_size in points.items()},
        crossings=tuple(crossings),
        fits={
            label: _fit(of_label, largest, run)
            for label, of_label in models.items()
            if len(of_label) >= FEWEST_SIZES and math.isfinite(measured.info.best)
        },
        recommended=next(row.line.label for row in largest.rows if row.recommended),
        price=prices.per_label * MORE if (prices := largest.criteria.prices) and prices.per_label else None,
    )


def _fit(models: Mapping[int, Sequence[Model]], analysis: Analysis, run: StoredRun) -> FittedCurve:
    metric = analysis.measured.info
    error = joint_error(
        {str(size): of_size for size, of_size in models.items()},
        metric,
        labels=labels_of(run) if test_of(analysis).origin == "held out from train" else None,
        clusters=clusters_of(run, analysis.cluster),
    )
    return fit_curve(list(models), error, metric, tolerance=analysis.tolerance)


def _fit_json(fit: FittedCurve) -> dict[str, Any]:
    more = fit.largest + MORE
    estimates = {"now": fit.score(fit.largest), "with_more": fit.score(more), "gain": fit.gain(MORE)}
    return {
        "train_rows": fit.largest,
        "more": MORE,
        "extrapolated_far": fit.is_far(more),
        "misfit": fit.misfit,
        **{
            name: {"value": one.value, "low": one.interval.low, "high": one.interval.high}
            for name, one in estimates.items()
        },
    }


def _write(estimate: Estimate) -> str:
    return write_number(estimate.value, _places(estimate))


def _ends(estimate: Estimate) -> tuple[str, str]:
    low, high = (write_number(end, _places(estimate)) for end in (estimate.interval.low, estimate.interval.high))
    return low, high


def _places(estimate: Estimate) -> int:
    return places((estimate.interval.high - estimate.interval.low) / 2)


def test_of(analysis: Analysis) -> SplitRecord:
    """Return the test split of an analysis."""
    return _split(analysis, "test")


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

"""The results of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textclf_core.statistics.bootstrap import Interval
from textclf_core.statistics.expected_loss import Loss
from textclf_core.statistics.from_best import Needed
from textclf_core.statistics.variance import StandardError
from textclf_core.types.metric import MetricInfo

Verdict = Literal["best", "as good", "worse", "undecided"]
"""What is shown of a contender.

``best``: better than all others. ``as good``: worse than the best by no more than the tolerance. ``worse``: worse than
the best. ``undecided``: none of these is shown. All verdicts of a comparison hold at once, but with probability alpha.
"""
Subject = Literal["strategies", "trained models"]
Method = Literal["exact McNemar", "approximate randomisation", "crossed t", "corrected resampled t"]


@dataclass(frozen=True)
class Difference:
    """The difference between two contenders.

    Attributes:
        value: the first contender's mean metric minus the second's.
        interval: the interval for new examples and, if both ran with at least two seeds, new seeds; not longer than the
            metric's range.
            Among a comparison's pairs it is adjusted for their number, as the p-values are. Its length is 0 if the
            contenders differ equally on all examples; such examples don't show how others would vary.
        standard_error: the standard error of ``value``.
        subject: what the result is about: the trained models if one of them has one seed, else the strategies.
    """

    value: float
    interval: Interval
    standard_error: StandardError
    subject: Subject


@dataclass(frozen=True)
class PairedTest:
    """The test of two contenders on the same rows.

    Attributes:
        first: the name of the first contender.
        second: the name of the second contender.
        difference: the first contender's metric minus the second's.
        method: for two models McNemar's test if the metric is a share of rows, approximate randomisation if it is
            another function of sums over rows; otherwise, and if either contender has several seeds, the crossed t
            test, or the corrected resampled one if each seed has its own test rows.
        p_value: the two-sided p-value.
        adjusted_p_value: the p-value with Holm's correction over all pairs.
        detectable: the smallest true difference that this test, after the correction, would find in 80 of 100 such
            comparisons; infinite if it couldn't find any.
    """

    first: str
    second: str
    difference: Difference
    method: Method
    p_value: float
    adjusted_p_value: float
    detectable: float


@dataclass(frozen=True)
class ContenderStatistics:
    """The metric of one contender, in the metric's own sign.

    Attributes:
        name: the contender's name.
        by_seed: the metric of each seed, in the order of the predictions.
        mean: the mean over the seeds.
        standard_deviation: the sample standard deviation over the seeds; None with one seed.
        examples_interval: the interval of the mean of these trained models on new examples.
        interval: the interval of the strategy's mean on new examples and with new seeds; ``examples_interval`` with one
            seed. That of the best-looking contender allows for its having been selected.
        distance: the interval of its true score minus the best of the others'; the distances of all contenders hold at
            once. ``None`` with one contender.
        loss: by how much it is expected to be worse than the best, and the risk; ``None`` without a tolerance.
        verdict: what ``distance`` shows.
        needed: what would decide about it if the means stayed as they are; ``None`` if it is decided, or if neither
            seeds nor rows in reach would.
    """

    name: str
    by_seed: tuple[float, ...]
    mean: float
    standard_deviation: float | None
    examples_interval: Interval
    interval: Interval
    distance: Interval | None
    loss: Loss | None
    verdict: Verdict
    needed: Needed | None = None


@dataclass(frozen=True)
class Comparison:
    """The statistics of all contenders.

    Attributes:
        metric: the metric.
        alpha: the probability that any verdict is false, or any difference among the pairs; the level of the intervals
            is 1 - alpha.
        tolerance: the loss that is accepted, in the metric's units; ``None`` without one.
        examples: the number of rows in the test set.
        contenders: the statistics of each contender, in the order of the predictions.
        pairs: the test of each pair, in that order, if they were asked for.
        best: the name of the contender with the best mean.
        detectable: the smallest true difference from the best that would be shown in 80 of 100 such comparisons, as the
            median over the other contenders; ``None`` with one contender, infinite if none would.
    """

    metric: MetricInfo
    alpha: float
    tolerance: float | None
    examples: int
    contenders: tuple[ContenderStatistics, ...]
    pairs: tuple[PairedTest, ...]
    best: str
    detectable: float | None

    def contender(self, name: str) -> ContenderStatistics:
        """Return the statistics of a contender.

        Raises:
            KeyError: no contender has that name.
        """
        return {contender.name: contender for contender in self.contenders}[name]

    def pair(self, first: str, second: str) -> PairedTest:
        """Return the test of two contenders, given in either order.

        Raises:
            KeyError: a contender is unknown.
        """
        return {frozenset((pair.first, pair.second)): pair for pair in self.pairs}[frozenset((first, second))]

    def sentence(self, name: str) -> str:
        """Return a sentence with the verdict on a contender and the numbers that it is based on."""
        one = self.contender(name)
        if one.distance is None:
            sentence = f"{name} is the only contender: {self.metric.name} {one.mean:.3f} ({_between(one.interval)})."
        elif name == self.best:
            shown = "is the best" if one.verdict == "best" else f"has the {self.metric.extreme} score"
            sentence = f"{name} {shown}: {self.metric.name} {one.mean:.3f} ({_between(one.interval)})."
            if one.verdict != "best":
                sentence += f" {_no_better(one.verdict, self._behind(one.distance)[1])}"
        else:
            side = "below" if self.metric.better == "higher" else "above"
            gap = abs(self.contender(self.best).mean - one.mean)
            behind = f"{gap:.3f} {side} {self.best}, the {self.metric.extreme} score"
            low, high = self._behind(one.distance)
            truly = f"truly {max(0.0, low):.3f} to {high:.3f} {side} the best"
            meaning = {
                "as good": f"as good as the best within the tolerance of {self.tolerance:g}",
                "worse": "worse than the best",
                "undecided": "undecided",
                "best": "the best",
            }[one.verdict]
            sentence = f"{name} is {meaning}: {behind} ({truly}, at {100 * (1 - self.alpha):g}% for all contenders)."
            if one.verdict == "undecided":
                sentence += f" {_needed_sentence(one.needed)}"
        if self.of_trained_models:
            sentence += " With one seed this is about these trained models, not about the strategies."
        return sentence

    def _behind(self, distance: Interval) -> tuple[float, float]:
        """Return by how much a contender is worse than the best of the others: at least, and at most."""
        low, high = sorted(-self.metric.oriented(end) for end in (distance.low, distance.high))
        return low, high

    @property
    def of_trained_models(self) -> bool:
        """Whether a contender has one seed, so that verdicts are about trained models, not about strategies."""
        return min(len(one.by_seed) for one in self.contenders) == 1


def _needed_sentence(needed: Needed | None) -> str:
    if needed is None:
        return "Neither more seeds nor more test rows in reach would decide it."
    if needed.seeds is not None:
        return f"About {needed.seeds} seeds of each would decide it."
    return f"About {write_rough(needed.rows or 0)} test rows would decide it."


def write_rough(count: int) -> str:
    """Return a count with two significant digits: ``12,000`` for 11,532."""
    digits = max(0, len(str(count)) - 2)
    return f"{round(count, -digits):,}"


def _no_better(verdict: Verdict, most: float) -> str:
    if verdict == "as good":
        return f"None of the others is better by more than {most:.3f}."
    return f"Another may be better by up to {most:.3f}."


def _between(interval: Interval) -> str:
    if interval.low == interval.high:
        return "no interval: these test examples show no variation"
    return f"{100 * interval.level:g}% interval {interval.low:.3f} to {interval.high:.3f}"

"""What a comparison finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from textclf_core.statistics.bootstrap import Interval
from textclf_core.statistics.metrics import Metric
from textclf_core.statistics.variance import StandardError

Verdict = Literal["best", "not distinguishable from the best", "worse"]
Subject = Literal["strategies", "trained models"]
Method = Literal["exact McNemar", "approximate randomisation", "crossed t"]


@dataclass(frozen=True)
class Difference:
    """How far apart two contenders are.

    Attributes:
        value: the first's mean metric less the second's.
        interval: for new examples and, where both ran with two seeds or more, new seeds; never beyond -1 and 1, the
            most that two scores can differ by. Not adjusted for the number of comparisons. Of length 0 where the
            contenders differ alike on all examples of a label, which tells nothing of how others would be.
        standard_error: of the value.
        subject: what it speaks of: with one seed, of the trained models; else, of the strategies.
    """

    value: float
    interval: Interval
    standard_error: StandardError
    subject: Subject


@dataclass(frozen=True)
class PairedTest:
    """Two contenders, tested on the same rows.

    Attributes:
        first: the name of one.
        second: the name of the other.
        difference: the first's metric less the second's.
        method: McNemar's test for the accuracy of two models, approximate randomisation for their F1, and the crossed
            t test where either contender has several seeds.
        p_value: two-sided.
        adjusted_p_value: by Holm, over all pairs.
        detectable: the smallest true difference that this test, corrected, would find in 80 of 100 such comparisons;
            infinite where it would find none that there can be.
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
    """One contender's metric.

    Attributes:
        name: as it was given.
        by_seed: the metric at each seed, in the order given.
        mean: over the seeds.
        standard_deviation: over the seeds, with one degree of freedom less than seeds; None with one seed.
        examples_interval: for the mean of these trained models, on new examples. Of length 0 where all predictions
            are right: rows can't show an error that none of them holds.
        interval: for the strategy's mean, on new examples and with new seeds; with one seed, ``examples_interval``.
        verdict: best (the highest mean; of equal ones, the first given), worse, or what can't be told from the best.
    """

    name: str
    by_seed: tuple[float, ...]
    mean: float
    standard_deviation: float | None
    examples_interval: Interval
    interval: Interval
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """What is known of the contenders, and of each pair.

    Attributes:
        metric: what was measured.
        alpha: the chance of any false difference among the pairs, and one less the level of the intervals.
        examples: rows of the test set.
        contenders: in the order given.
        pairs: every pair once, in that order.
        best: the name of the contender with the highest mean.
    """

    metric: Metric
    alpha: float
    examples: int
    contenders: tuple[ContenderStatistics, ...]
    pairs: tuple[PairedTest, ...]
    best: str

    def contender(self, name: str) -> ContenderStatistics:
        """Return the statistics of one contender; KeyError if there is none of that name."""
        return {contender.name: contender for contender in self.contenders}[name]

    def pair(self, first: str, second: str) -> PairedTest:
        """Return the test of two contenders, whichever comes first; KeyError if it wasn't made."""
        return {frozenset((pair.first, pair.second)): pair for pair in self.pairs}[frozenset((first, second))]

    @property
    def detectable(self) -> float | None:
        """The smallest difference from the best that could have been shown: the median over its pairs.

        None with one contender, infinite where no difference could have been shown.
        """
        against_best = [pair.detectable for pair in self.pairs if self.best in (pair.first, pair.second)]
        return float(np.median(against_best)) if against_best else None

    def sentence(self, name: str) -> str:
        """Return the verdict on a contender in words, with the numbers behind it."""
        one = self.contender(name)
        if one.verdict == "best":
            subject: Subject = "trained models" if len(one.by_seed) == 1 else "strategies"
            sentence = f"{name} is the best: {self.metric} {one.mean:.3f} ({_between(one.interval)})."
        else:
            pair = self.pair(name, self.best)
            subject = pair.difference.subject
            sign = 1 if pair.first == self.best else -1
            low, high = sorted((sign * pair.difference.interval.low, sign * pair.difference.interval.high))
            short = f"{sign * pair.difference.value:.3f}"
            between = (
                f"({_between(Interval(low, high, pair.difference.interval.level))}; "
                f"{_p_value(pair.adjusted_p_value)} after Holm's correction for {len(self.pairs)} "
                f"{'pair' if len(self.pairs) == 1 else 'pairs'})"
            )
            if one.verdict == "worse":
                sentence = f"{name} is worse than the best, {self.best}, by {short} {between}."
            else:
                sentence = (
                    f"{name} is not distinguishable from the best, {self.best}: {short} below it {between}. "
                    f"{_hardly_shown(pair.detectable)}"
                )
        if subject == "trained models":
            sentence += " With one seed this speaks of these trained models, not of the strategies."
        return sentence


def _between(interval: Interval) -> str:
    if interval.low == interval.high:
        return "no interval: these test examples show no variation"
    return f"{100 * interval.level:g}% interval {interval.low:.3f} to {interval.high:.3f}"


def _hardly_shown(detectable: float) -> str:
    if math.isinf(detectable):
        return "On so few test examples and seeds hardly any difference could have been shown."
    return f"A difference smaller than about {detectable:.3f} could hardly have been shown."


def _p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"

"""The results of a comparison."""

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
    """The difference between two contenders.

    Attributes:
        value: the first contender's mean metric minus the second's.
        interval: the interval for new examples and, if both ran with at least two seeds, new seeds; clipped to [-1, 1].
            Not adjusted for the number of comparisons. Its length is 0 if the contenders differ equally on all examples
            of a label; such examples don't show how others would vary.
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
        method: McNemar's test for the accuracy of two models, approximate randomisation for their F1, and the crossed
            t test if either contender has several seeds.
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
    """The metric of one contender.

    Attributes:
        name: the contender's name.
        by_seed: the metric of each seed, in the order of the predictions.
        mean: the mean over the seeds.
        standard_deviation: the sample standard deviation over the seeds; None with one seed.
        examples_interval: the interval of the mean of these trained models on new examples. Its length is 0 if all
            predictions are right, since the rows then contain no error to estimate the error rate from.
        interval: the interval of the strategy's mean on new examples and with new seeds; ``examples_interval`` with one
            seed.
        verdict: whether the contender is the best (the highest mean; the first of equal ones), significantly worse, or
            not distinguishable from the best.
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
    """The statistics of all contenders and the tests of all pairs.

    Attributes:
        metric: the metric.
        alpha: the probability of any false difference among the pairs; the level of the intervals is 1 - alpha.
        examples: the number of rows in the test set.
        contenders: the statistics of each contender, in the order of the predictions.
        pairs: the test of each pair, in that order.
        best: the name of the contender with the highest mean.
    """

    metric: Metric
    alpha: float
    examples: int
    contenders: tuple[ContenderStatistics, ...]
    pairs: tuple[PairedTest, ...]
    best: str

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

    @property
    def detectable(self) -> float | None:
        """The smallest detectable difference from the best contender, as the median over its pairs.

        None with one contender; infinite if no difference is detectable.
        """
        against_best = [pair.detectable for pair in self.pairs if self.best in (pair.first, pair.second)]
        return float(np.median(against_best)) if against_best else None

    def sentence(self, name: str) -> str:
        """Return a sentence with the verdict on a contender and the numbers that it is based on."""
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
                    f"{_detectable_sentence(pair.detectable)}"
                )
        if subject == "trained models":
            sentence += " With one seed this is about these trained models, not about the strategies."
        return sentence


def _between(interval: Interval) -> str:
    if interval.low == interval.high:
        return "no interval: these test examples show no variation"
    return f"{100 * interval.level:g}% interval {interval.low:.3f} to {interval.high:.3f}"


def _detectable_sentence(detectable: float) -> str:
    if math.isinf(detectable):
        return "With so few test examples and seeds, hardly any difference could have been detected."
    return f"A difference smaller than about {detectable:.3f} could hardly have been detected."


def _p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"

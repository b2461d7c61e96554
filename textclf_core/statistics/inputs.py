"""The inputs of a comparison, with the tests and intervals that its results share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from textclf_core.errors import DataError
from textclf_core.statistics.bootstrap import Interval, bca_interval, resampled_scores
from textclf_core.statistics.draws import Draws, OwnTests
from textclf_core.statistics.estimates import CrossedEstimates, DrawnEstimates, Estimates
from textclf_core.statistics.from_best import selection_quantile
from textclf_core.statistics.joint_error import JointError
from textclf_core.statistics.models import Model, SummedModel
from textclf_core.statistics.paired import approximate_randomisation, crossed_t, mcnemar
from textclf_core.statistics.results import Difference, Method
from textclf_core.statistics.variance import Scores, SeedVariance, StandardError, centred, standard_error
from textclf_core.types.metric import MetricInfo

_DRAWS = 10_000


class Inputs:
    """The inputs of a comparison, with the influences and resamples that its results share.

    Its scores are oriented: larger ones are better.
    """

    def __init__(
        self,
        models: Mapping[str, Sequence[Model]],
        metric: MetricInfo,
        alpha: float,
        resamples: int,
        seed: int,
        *,
        labels: NDArray[np.int64] | None = None,
        clusters: NDArray[np.int64] | None = None,
        overlap: float | None = None,
        own_tests: OwnTests | None = None,
    ) -> None:
        if own_tests is not None and len(own_tests.clusters) == 1:
            # The one seed of all contenders has one test set.
            labels, clusters, own_tests = own_tests.labels[0], own_tests.clusters[0], None
        self.rows = _check(models, metric, clusters) if own_tests is None else _check_own(models, metric, own_tests)
        self.models, self.metric, self.overlap = models, metric, overlap
        self.level, self.alpha, self.resamples = 1 - alpha, alpha, resamples
        each = [model for of_one in models.values() for model in of_one]
        most = min((model.most_draws for model in each if model.most_draws is not None), default=None)
        self.estimates: Estimates
        if own_tests is None:
            self.draws = Draws(self.rows, clusters=clusters, labels=labels, most=most)
            scores = {name: self._scores(of_one) for name, of_one in models.items()}
            self.estimates = CrossedEstimates.of(scores, self.draws.strata, overlap or 0.0)
        else:
            self.estimates = self._drawn(own_tests, most)
        # Tests and intervals of single models resample rows, and need the metric of any resample.
        self.resampled = (
            own_tests is None and self.draws.are_rows and all(isinstance(model, SummedModel) for model in each)
        )
        self.scores = self.estimates.scores
        self.joint = JointError(self.estimates, metric.width)
        self.rng = np.random.default_rng(seed)
        self.replicates: dict[str, NDArray[np.float64]] = {}
        if not self.resampled:
            return
        # Single models share their resamples, since their differences are resampled too.
        single = {name: of_one[0] for name, of_one in models.items() if len(of_one) == 1}
        if single:
            self.replicates |= zip(single, self._replicates(list(single.values())), strict=True)
        for name in [name for name in models if name not in single]:
            self.replicates[name] = self._replicates(models[name]).mean(axis=0)

    def in_own_sign(self, interval: Interval) -> Interval:
        """Return an interval of oriented values as one of the metric's values."""
        low, high = sorted((self.metric.oriented(interval.low), self.metric.oriented(interval.high)))
        return Interval(low, high, interval.level)

    def difference_in_own_sign(self, difference: Difference) -> Difference:
        """Return a difference of oriented values as one of the metric's values."""
        return replace(
            difference,
            value=self.metric.oriented(difference.value),
            interval=self.in_own_sign(difference.interval),
        )

    def seeds(self, *names: str) -> list[tuple[SeedVariance, int]]:
        """Return the variance between seeds and the number of seeds of some contenders."""
        return [(self.estimates.seed_variances[name], len(self.scores[name].by_seed)) for name in names]

    def examples_interval(self, name: str) -> Interval:
        """Return the interval of the mean score of a contender's trained models on new examples."""
        mean = self.scores[name].mean
        if not self.resampled:
            error = standard_error(self.estimates.by_examples(name), self.estimates.rows, [])
            return self._within_limits(mean, error, np.full(2, self._quantile(error)), name)
        influences = centred(self._influences(self.models[name]), self.draws.strata)
        interval = bca_interval(mean, self.replicates[name], influences, level=self.level)
        return self._at_the_end(name, interval)

    def interval(self, name: str, *, selected: bool) -> Interval:
        """Return the interval of a contender's score, below the score longer if it was selected as the best."""
        scores = self.scores[name]
        between = self.estimates.score_variance(name)
        error = standard_error(self.estimates.by_examples(name), self.estimates.rows, [(between, len(scores.by_seed))])
        reach = np.full(2, self._quantile(error) if self.overlap is None else self._quantile_over_samples(name, error))
        if selected:
            reach[0] = max(reach[0], selection_quantile(self.joint, alpha=self.alpha / 2, rng=np.random.default_rng(0)))
        interval = self._within_limits(scores.mean, error, reach, name)
        if len(scores.by_seed) > 1:
            return interval
        own = self.examples_interval(name)
        return Interval(min(interval.low, own.low), own.high, self.level) if selected else own

    def _quantile(self, error: StandardError) -> float:
        return float(stats.t.isf((1 - self.level) / 2, error.degrees_of_freedom))

    def _quantile_over_samples(self, name: str, error: StandardError) -> float:
        """Return the quantile, in standard errors, where each seed has its own training sample.

        A sample may be good or bad for all contenders alike, so the others tell little about its variance. And samples
        that overlap make so much of a small variance that Satterthwaite's degrees of freedom may be less than one.
        """
        alone = JointError(self.estimates.only(name), self.metric.width)
        errors = alone.draw_errors(_DRAWS, np.random.default_rng(0))
        return float(np.quantile(np.abs(errors), self.level)) / error.value if error.value else 0.0

    def _within_limits(self, mean: float, error: StandardError, reach: NDArray[np.float64], name: str) -> Interval:
        """Return an interval of so many standard errors below and above a mean, within the metric's limits.

        It is symmetric on the scale of log odds between two limits, and of logarithms above or below one.
        """
        if error.value == 0:
            return self._at_the_end(name, Interval(mean, mean, self.level))
        low, high = self._limits
        below, above = mean - low, high - mean  # infinite without a limit
        steps = np.array([-1, 1]) * reach * error.value
        if not (below > 0 and above > 0):  # resamples would vary, yet the score is at a limit
            ends = np.clip(mean + steps, low, high)
        elif np.isfinite(below) and np.isfinite(above):
            odds = np.log(below / above) + steps * (1 / below + 1 / above)
            ends = low + (high - low) * special.expit(odds)
        elif np.isfinite(below):
            ends = low + below * np.exp(steps / below)
        elif np.isfinite(above):
            ends = high - above * np.exp(-steps / above)
        else:
            ends = mean + steps
        return Interval(float(ends[0]), float(ends[1]), self.level)

    @property
    def _limits(self) -> tuple[float, float]:
        """The limits of oriented scores."""
        low, high = sorted((self.metric.oriented(self.metric.low), self.metric.oriented(self.metric.high)))
        return low, high

    def _at_the_end(self, name: str, interval: Interval) -> Interval:
        """Give an interval width where no row was seen to be wrong, or right (Clopper and Pearson, 1934)."""
        low, high = self._limits
        if interval.low < interval.high or low < interval.low < high or not np.isfinite(self.metric.width):
            return interval
        supports = [model.support for model in self.models[name] if isinstance(model, SummedModel)]
        rows = max(1, min([self.estimates.rows, *supports]))
        reach = (high - low) * (1 - ((1 - self.level) / 2) ** (1 / rows))
        return (
            Interval(high - reach, high, self.level) if interval.low == high else Interval(low, low + reach, self.level)
        )

    def difference(self, first: str, second: str, *, comparisons: int = 1) -> Difference:
        """Return the difference of two contenders, with an interval for so many comparisons at once."""
        level = 1 - self.alpha / comparisons
        value = self.scores[first].mean - self.scores[second].mean
        by_examples = self.estimates.pair_by_examples(first, second)
        error = standard_error(by_examples, self.estimates.rows, self.seeds(first, second))
        seeds = [len(self.scores[name].by_seed) for name in (first, second)]
        if max(seeds) == 1 and self.resampled:
            replicates = self.replicates[first] - self.replicates[second]
            influences = self._influences(self.models[first]) - self._influences(self.models[second])
            interval = bca_interval(value, replicates, centred(influences, self.draws.strata), level=level)
        else:
            reach = float(stats.t.isf((1 - level) / 2, error.degrees_of_freedom)) * error.value
            # Scores lie within limits, so clipping removes impossible values only and keeps the level.
            width = self.metric.width
            interval = Interval(max(-width, value - reach), min(width, value + reach), level)
        return Difference(value, interval, error, "trained models" if min(seeds) == 1 else "strategies")

    def test(self, first: str, second: str, comparisons: int) -> tuple[Method, float]:
        """Return the name of the test for this pair and its p-value."""
        if not self.resampled or max(len(self.scores[first].by_seed), len(self.scores[second].by_seed)) > 1:
            value = self.scores[first].mean - self.scores[second].mean
            by_examples = self.estimates.pair_by_examples(first, second, around_0=True)
            p_value = crossed_t(value, by_examples, self.estimates.rows, self.seeds(first, second))
            return "corrected resampled t" if self.estimates.redrawn else "crossed t", p_value
        one, other = self.models[first][0], self.models[second][0]
        assert isinstance(one, SummedModel)  # by self.resampled
        assert isinstance(other, SummedModel)
        if (right := one.rights) is not None and (other_right := other.rights) is not None:
            return "exact McNemar", mcnemar(right, other_right)
        p_value = approximate_randomisation(
            one,
            other,
            resamples=self.resamples,
            smallest=self.alpha / (20 * comparisons),  # well below what is significant after the correction
            rng=self.rng,
        )
        return "approximate randomisation", p_value

    def _scores(self, models: Sequence[Model]) -> Scores:
        sign = self.metric.oriented(1.0)
        return Scores(
            sign * np.array([model.score for model in models]),
            sign * np.stack([model.influences(self.draws) for model in models]),
        )

    def _drawn(self, own_tests: OwnTests, most: int | None) -> DrawnEstimates:
        """Return the estimates from seeds that each have their own test rows."""
        sign = self.metric.oriented(1.0)
        draws = [
            Draws(len(clusters), clusters=clusters, labels=labels, most=most)
            for clusters, labels in zip(own_tests.clusters, own_tests.labels, strict=True)
        ]
        return DrawnEstimates(
            names=tuple(self.models),
            by_seed=sign * np.array([[model.score for model in of_one] for of_one in self.models.values()]),
            influences=tuple(
                sign * np.stack([of_one[number].influences(own) for of_one in self.models.values()])
                for number, own in enumerate(draws)
            ),
            strata=tuple(own.strata for own in draws),
            overlap=self.overlap or 0.0,
            test_overlap=own_tests.overlap,
        )

    def _replicates(self, models: Sequence[Model]) -> NDArray[np.float64]:
        scores = resampled_scores(models, self.draws, resamples=self.resamples, rng=self.rng)
        return self.metric.oriented(1.0) * scores

    def _influences(self, models: Sequence[Model]) -> NDArray[np.float64]:
        """Return each row's influence on the mean of models, of which larger scores are better, shape (rows,)."""
        sign = self.metric.oriented(1.0)
        return np.asarray(sign * np.mean([model.influences(self.draws) for model in models], axis=0))


def _check(models: Mapping[str, Sequence[Model]], metric: MetricInfo, clusters: NDArray[np.int64] | None) -> int:
    """Check that all models are on the same rows, and return how many these are."""
    counts = {name: {model.rows for model in of_one} for name, of_one in models.items()}
    if len(every := set().union(*counts.values())) != 1 or not all(counts.values()) or 0 in every:
        raise DataError(
            "a comparison needs at least one contender, each with at least one model, all on the same test rows; got "
            f"{', '.join(f'{name!r} with {sorted(rows)} rows' for name, rows in counts.items()) or 'none'}."
        )
    [rows] = every
    if clusters is not None and clusters.shape != (rows,):
        raise DataError(f"there are clusters of shape {clusters.shape} for {rows} rows; each row has one.")
    _check_values(models, metric)
    return rows


def _check_own(models: Mapping[str, Sequence[Model]], metric: MetricInfo, own_tests: OwnTests) -> int:
    """Check that each contender has a model on each seed's test rows, and return how many these are on average."""
    wanted = [len(clusters) for clusters in own_tests.clusters]
    for name, of_one in models.items():
        if (found := [model.rows for model in of_one]) != wanted:
            raise DataError(
                f"where each seed has its own test rows, all contenders need a model for each seed, on the same rows: "
                f"{name!r} has models on {found} rows, the seeds have {wanted}."
            )
    _check_values(models, metric)
    return round(float(np.mean(wanted)))


def _check_values(models: Mapping[str, Sequence[Model]], metric: MetricInfo) -> None:
    without = [name for name, of_one in models.items() if not all(np.isfinite(model.score) for model in of_one)]
    if without:
        raise DataError(
            f"{metric.name} has no value on the test rows for {', '.join(without)}, so contenders can't be compared by "
            "it. Compare by another metric."
        )

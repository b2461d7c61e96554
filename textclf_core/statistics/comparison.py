"""Pairwise tests and intervals for the contenders of a comparison, from their stored predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from textclf_core.errors import DataError
from textclf_core.statistics.bootstrap import Interval, bca_interval, resampled_scores
from textclf_core.statistics.draws import Draws
from textclf_core.statistics.expected_loss import Loss, expected_losses
from textclf_core.statistics.from_best import ComparisonWithBest, selection_quantile
from textclf_core.statistics.joint_error import JointError
from textclf_core.statistics.looks import SequentialCriticalValues
from textclf_core.statistics.models import Model, SummedModel
from textclf_core.statistics.paired import (
    approximate_randomisation,
    crossed_t,
    detectable_difference,
    holm,
    mcnemar,
)
from textclf_core.statistics.results import Comparison, ContenderStatistics, Difference, Method, PairedTest, Verdict
from textclf_core.statistics.variance import (
    Scores,
    SeedVariance,
    StandardError,
    centred,
    example_variance,
    seed_variances,
    standard_error,
)
from textclf_core.types.metric import MetricInfo

_DRAWS = 10_000


def compare(
    models: Mapping[str, Sequence[Model]],
    metric: MetricInfo,
    *,
    alpha: float = 0.05,
    tolerance: float | None = 0.01,
    labels: NDArray[np.int64] | None = None,
    clusters: NDArray[np.int64] | None = None,
    overlap: float | None = None,
    looks: Sequence[int] = (),
    with_pairs: bool = False,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare contenders on the rows of one test set.

    Examples are treated as a random sample of all, so the results hold for new test sets of the same size whose shares
    of labels vary by chance; with ``labels``, for those with the same shares of labels.

    All decisions are made with scores of which larger ones are better; the results have the metric's own sign.

    Args:
        models: for each contender its trained models, one a seed, all on the same test rows. The number of seeds may
            differ between contenders; for a contender with one seed, the results are about that trained model.
        metric: the metric to compare by, which is that of the models.
        alpha: the accepted probability of any false verdict, or of any false difference among the pairs; intervals have
            level 1 - alpha.
        tolerance: the loss that is accepted, in the metric's units, above 0: contenders that are worse by no more count
            as good. Without one, no loss is estimated.
        labels: the label of each row, int64, shape (rows,), if the test rows were drawn by label, so that their shares
            of labels are fixed.
        clusters: the cluster of each row, int64, shape (rows,): rows of one cluster, such as copies of a text, count as
            one draw. Every row is its own if not given.
        overlap: the share of their training rows that two seeds have in common on average, below 1, where each seed has
            its own training sample, which all contenders share; ``None`` where all seeds have the same sample.
        looks: the numbers of seeds at which the comparison was planned to be looked at, ascending, the present one and
            later ones among them. Verdicts hold over all looks with two seeds or more; a contender that was worse at
            one got no more seeds.
        with_pairs: whether all pairs are tested.
        resamples: the number of resamples of the bootstrap. A randomisation test uses more if the correction for the
            number of pairs needs smaller p-values.
        seed: the seed of the resamples.

    Raises:
        DataError: the models have other numbers of rows, or the metric has no value for one.
    """
    inputs = _Inputs(models, metric, alpha, resamples, seed, labels=labels, clusters=clusters, overlap=overlap)
    means = {name: scores.mean for name, scores in inputs.scores.items()}
    best = max(means, key=lambda name: means[name])
    several = len(means) > 1
    joint = inputs.joint
    with_best = _compare_with_best(inputs, looks, seed) if several else None
    distances = with_best.distances() if with_best else [None] * len(means)
    losses: Sequence[Loss | None] = [None] * len(means)
    if tolerance is not None:
        losses = expected_losses(joint, tolerance, np.random.default_rng(seed))
    contenders = tuple(
        ContenderStatistics(
            name=name,
            by_seed=tuple(metric.oriented(float(value)) for value in scores.by_seed),
            mean=metric.oriented(means[name]),
            standard_deviation=float(np.sqrt(scores.variance)) if len(scores.by_seed) > 1 else None,
            examples_interval=inputs.in_own_sign(inputs.examples_interval(name)),
            interval=inputs.in_own_sign(inputs.interval(name, selected=several and name == best)),
            distance=inputs.in_own_sign(distance) if distance else None,
            loss=loss and replace(loss, score=metric.oriented(loss.score)),
            verdict=(verdict := _verdict(distance, tolerance)),
            needed=with_best.needed(number, tolerance) if with_best and verdict == "undecided" else None,
        )
        for number, ((name, scores), distance, loss) in enumerate(
            zip(inputs.scores.items(), distances, losses, strict=True)
        )
    )
    return Comparison(
        metric=metric,
        alpha=alpha,
        tolerance=tolerance,
        examples=inputs.rows,
        contenders=contenders,
        pairs=_test_pairs(inputs) if with_pairs else (),
        best=best,
        detectable=with_best.detectable() if with_best else None,
    )


def _compare_with_best(inputs: _Inputs, looks: Sequence[int], seed: int) -> ComparisonWithBest:
    """Return the comparison with the best at the present look, after those at the looks before."""
    most = max(len(one.by_seed) for one in inputs.scores.values())
    # With one seed nothing is known of the scatter between seeds, so that nothing can be claimed of strategies.
    reached = [look for look in looks if 1 < look < most] + [most]
    planned = [*reached, *(look for look in looks if look > most)]
    if len(planned) == 1:
        return ComparisonWithBest(inputs.joint, alpha=inputs.alpha, rng=np.random.default_rng(seed))
    criticals: list[float] = []
    counts: list[list[int]] = []
    candidates = np.arange(len(inputs.scores))
    for look in reached:
        scores = {name: one.first(look) for name, one in inputs.scores.items()}
        error = JointError(
            scores,
            seed_variances(scores, inputs.strata, inputs.overlap or 0.0),
            inputs.strata,
            inputs.metric.width,
        )
        counts.append([len(one.by_seed) for one in scores.values()])
        values = SequentialCriticalValues(
            error, np.array(counts), planned, criticals, alpha=inputs.alpha, rng=np.random.default_rng(seed)
        )
        found = ComparisonWithBest(
            error, alpha=inputs.alpha, rng=np.random.default_rng(seed), at_look=values, candidates=candidates
        )
        candidates = found.candidates
        criticals.append(found.critical)
    return found


def _verdict(distance: Interval | None, tolerance: float | None) -> Verdict:
    if distance is None or distance.low == 0:
        return "best"
    if distance.high == 0:
        return "worse"
    return "as good" if tolerance is not None and distance.low >= -tolerance else "undecided"


def _test_pairs(inputs: _Inputs) -> tuple[PairedTest, ...]:
    pairs = list(combinations(inputs.models, 2))
    tested = [inputs.test(*pair, len(pairs)) for pair in pairs]
    adjusted = holm([p_value for _, p_value in tested])
    return tuple(
        PairedTest(
            *pair,
            difference=inputs.difference_in_own_sign(difference := inputs.difference(*pair, comparisons=len(pairs))),
            method=method,
            p_value=p_value,
            adjusted_p_value=adjusted_p_value,
            detectable=detectable_difference(
                difference.standard_error,
                inputs.draws.number,
                alpha=inputs.alpha,
                comparisons=len(pairs),
                width=inputs.metric.width,
            ),
        )
        for pair, (method, p_value), adjusted_p_value in zip(pairs, tested, adjusted, strict=True)
    )


def paired_difference(
    first: Sequence[Model],
    second: Sequence[Model],
    metric: MetricInfo,
    *,
    alpha: float = 0.05,
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Return the first contender's metric minus the second's, with its interval.

    The arguments are those of :func:`compare`, with the models of two contenders. In a comparison of more contenders
    the variance between seeds is estimated from all of them, so ``Comparison.pair`` is slightly more precise.
    """
    inputs = _Inputs({"first": first, "second": second}, metric, alpha, resamples, seed)
    return inputs.difference_in_own_sign(inputs.difference("first", "second"))


def joint_error(
    models: Mapping[str, Sequence[Model]],
    metric: MetricInfo,
    *,
    labels: NDArray[np.int64] | None = None,
    clusters: NDArray[np.int64] | None = None,
) -> JointError:
    """Return the mean scores, of which larger are better, with their joint error; arguments as for :func:`compare`."""
    return _Inputs(models, metric, 0.05, 1, 0, labels=labels, clusters=clusters).joint


class _Inputs:
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
    ) -> None:
        self.rows = _check(models, metric, clusters)
        self.models, self.metric, self.overlap = models, metric, overlap
        self.level, self.alpha, self.resamples = 1 - alpha, alpha, resamples
        each = [model for of_one in models.values() for model in of_one]
        most = min((model.most_draws for model in each if model.most_draws is not None), default=None)
        self.draws = Draws(self.rows, clusters=clusters, labels=labels, most=most)
        self.strata = self.draws.strata
        # Tests and intervals of single models resample rows, and need the metric of any resample.
        self.resampled = self.draws.are_rows and all(isinstance(model, SummedModel) for model in each)
        self.scores = {name: self._scores(of_one) for name, of_one in models.items()}
        self.seed_variances = seed_variances(self.scores, self.strata, overlap or 0.0)
        self.joint = JointError(self.scores, self.seed_variances, self.strata, metric.width)
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
        return [(self.seed_variances[name], len(self.scores[name].by_seed)) for name in names]

    def examples_interval(self, name: str) -> Interval:
        scores = self.scores[name]
        if not self.resampled:
            error = standard_error(self.by_examples(name), self.draws.number, [])
            return self._within_limits(scores.mean, error, np.full(2, self._quantile(error)), name)
        influences = centred(scores.row_influences, self.strata)
        interval = bca_interval(scores.mean, self.replicates[name], influences, level=self.level)
        return self._at_the_end(name, interval)

    def interval(self, name: str, *, selected: bool) -> Interval:
        """Return the interval of a contender's score, below the score longer if it was selected as the best."""
        scores = self.scores[name]
        error = standard_error(self.by_examples(name), self.draws.number, self.seeds(name))
        reach = np.full(2, self._quantile(error) if self.overlap is None else self._quantile_over_samples(name, error))
        if selected:
            reach[0] = max(reach[0], selection_quantile(self.joint, alpha=self.alpha / 2, rng=np.random.default_rng(0)))
        interval = self._within_limits(scores.mean, error, reach, name)
        if len(scores.by_seed) > 1:
            return interval
        own = self.examples_interval(name)
        return Interval(min(interval.low, own.low), own.high, self.level) if selected else own

    def by_examples(self, name: str) -> float:
        return float(example_variance(self.scores[name].row_influences, self.strata))

    def _quantile(self, error: StandardError) -> float:
        return float(stats.t.isf((1 - self.level) / 2, error.degrees_of_freedom))

    def _quantile_over_samples(self, name: str, error: StandardError) -> float:
        """Return the quantile, in standard errors, where each seed has its own training sample.

        A sample may be good or bad for all contenders alike, so the others tell little about its variance. And samples
        that overlap make so much of a small variance that Satterthwaite's degrees of freedom may be less than one.
        """
        [(between, seeds)] = self.seeds(name)
        own = replace(between, degrees_of_freedom=min(between.degrees_of_freedom, seeds - 1))
        alone = JointError({name: self.scores[name]}, {name: own}, self.strata, self.metric.width)
        errors, _ = alone.draw_errors(_DRAWS, np.random.default_rng(0), possible=True)
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
        rows = max(1, min([self.draws.number, *supports]))
        reach = (high - low) * (1 - ((1 - self.level) / 2) ** (1 / rows))
        return (
            Interval(high - reach, high, self.level) if interval.low == high else Interval(low, low + reach, self.level)
        )

    def difference(self, first: str, second: str, *, comparisons: int = 1) -> Difference:
        level = 1 - self.alpha / comparisons
        value = self.scores[first].mean - self.scores[second].mean
        influences = self._influences(first, second)
        by_examples = float(example_variance(influences, self.strata))
        error = standard_error(by_examples, len(influences), self.seeds(first, second))
        seeds = [len(self.scores[name].by_seed) for name in (first, second)]
        if max(seeds) == 1 and self.resampled:
            replicates = self.replicates[first] - self.replicates[second]
            interval = bca_interval(value, replicates, centred(influences, self.strata), level=level)
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
            return "crossed t", crossed_t(value, self._influences(first, second), self.seeds(first, second))
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

    def _replicates(self, models: Sequence[Model]) -> NDArray[np.float64]:
        scores = resampled_scores(models, self.draws, resamples=self.resamples, rng=self.rng)
        return self.metric.oriented(1.0) * scores

    def _influences(self, first: str, second: str) -> NDArray[np.float64]:
        return self.scores[first].row_influences - self.scores[second].row_influences


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
    without = [name for name, of_one in models.items() if not all(np.isfinite(model.score) for model in of_one)]
    if without:
        raise DataError(
            f"{metric.name} has no value on the test rows for {', '.join(without)}, so contenders can't be compared by "
            "it. Compare by another metric."
        )
    return rows

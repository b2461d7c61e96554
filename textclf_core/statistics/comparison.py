"""Pairwise tests and intervals for the contenders of a comparison, from their stored predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from scipy.sparse import csr_array

from textclf_core.errors import DataError
from textclf_core.statistics.bootstrap import Interval, bca_interval, resampled_scores, strata_of
from textclf_core.statistics.expected_loss import Loss, expected_losses
from textclf_core.statistics.from_best import ComparisonWithBest, selection_quantile
from textclf_core.statistics.joint_error import JointError
from textclf_core.statistics.looks import SequentialCriticalValues
from textclf_core.statistics.metrics import (
    METRICS,
    SEQUENCE_METRICS,
    SET_METRICS,
    Metric,
    influence,
    is_accuracy,
    right_rows,
    row_counts,
    rows_of_metric,
    score,
)
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

_DRAWS = 10_000


def compare(
    references: NDArray[np.int64],
    predictions: Mapping[str, NDArray[np.int64]],
    metric: Metric,
    *,
    alpha: float = 0.05,
    tolerance: float | None = 0.01,
    stratified: bool = False,
    clusters: NDArray[np.int64] | None = None,
    overlap: float | None = None,
    looks: Sequence[int] = (),
    with_pairs: bool = False,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare contenders on the rows of one test set.

    Examples are treated as a random sample of all, so the results hold for new test sets of the same size whose shares
    of labels vary by chance; with ``stratified``, for those with the same shares of labels.

    Args:
        references: the true label ids, int64, shape (rows,); in a multi-label task zeros and ones, shape
            (rows, labels).
        predictions: for each contender the predicted label ids, int64, shape (seeds, rows), with the rows of
            ``references``; or zeros and ones, shape (seeds, rows, labels). The number of seeds may differ between
            contenders; for a contender with one seed, the results are about that trained model.
        metric: the metric to compare by.
        alpha: the accepted probability of any false verdict, or of any false difference among the pairs; intervals have
            level 1 - alpha.
        tolerance: the loss that is accepted, in the metric's units, above 0: contenders that are worse by no more count
            as good. Without one, no loss is estimated.
        stratified: whether the test rows were drawn by label, so that their shares of labels are fixed.
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
        DataError: the predictions aren't label ids for the rows of ``references``, or the metric isn't defined for
            them, as F1 isn't for a label without a row.
    """
    inputs = _Inputs(
        references,
        predictions,
        metric,
        alpha,
        resamples,
        seed,
        stratified=stratified,
        clusters=clusters,
        overlap=overlap,
    )
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
            by_seed=tuple(float(value) for value in scores.by_seed),
            mean=means[name],
            standard_deviation=float(np.sqrt(scores.variance)) if len(scores.by_seed) > 1 else None,
            examples_interval=inputs.examples_interval(name),
            interval=inputs.interval(name, selected=several and name == best),
            distance=distance,
            loss=loss,
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
        examples=len(references),
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
        error = JointError(scores, seed_variances(scores, inputs.strata, inputs.overlap or 0.0), inputs.strata)
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
    pairs = list(combinations(inputs.predictions, 2))
    tested = [inputs.test(*pair, len(pairs)) for pair in pairs]
    adjusted = holm([p_value for _, p_value in tested])
    return tuple(
        PairedTest(
            *pair,
            difference=(difference := inputs.difference(*pair, comparisons=len(pairs))),
            method=method,
            p_value=p_value,
            adjusted_p_value=adjusted_p_value,
            detectable=detectable_difference(
                difference.standard_error, inputs.draws, alpha=inputs.alpha, comparisons=len(pairs)
            ),
        )
        for pair, (method, p_value), adjusted_p_value in zip(pairs, tested, adjusted, strict=True)
    )


def paired_difference(
    references: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    metric: Metric,
    *,
    alpha: float = 0.05,
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Return the first contender's metric minus the second's, with its interval.

    The arguments are those of :func:`compare`, with the predictions of two contenders, shape (seeds, rows) each. In a
    comparison of more contenders the variance between seeds is estimated from all of them, so ``Comparison.pair`` is
    slightly more precise.
    """
    predictions = {"first": first, "second": second}
    inputs = _Inputs(references, predictions, metric, alpha, resamples, seed, stratified=False)
    return inputs.difference("first", "second")


class _Inputs:
    """The inputs of a comparison, with the counts and resamples that its results share."""

    def __init__(
        self,
        references: NDArray[np.int64],
        predictions: Mapping[str, NDArray[np.int64]],
        metric: Metric,
        alpha: float,
        resamples: int,
        seed: int,
        *,
        stratified: bool,
        clusters: NDArray[np.int64] | None = None,
        overlap: float | None = None,
    ) -> None:
        _check(references, predictions, metric, clusters)
        self.overlap = overlap
        self.references, self.predictions, self.metric = references, predictions, metric
        self.level, self.alpha, self.resamples = 1 - alpha, alpha, resamples
        _, first, cluster = np.unique(
            np.arange(len(references)) if clusters is None else clusters, return_index=True, return_inverse=True
        )
        self.draws = len(first)
        self.clustered = self.draws < len(references)
        # A cluster's influence is the sum of its rows', scaled so that the mean over clusters is that over rows.
        scale = np.full(len(references), self.draws / len(references))
        self.sums = csr_array((scale, (cluster, np.arange(len(references)))), shape=(self.draws, len(references)))
        self.strata = strata_of(references[first], metric) if stratified else (np.arange(self.draws),)
        self.num_labels = 1 + max(1, int(references.max()), *(int(of_one.max()) for of_one in predictions.values()))
        self.scores = {name: self._scores(of_one) for name, of_one in predictions.items()}
        self.seed_variances = seed_variances(self.scores, self.strata, overlap or 0.0)
        self.joint = JointError(self.scores, self.seed_variances, self.strata)
        self.rng = np.random.default_rng(seed)
        self.replicates: dict[str, NDArray[np.float64]] = {}
        if self.clustered:
            return
        # Single models share their resamples, since their differences are resampled too.
        single = [name for name, scores in self.scores.items() if len(scores.by_seed) == 1]
        if single:
            resampled = self._resampled(np.concatenate([predictions[name] for name in single]))
            self.replicates |= zip(single, resampled, strict=True)
        for name in [name for name in predictions if name not in single]:
            self.replicates[name] = self._resampled(predictions[name]).mean(axis=0)

    def seeds(self, *names: str) -> list[tuple[SeedVariance, int]]:
        return [(self.seed_variances[name], len(self.scores[name].by_seed)) for name in names]

    def examples_interval(self, name: str) -> Interval:
        scores = self.scores[name]
        if self.clustered:
            error = standard_error(self.by_examples(name), self.draws, [])
            return self._on_log_odds(scores.mean, error, reach=np.full(2, self._quantile(error)))
        influences = centred(scores.row_influences, self.strata)
        interval = bca_interval(scores.mean, self.replicates[name], influences, level=self.level)
        return self._at_the_end(interval)

    def interval(self, name: str, *, selected: bool) -> Interval:
        """Return the interval of a contender's score, below the score longer if it was selected as the best."""
        scores = self.scores[name]
        error = standard_error(self.by_examples(name), self.draws, self.seeds(name))
        reach = np.full(2, self._quantile(error) if self.overlap is None else self._quantile_over_samples(name, error))
        if selected:
            reach[0] = max(reach[0], selection_quantile(self.joint, alpha=self.alpha / 2, rng=np.random.default_rng(0)))
        interval = self._on_log_odds(scores.mean, error, reach)
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
        alone = JointError({name: self.scores[name]}, {name: own}, self.strata)
        errors, _ = alone.draw_errors(_DRAWS, np.random.default_rng(0), possible=True)
        return float(np.quantile(np.abs(errors), self.level)) / error.value if error.value else 0.0

    def _on_log_odds(self, mean: float, error: StandardError, reach: NDArray[np.float64]) -> Interval:
        """Return an interval of so many standard errors below and above a mean, which stays between 0 and 1."""
        if error.value == 0:
            return self._at_the_end(Interval(mean, mean, self.level))
        odds = special.logit(mean) + np.array([-1, 1]) * reach * error.value / (mean * (1 - mean))
        low, high = map(float, special.expit(odds))
        return Interval(low, high, self.level)

    def _at_the_end(self, interval: Interval) -> Interval:
        """Give an interval width where no row was seen to be wrong, or right (Clopper and Pearson, 1934)."""
        if interval.low < interval.high or 0 < interval.low < 1:
            return interval
        rows = min(self.draws, rows_of_metric(self.metric, self.references))
        reach = ((1 - self.level) / 2) ** (1 / rows)
        return Interval(reach, 1.0, self.level) if interval.low == 1 else Interval(0.0, 1 - reach, self.level)

    def difference(self, first: str, second: str, *, comparisons: int = 1) -> Difference:
        level = 1 - self.alpha / comparisons
        value = self.scores[first].mean - self.scores[second].mean
        influences = self._influences(first, second)
        by_examples = float(example_variance(influences, self.strata))
        error = standard_error(by_examples, len(influences), self.seeds(first, second))
        seeds = [len(self.scores[name].by_seed) for name in (first, second)]
        if max(seeds) == 1 and not self.clustered:
            replicates = self.replicates[first] - self.replicates[second]
            interval = bca_interval(value, replicates, centred(influences, self.strata), level=level)
        else:
            reach = float(stats.t.isf((1 - level) / 2, error.degrees_of_freedom)) * error.value
            # Scores lie between 0 and 1, so clipping removes impossible values only and keeps the level.
            interval = Interval(max(-1.0, value - reach), min(1.0, value + reach), level)
        return Difference(value, interval, error, "trained models" if min(seeds) == 1 else "strategies")

    def test(self, first: str, second: str, comparisons: int) -> tuple[Method, float]:
        """Return the name of the test for this pair and its p-value."""
        if self.clustered or max(len(self.scores[first].by_seed), len(self.scores[second].by_seed)) > 1:
            value = self.scores[first].mean - self.scores[second].mean
            return "crossed t", crossed_t(value, self._influences(first, second), self.seeds(first, second))
        if is_accuracy(self.metric, self.references):
            right, other_right = (right_rows(self.references, self.predictions[name][0]) for name in (first, second))
            return "exact McNemar", mcnemar(right, other_right)
        p_value = approximate_randomisation(
            self.metric,
            self.references,
            self.predictions[first][0],
            self.predictions[second][0],
            self.num_labels,
            resamples=self.resamples,
            smallest=self.alpha / (20 * comparisons),  # well below what is significant after the correction
            rng=self.rng,
        )
        return "approximate randomisation", p_value

    def _scores(self, predictions: NDArray[np.int64]) -> Scores:
        counts = [row_counts(self.metric, self.references, of_seed, self.num_labels) for of_seed in predictions]
        totals = np.stack([np.asarray(of_seed.sum(axis=1)) for of_seed in counts], axis=1)
        influences = [self.sums @ influence(self.metric, of_seed) for of_seed in counts]
        return Scores(score(self.metric, totals), np.stack(influences))

    def _resampled(self, models: NDArray[np.int64]) -> NDArray[np.float64]:
        return resampled_scores(
            self.metric,
            self.references,
            models,
            self.num_labels,
            self.strata,
            resamples=self.resamples,
            rng=self.rng,
        )

    def _influences(self, first: str, second: str) -> NDArray[np.float64]:
        return self.scores[first].row_influences - self.scores[second].row_influences


def _check(
    references: NDArray[np.int64],
    predictions: Mapping[str, NDArray[np.int64]],
    metric: Metric,
    clusters: NDArray[np.int64] | None,
) -> None:
    if clusters is not None and clusters.shape != (len(references),):
        raise DataError(f"there are clusters of shape {clusters.shape} for {len(references)} rows; each row has one.")
    if references.ndim not in (1, 2) or references.size == 0 or not predictions:
        raise DataError(
            "a comparison needs references of shape (rows,) or, for several labels, (rows, labels), and at least one "
            f"contender; got references of shape {references.shape} and {len(predictions)} contenders."
        )
    may_have_several = references.ndim == 2
    known = SET_METRICS if may_have_several else (*METRICS, *SEQUENCE_METRICS)
    if metric == "f1-binary" and not (references == 1).any():
        raise DataError("f1-binary is the F1 of label id 1, which no row has, so it is no number; compare by accuracy.")
    if metric == "f1-macro" and may_have_several and not references.any():
        raise DataError("no row has a label, so F1 is no number; compare by accuracy.")
    if metric not in known:
        several = " where rows may have several labels" if may_have_several else ""
        raise DataError(f"contenders are compared by {', '.join(known)}{several}, not by {metric!r}.")
    for name, of_one in {"the references": references[None], **predictions}.items():
        if len(of_one) == 0 or of_one.shape[1:] != references.shape:
            wanted = ", ".join(map(str, references.shape))
            raise DataError(
                f"contender {name!r} has predictions of shape {of_one.shape}, but needs (seeds, {wanted}): all "
                "contenders are scored on the same test rows."
            )
        if not np.issubdtype(of_one.dtype, np.integer) or of_one.min() < 0:
            raise DataError(
                f"{name!r} must hold label ids, which are whole numbers from 0; it holds {of_one.dtype} numbers from "
                f"{of_one.min()} on."
            )
        if may_have_several and of_one.max() > 1:
            raise DataError(f"{name!r} must hold zeros and ones, one for each label; it holds {of_one.max()}.")
        if metric == "f1-binary" and of_one.max() > 1:
            raise DataError(
                f"f1-binary is for two labels, ids 0 and 1, but {name!r} holds {of_one.max()}. Use f1-macro."
            )

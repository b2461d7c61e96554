"""Which contenders differ, from the predictions that their models stored."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from textclf_core.errors import DataError
from textclf_core.statistics.bootstrap import Interval, bca_interval, resampled_scores, strata_of
from textclf_core.statistics.metrics import (
    METRICS,
    SENTENCE_METRICS,
    SET_METRICS,
    Metric,
    influence,
    is_accuracy,
    right_rows,
    row_counts,
    score,
)
from textclf_core.statistics.paired import (
    approximate_randomisation,
    crossed_t,
    detectable_difference,
    holm,
    mcnemar,
)
from textclf_core.statistics.results import Comparison, ContenderStatistics, Difference, Method, PairedTest
from textclf_core.statistics.variance import (
    Scores,
    SeedVariance,
    centred,
    example_variance,
    seed_variances,
    standard_error,
)


def compare(
    references: NDArray[np.int64],
    predictions: Mapping[str, NDArray[np.int64]],
    metric: Metric,
    *,
    alpha: float = 0.05,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare contenders on the rows of one test set.

    Examples are taken as drawn within each label, so all of it speaks of test sets with these shares of the labels;
    sentences whose words have labels, and rows that may have several, are taken as drawn among all.

    Args:
        references: the true label ids, int64, shape (rows,); where a row may have several labels, zeros and ones,
            (rows, labels).
        predictions: for each contender the predicted label ids, int64, shape (seeds, rows), rows as in
            ``references``; or zeros and ones, (seeds, rows, labels). Numbers of seeds may differ: a contender with one
            seed takes part as the trained model that it is.
        metric: what to compare.
        alpha: the chance of any false difference that is accepted; intervals are of level 1 - alpha.
        resamples: of the bootstrap, and of a randomisation test, which takes more where the correction for the
            number of pairs asks for a smaller p-value.
        seed: decides the resamples.

    Raises:
        DataError: the predictions aren't label ids for the same rows.
    """
    given = _Given(references, predictions, metric, alpha, resamples, seed)
    means = {name: scores.mean for name, scores in given.scores.items()}
    best = max(means, key=lambda name: means[name])
    pairs = list(combinations(predictions, 2))
    differences = [given.difference(*pair) for pair in pairs]
    tested = [given.test(*pair, len(pairs)) for pair in pairs]
    # Which contender is best was picked by the same data, so its pairs are no family of their own: corrected among
    # all pairs, whichever are looked at afterwards, the chance of a false difference is still at most alpha.
    adjusted = holm([p_value for _, p_value in tested])
    tests = tuple(
        PairedTest(
            *pair,
            difference=difference,
            method=method,
            p_value=p_value,
            adjusted_p_value=adjusted_p_value,
            detectable=detectable_difference(
                difference.standard_error, len(references), alpha=alpha, comparisons=len(pairs)
            ),
        )
        for pair, difference, (method, p_value), adjusted_p_value in zip(
            pairs, differences, tested, adjusted, strict=True
        )
    )
    worse = {
        test.second if test.first == best else test.first
        for test in tests
        if best in (test.first, test.second) and test.adjusted_p_value < alpha
    }
    contenders = tuple(
        ContenderStatistics(
            name=name,
            by_seed=tuple(float(value) for value in scores.by_seed),
            mean=means[name],
            standard_deviation=float(np.sqrt(scores.variance)) if len(scores.by_seed) > 1 else None,
            examples_interval=given.examples_interval(name),
            interval=given.interval(name),
            verdict="best" if name == best else "worse" if name in worse else "not distinguishable from the best",
        )
        for name, scores in given.scores.items()
    )
    return Comparison(metric, alpha, len(references), contenders, tests, best)


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
    """Return how much higher the first contender's metric is than the second's, with its interval.

    The arguments are those of :func:`compare`, with the predictions of two contenders, shape (seeds, rows) each. In a
    comparison of more, all of them tell how much seeds vary, so that ``Comparison.pair`` knows a little better.
    """
    given = _Given(references, {"first": first, "second": second}, metric, alpha, resamples, seed)
    return given.difference("first", "second")


class _Given:
    """What was given, counted once and shared by all that is computed from it."""

    def __init__(
        self,
        references: NDArray[np.int64],
        predictions: Mapping[str, NDArray[np.int64]],
        metric: Metric,
        alpha: float,
        resamples: int,
        seed: int,
    ) -> None:
        _check(references, predictions, metric)
        self.references, self.predictions, self.metric = references, predictions, metric
        self.level, self.alpha, self.resamples = 1 - alpha, alpha, resamples
        self.strata = strata_of(references, metric)
        self.num_labels = 1 + max(1, int(references.max()), *(int(of_one.max()) for of_one in predictions.values()))
        self.scores = {name: self._scores(of_one) for name, of_one in predictions.items()}
        self.seed_variances = seed_variances(self.scores, self.strata)
        self.rng = np.random.default_rng(seed)
        self.replicates: dict[str, NDArray[np.float64]] = {}
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
        influences = centred(scores.row_influences, self.strata)
        return bca_interval(scores.mean, self.replicates[name], influences, level=self.level)

    def interval(self, name: str) -> Interval:
        scores = self.scores[name]
        if len(scores.by_seed) == 1:
            return self.examples_interval(name)
        by_examples = float(example_variance(scores.row_influences, self.strata))
        error = standard_error(by_examples, len(self.references), self.seeds(name))
        if error.value == 0:
            return Interval(scores.mean, scores.mean, self.level)
        # On the scale of log odds, so that it stays between 0 and 1 and is longer towards the middle.
        reach = stats.t.isf((1 - self.level) / 2, error.degrees_of_freedom) * error.value
        reach /= scores.mean * (1 - scores.mean)
        low, high = special.expit(special.logit(scores.mean) + np.array([-reach, reach]))
        return Interval(float(low), float(high), self.level)

    def difference(self, first: str, second: str) -> Difference:
        value = self.scores[first].mean - self.scores[second].mean
        influences = self._influences(first, second)
        by_examples = float(example_variance(influences, self.strata))
        error = standard_error(by_examples, len(influences), self.seeds(first, second))
        seeds = [len(self.scores[name].by_seed) for name in (first, second)]
        if max(seeds) == 1:
            replicates = self.replicates[first] - self.replicates[second]
            interval = bca_interval(value, replicates, centred(influences, self.strata), level=self.level)
        else:
            reach = float(stats.t.isf((1 - self.level) / 2, error.degrees_of_freedom)) * error.value
            # Scores lie between 0 and 1: what is cut off can't be the truth, so the level holds as before.
            interval = Interval(max(-1.0, value - reach), min(1.0, value + reach), self.level)
        return Difference(value, interval, error, "trained models" if min(seeds) == 1 else "strategies")

    def test(self, first: str, second: str, comparisons: int) -> tuple[Method, float]:
        """Return the method that suits the pair, and its p-value."""
        if max(len(self.scores[first].by_seed), len(self.scores[second].by_seed)) > 1:
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
            smallest=self.alpha / (20 * comparisons),  # what is significant after the correction, and well beyond
            rng=self.rng,
        )
        return "approximate randomisation", p_value

    def _scores(self, predictions: NDArray[np.int64]) -> Scores:
        counts = [row_counts(self.metric, self.references, of_seed, self.num_labels) for of_seed in predictions]
        totals = np.stack([np.asarray(of_seed.sum(axis=1)) for of_seed in counts], axis=1)
        return Scores(score(self.metric, totals), np.stack([influence(self.metric, of_seed) for of_seed in counts]))

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


def _check(references: NDArray[np.int64], predictions: Mapping[str, NDArray[np.int64]], metric: Metric) -> None:
    if references.ndim not in (1, 2) or references.size == 0 or not predictions:
        raise DataError(
            f"a comparison needs one reference label a row, or zeros and ones for several, and at least one contender; "
            f"it got references of shape {references.shape} and {len(predictions)} contenders."
        )
    may_have_several = references.ndim == 2
    known = SET_METRICS if may_have_several else (*METRICS, *SENTENCE_METRICS)
    if metric not in known:
        several = " where rows may have several labels" if may_have_several else ""
        raise DataError(f"contenders are compared by {', '.join(known)}{several}, not by {metric!r}.")
    for name, of_one in {"the references": references[None], **predictions}.items():
        if len(of_one) == 0 or of_one.shape[1:] != references.shape:
            wanted = ", ".join(map(str, references.shape))
            raise DataError(
                f"contender {name!r} has predictions of shape {of_one.shape}; wanted (seeds, {wanted}): every "
                "contender is scored on the same test rows."
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
                f"f1-binary is for two labels, ids 0 and 1, and {name!r} holds {of_one.max()}. Take f1-macro."
            )

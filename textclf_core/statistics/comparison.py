"""Pairwise tests and intervals for the contenders of a comparison, from their stored predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from textclf_core.statistics.bootstrap import Interval
from textclf_core.statistics.draws import OwnTests
from textclf_core.statistics.expected_loss import Loss, expected_losses
from textclf_core.statistics.from_best import ComparisonWithBest
from textclf_core.statistics.inputs import Inputs
from textclf_core.statistics.joint_error import JointError
from textclf_core.statistics.looks import SequentialCriticalValues
from textclf_core.statistics.models import Model
from textclf_core.statistics.paired import detectable_difference, holm
from textclf_core.statistics.results import Comparison, ContenderStatistics, Difference, PairedTest, Verdict
from textclf_core.types.metric import MetricInfo


def compare(
    models: Mapping[str, Sequence[Model]],
    metric: MetricInfo,
    *,
    alpha: float = 0.05,
    tolerance: float | None = 0.01,
    labels: NDArray[np.int64] | None = None,
    clusters: NDArray[np.int64] | None = None,
    overlap: float | None = None,
    own_tests: OwnTests | None = None,
    looks: Sequence[int] = (),
    with_pairs: bool = False,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare contenders on the rows of one test set, or of one for each seed.

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
        own_tests: the test sets, if each seed has its own, with one model of each contender on each; then ``labels``
            and ``clusters`` aren't used.
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
    inputs = Inputs(
        models, metric, alpha, resamples, seed, labels=labels, clusters=clusters, overlap=overlap, own_tests=own_tests
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


def _compare_with_best(inputs: Inputs, looks: Sequence[int], seed: int) -> ComparisonWithBest:
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
        error = JointError(inputs.estimates.first(look), inputs.metric.width)
        counts.append(error.counts.tolist())
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


def _test_pairs(inputs: Inputs) -> tuple[PairedTest, ...]:
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
                inputs.estimates.rows,
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
    inputs = Inputs({"first": first, "second": second}, metric, alpha, resamples, seed)
    return inputs.difference_in_own_sign(inputs.difference("first", "second"))


def joint_error(
    models: Mapping[str, Sequence[Model]],
    metric: MetricInfo,
    *,
    labels: NDArray[np.int64] | None = None,
    clusters: NDArray[np.int64] | None = None,
) -> JointError:
    """Return the mean scores, of which larger are better, with their joint error; arguments as for :func:`compare`."""
    return Inputs(models, metric, 0.05, 1, 0, labels=labels, clusters=clusters).joint

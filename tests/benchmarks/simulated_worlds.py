"""Worlds of contenders whose truth is known, and what the statistics make of comparisons drawn from them.

In a simulation each prediction is right if a normal variable stays below a threshold; the variable is the sum of a part
that all contenders share (how hard the text is) and a part of the one model. The share of its variance that is shared
makes errors independent, or alike as those of real models are. Seeds scatter: a model's true accuracy lies about its
contender's.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from textclf_core import statistics
from textclf_core.statistics import Comparison, OwnTests
from textclf_core.statistics.paired import holm

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from label_metrics import compare, info_of, model_of  # as a script it finds it only now

ALPHA = 0.05
TOLERANCE = 0.01

# The function that says which contenders don't share an estimate of the variance between seeds.
_CHOICE_OF_POOLING = "textclf_core.statistics.variance.unsteady_ones"

# So many choices give a contender's mean true accuracy over choices.
_CHOICES = 1000


@dataclass(frozen=True)
class World:
    """What the simulated contenders are like.

    Attributes:
        accuracies: the true accuracy of each contender, on either label.
        scatter: the standard deviation of a model's true accuracy about its contender's, over seeds: one for all, or
            one for each.
        share: the share of the variable's variance that all contenders have in common.
        positives: the share of rows with the second label.
        copies: how often each text is there: once, each twice, or a fifth of the rows in groups of five.
        train_rows: the rows of each seed's own training sample; 0 if all seeds have the same one. Then the scatter is
            that of samples: a model's deviation is the sum of the effects of its training rows.
        pool_rows: the rows that the samples are drawn from, which are themselves drawn in each simulation.
        alike: the share of a training row's effect, in variance, that it has on all contenders alike.
        overlap: the share of rows that two samples have in common, as the comparison is to assume it; the expected one
            if not given.
        own_tests: whether each seed has its own test rows, which are drawn from the same pool.
        trials: how many values of an option each contender tries at each seed, of which it takes the one with the best
            accuracy on as many validation rows as there are test rows; the values are the same at every seed.
        trial_spread: the standard deviation of the true accuracies of these values, of each contender. Its mean true
            accuracy over choices is that in ``accuracies``.
        lasting: the share of the variable's variance that a contender has on a row at every seed, where rows are drawn
            from a pool.
        own_variances: whether the comparison estimates the variance between seeds of each contender alone, instead of
            pooling what varies alike.
    """

    accuracies: tuple[float, ...] = (0.8,) * 4
    seeds: int = 3
    rows: int = 1066
    metric: str = "accuracy"
    scatter: float | tuple[float, ...] = 0.0
    share: float = 0.3
    positives: float = 0.5
    copies: Literal["none", "twice", "a fifth"] = "none"
    train_rows: int = 0
    pool_rows: int = 0
    alike: float = 0.0
    overlap: float | None = None
    own_tests: bool = False
    lasting: float = 0.0
    trials: int = 0
    trial_spread: tuple[float, ...] = ()
    own_variances: bool = False

    @property
    def clusters(self) -> NDArray[np.int64]:
        """Which rows have the same text, as ids."""
        if self.copies == "twice":
            return np.arange(self.rows) // 2
        grouped = self.rows // 5 if self.copies == "a fifth" else 0
        return np.concatenate([np.arange(grouped) // 5, grouped + np.arange(self.rows - grouped)])

    @property
    def name(self) -> str:
        """What is special about it, in short."""
        scatter = "/".join(f"{100 * one:g}" for one in np.atleast_1d(self.scatter))
        labels = f" {100 * self.positives:.0f}:{100 - 100 * self.positives:.0f}" if self.positives != 0.5 else ""
        return f"{self.metric}{labels}, {self.rows} rows, {self.seeds} seeds, scatter {scatter}, share {self.share:g}"

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:
        """Return the references and, for each contender, the predictions of its seeds."""
        _, texts = np.unique(self.clusters, return_inverse=True)
        different = int(texts.max()) + 1
        references = (rng.random(different) < self.positives).astype(np.int64)
        right = self.draw_right(different, rng)
        predictions = {str(name): np.where(of_one, references, 1 - references) for name, of_one in enumerate(right)}
        return references[texts], {name: of_one[:, texts] for name, of_one in predictions.items()}

    def draw_right(self, rows: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return which rows the models are right on, (contenders, seeds, rows)."""
        number = len(self.accuracies)
        standard = self.draw_sample_effects(rng) if self.train_rows else rng.normal(size=(number, self.seeds))
        deviations = np.broadcast_to(self.scatter, (number,))[:, None] * standard
        deviations = deviations + self._choices(rng)
        accuracies = np.clip(np.array(self.accuracies)[:, None] + deviations, 0.01, 0.995)
        variable = np.sqrt(1 - self.share) * rng.normal(size=(number, self.seeds, rows))
        variable += np.sqrt(self.share) * rng.normal(size=rows)
        return np.asarray(variable < stats.norm.ppf(accuracies)[:, :, None])

    def draw_with_tests(self, rng: np.random.Generator) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        """Return the references of each seed's own test rows, (rows,), and the predictions, (contenders, rows)."""
        number = len(self.accuracies)
        effects = self._row_effects(rng)
        labels = (rng.random(self.pool_rows) < self.positives).astype(np.int64)
        of_rows = np.sqrt(self.share) * rng.normal(size=self.pool_rows)
        of_rows = of_rows + np.sqrt(self.lasting) * rng.normal(size=(number, self.pool_rows))
        choices = self._choices(rng)
        references, predictions = [], []
        for seed in range(self.seeds):
            order = rng.permutation(self.pool_rows)
            train, test = order[: self.train_rows], order[-self.rows :]
            standard = effects[:, train].sum(axis=1) / math.sqrt(self.train_rows)
            deviations = np.broadcast_to(self.scatter, (number,)) * standard
            accuracies = np.clip(np.array(self.accuracies) + deviations + choices[:, seed], 0.01, 0.995)
            own = np.sqrt(1 - self.share - self.lasting) * rng.normal(size=(number, self.rows))
            right = of_rows[:, test] + own < stats.norm.ppf(accuracies)[:, None]
            references.append(labels[test])
            predictions.append(np.where(right, labels[test], 1 - labels[test]))
        return references, predictions

    def draw_sample_effects(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return what each seed's training sample does to each contender, with a variance of 1, (contenders, seeds)."""
        effects = self._row_effects(rng)
        samples = [rng.permutation(self.pool_rows)[: self.train_rows] for _ in range(self.seeds)]
        return np.stack([effects[:, rows].sum(axis=1) for rows in samples], axis=1) / math.sqrt(self.train_rows)

    def _choices(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return what the choice at each seed adds to the true accuracy, (contenders, seeds)."""
        number = len(self.accuracies)
        if not self.trials:
            return np.zeros((number, self.seeds))
        values = np.array(self.trial_spread)[:, None] * rng.normal(size=(number, self.trials))
        accuracy = float(np.mean(self.accuracies))
        noise = math.sqrt(accuracy * (1 - accuracy) / self.rows)
        seen = values[:, None] + noise * rng.normal(size=(number, _CHOICES, self.trials))
        chosen = np.take_along_axis(values, seen.argmax(axis=2), axis=1)
        return np.asarray(chosen[:, : self.seeds] - chosen.mean(axis=1, keepdims=True))

    def _row_effects(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return what each row of the pool, as a training row, does to each contender, (contenders, rows)."""
        effects = np.sqrt(1 - self.alike) * rng.normal(size=(len(self.accuracies), self.pool_rows))
        effects += np.sqrt(self.alike) * rng.normal(size=self.pool_rows)
        return np.asarray(effects)

    @property
    def assumed_overlap(self) -> float | None:
        """The share of rows that two samples have in common, as the comparison assumes it."""
        return self.overlap if self.overlap is not None or not self.train_rows else self.train_rows / self.pool_rows

    @property
    def truths(self) -> NDArray[np.float64]:
        """The true score of each contender: the mean over its possible seeds."""
        points, weights = np.polynomial.hermite_e.hermegauss(31)
        scatter = np.broadcast_to(self.scatter, (len(self.accuracies),))
        accuracies = np.clip(np.array(self.accuracies)[:, None] + scatter[:, None] * points, 0.01, 0.995)
        return np.asarray(true_score(self.metric, accuracies, self.positives) @ (weights / weights.sum()))


def true_score(metric: str, accuracy: NDArray[np.float64], positives: float) -> NDArray[np.float64]:
    """Return the score on all texts of a model that is right on either label with this probability."""
    if metric == "accuracy":
        return accuracy
    if metric == "mcc":
        predicted = positives * accuracy + (1 - positives) * (1 - accuracy)  # the share predicted as the second label
        return (2 * accuracy - 1) * np.sqrt(positives * (1 - positives) / (predicted * (1 - predicted)))
    of_label = [
        2 * share * accuracy / (share * accuracy + share * accuracy + (1 - accuracy))
        for share in (1 - positives, positives)
    ]
    return np.asarray(of_label[1] if metric == "f1-binary" else (of_label[0] + of_label[1]) / 2)


@dataclass
class Tally:
    """Shares over simulations, and means."""

    values: dict[str, list[float]]

    def add(self, **values: float) -> None:
        """Add what came of one simulation."""
        for name, value in values.items():
            self.values.setdefault(name, []).append(float(value))

    def write(self, name: str) -> str:
        """Return a mean with its standard error."""
        values = np.array(self.values[name])
        return f"{values.mean():.3f} ± {values.std() / math.sqrt(len(values)):.3f}"

    def write_width(self, name: str) -> str:
        """Return the mean width of intervals against that of one that knows how much the estimate varies."""
        estimates, widths = np.array(self.values[f"{name}_estimate"]), np.array(self.values[f"{name}_width"])
        known = 2 * self.values[f"{name}_quantile"][0] * estimates.std(ddof=1)
        ratio = widths.mean() / known
        return f"{ratio:.2f} ± {ratio / math.sqrt(2 * (len(estimates) - 1)):.2f}"


def simulate(
    world: World,
    simulations: int,
    look: Callable[[World, Comparison, Tally], None],
    *,
    pairs: bool = False,
    seed: int = 0,
) -> Tally:
    """Return what ``look`` finds in many comparisons of one world."""
    rng, tally = np.random.default_rng(seed), Tally({})
    for simulation in range(simulations):
        if world.own_tests:
            look(world, _compare_draws(world, rng, pairs=pairs, seed=simulation), tally)
            continue
        references, predictions = world.draw(rng)
        pooling = (
            patch("textclf_core.statistics.variance.unsteady_ones", _all) if world.own_variances else nullcontext()
        )
        with pooling:
            comparison = compare(
                references,
                predictions,
                world.metric,
                alpha=ALPHA,
                tolerance=TOLERANCE,
                clusters=world.clusters,
                overlap=world.assumed_overlap,
                with_pairs=pairs,
                resamples=500 if world.seeds == 1 else 10,  # with several seeds no result here rests on resamples
                seed=simulation,
            )
        look(world, comparison, tally)
    return tally


def _all(between: Mapping[str, float], freedom: Mapping[str, int]) -> set[str]:
    """Say of all contenders that they vary more than the others, so that none share an estimate."""
    return set(between)


def _compare_draws(world: World, rng: np.random.Generator, *, pairs: bool, seed: int) -> Comparison:
    """Return a comparison in which each seed has its own test rows."""
    references, predictions = world.draw_with_tests(rng)
    models = {
        str(name): [model_of(world.metric, true, own[name]) for true, own in zip(references, predictions, strict=True)]
        for name in range(len(world.accuracies))
    }
    rows = np.arange(world.rows)
    return statistics.compare(
        models,
        info_of(world.metric),
        alpha=ALPHA,
        tolerance=TOLERANCE,
        overlap=world.assumed_overlap,
        own_tests=OwnTests((rows,) * world.seeds, (None,) * world.seeds, world.rows / world.pool_rows),
        with_pairs=pairs,
        seed=seed,
    )


def look_at_draws(world: World, comparison: Comparison, tally: Tally) -> None:
    """Note what :func:`look_at_errors` notes, and the test of Nadeau and Bengio by the scores of each draw alone."""
    look_at_errors(world, comparison, tally)
    scores, truths = np.array([one.by_seed for one in comparison.contenders]), world.truths
    p_values, equal = [], []
    for one, other in combinations(range(len(scores)), 2):
        gaps = scores[one] - scores[other]
        error = math.sqrt(gaps.var(ddof=1) * (1 / len(gaps) + world.rows / world.train_rows))
        p_values.append(2 * stats.t.sf(abs(gaps.mean()) / error, len(gaps) - 1) if error else 1.0)
        equal.append(abs(truths[one] - truths[other]) < 1e-12)
    false = [adjusted < ALPHA and same for adjusted, same in zip(holm(p_values), equal, strict=True)]
    tally.add(by_nadeau_and_bengio=any(false))


def look_at_errors(world: World, comparison: Comparison, tally: Tally) -> None:
    """Note false verdicts and pairs, and which intervals hold the truth."""
    truths = world.truths
    from_best = truths - np.array([np.delete(truths, one).max() for one in range(len(truths))])
    verdicts = [one.verdict for one in comparison.contenders]
    pairs = [
        pair.adjusted_p_value < ALPHA and abs(truths[int(pair.first)] - truths[int(pair.second)]) < 1e-12
        for pair in comparison.pairs
    ]
    best = int(comparison.best)
    differences = [
        pair.difference.interval.low
        <= truths[int(pair.first)] - truths[int(pair.second)]
        <= pair.difference.interval.high
        for pair in comparison.pairs
    ]
    tally.add(
        false_best=any(one == "best" and gap <= 0 for one, gap in zip(verdicts, from_best, strict=True)),
        false_worse=any(one == "worse" and gap >= 0 for one, gap in zip(verdicts, from_best, strict=True)),
        false_pair=any(pairs),
        shown_worse=np.mean([one == "worse" for one, gap in zip(verdicts, from_best, strict=True) if gap < 0] or [0]),
        false_as_good=any(
            one == "as good" and gap <= -TOLERANCE + 1e-9 for one, gap in zip(verdicts, from_best, strict=True)
        ),
        as_good=np.mean([one == "as good" for one, gap in zip(verdicts, from_best, strict=True) if gap > -1e-9]),
        score=np.mean(
            [
                one.interval.low <= truth <= one.interval.high
                for number, (one, truth) in enumerate(zip(comparison.contenders, truths, strict=True))
                if number != best
            ]
        ),
        best_score=comparison.contenders[best].interval.low
        <= truths[best]
        <= comparison.contenders[best].interval.high,
        pairs_at_once=all(differences),
        distances=all(
            one.distance is not None and one.distance.low - 1e-12 <= gap <= one.distance.high + 1e-12
            for one, gap in zip(comparison.contenders, from_best, strict=True)
        ),
        detectable=min(1.0, comparison.detectable or 1.0),
        # The first contender's mean isn't selected, and the interval of one that isn't the best doesn't allow for it.
        score_estimate=comparison.contenders[0].mean,
        score_width=np.mean(
            [one.interval.high - one.interval.low for number, one in enumerate(comparison.contenders) if number != best]
        ),
        score_quantile=stats.norm.isf(ALPHA / 2),
    )
    if comparison.pairs:
        first = comparison.pairs[0].difference
        tally.add(
            pair_estimate=first.value,
            pair_width=first.interval.high - first.interval.low,
            pair_quantile=stats.norm.isf(ALPHA / 2 / len(comparison.pairs)),
        )


def look_at_recommendation(world: World, comparison: Comparison, tally: Tally) -> None:
    """Note what the recommended contender loses and costs; costs fall evenly from 1 to 0.1."""
    truths, costs = world.truths, np.linspace(1, 0.1, len(world.accuracies))
    losses = [one.loss for one in comparison.contenders if one.loss]
    within = [number for number, loss in enumerate(losses) if loss.expected <= TOLERANCE / 2]
    chosen = (
        min(within, key=lambda number: costs[number])
        if within
        else min(range(len(losses)), key=lambda number: losses[number].expected)
    )
    loss = truths.max() - truths[chosen]
    tally.add(
        too_bad=loss > TOLERANCE + 1e-9,
        loss=100 * loss,
        cost=costs[chosen],
        cost_of_best_looking=costs[int(comparison.best)],
        risk=losses[chosen].risk,
    )

"""The errors of all contenders' mean scores together: over the test rows, which they share, and over their seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from textclf_core.statistics.estimates import Estimates
from textclf_core.statistics.variance import SeedVariance


class JointError:
    """The distribution of the contenders' errors, with the doubt about the variance between seeds.

    Args:
        estimates: the scores, with what is known of their variances.
        width: the distance between the metric's limits; infinite without both.

    Attributes:
        means: the mean score of each contender, float64, (contenders,).
        rows: the number of rows of a test set.
        effective_rows: the number of rows of one test set on which the means would vary as much over rows.
        counts: the number of seeds of each contender, int64, (contenders,).
        by_examples: the covariance of the means over test rows, float64, (contenders, contenders).
        redrawn: the part of ``by_examples`` that more seeds shrink, since they have test rows of their own.
        width: the distance between the metric's limits.
    """

    def __init__(self, estimates: Estimates, width: float = 1.0) -> None:
        scores, seeds = estimates.scores, estimates.seed_variances
        self.width = width
        self.means = np.array([one.mean for one in scores.values()])
        self.rows, self.effective_rows = estimates.rows, estimates.effective_rows
        self.redrawn = estimates.redrawn
        self.by_examples = estimates.covariance() + np.eye(len(scores)) * estimates.unseen(width)
        self.counts = np.array([len(one.by_seed) for one in scores.values()])
        # A pooled estimate is one estimate, however many contenders share it.
        groups: dict[SeedVariance | str, list[int]] = {}
        for number, name in enumerate(scores):
            if seeds[name].degrees_of_freedom:
                groups.setdefault(seeds[name] if seeds[name].pooled else name, []).append(number)
        names = list(scores)
        self._groups = [(np.array(members), seeds[names[members[0]]]) for members in groups.values()]

    @property
    def by_seeds(self) -> NDArray[np.float64]:
        """The estimated variance of each mean between seeds, float64, (contenders,)."""
        return np.asarray(self._of_groups([np.array([own.value]) for _, own in self._groups], 1)[0])

    @property
    def pair_variances(self) -> NDArray[np.float64]:
        """The estimated variance of each difference of two means, float64, (contenders, contenders)."""
        by_seeds = self.by_seeds
        return np.asarray(_over_rows(self.by_examples) + by_seeds[:, None] + by_seeds)

    @property
    def between(self) -> NDArray[np.float64]:
        """The mean square between seeds of each contender, float64, (contenders,); 0 without an estimate."""
        result = np.zeros(len(self.means))
        for members, own in self._groups:
            result[members] = own.between
        return result

    @property
    def lasting(self) -> NDArray[np.float64]:
        """The variance of each mean that more seeds don't shrink, since their training samples overlap, (contenders,).

        It is a part of ``by_seeds``.
        """
        result = np.zeros(len(self.means))
        for members, own in self._groups:
            result[members] = own.value * own.lasting
        return result

    @property
    def common(self) -> NDArray[np.float64]:
        """The covariance of the means over rows without what more seeds shrink.

        That is what the seeds' own errors on these rows add to it, or all but what test sets have in common.
        """
        if self.redrawn:
            return self.by_examples * (1 - self.redrawn)
        explained = np.zeros(len(self.means))
        for members, own in self._groups:
            explained[members] = min(own.explained, own.between)
        return self.by_examples - np.diag(explained / self.counts)

    def draw_common(self, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return errors over rows that all looks at a comparison share, float64, (draws, contenders)."""
        return np.asarray(rng.standard_normal((draws, len(self.means))) @ _root(self.common).T)

    def draw_squares(self, draws: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean square between seeds, and the variance of a mean that more seeds don't shrink.

        As they may be, given the estimates: see :meth:`draw_errors`. Both (draws, contenders).
        """
        squares, lasting = np.zeros((draws, len(self.means))), np.zeros((draws, len(self.means)))
        for members, own in self._groups:
            square = _possible_square(own, draws, rng)[:, None]
            squares[:, members] = square
            lasting[:, members] = own.lasting * np.maximum(0, square - own.explained)
        return squares, lasting

    def seed_variances_at(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the estimated variance of each mean between seeds at a look, beside :attr:`common`, (contenders,).

        Args:
            counts: the number of seeds of each contender, (contenders,).
        """
        return np.asarray(self.between / counts + self.lasting)

    def draw_errors(self, draws: int, rng: np.random.Generator, *, many_seeds: bool = False) -> NDArray[np.float64]:
        """Return errors of the means, with the variance between seeds as it may be, given the estimate.

        The variance is drawn from the scaled inverse chi-square distribution of its estimate. Over the standard error
        as it was estimated, an error between seeds alone then has Student's t distribution. If the errors had the
        estimated variance, an estimate from few seeds that happens to be 0 would hide all of it, and with it that a
        contender is among the best.

        Args:
            draws: the number of draws.
            rng: the random generator.
            many_seeds: take the estimate for the truth, as one from many seeds would be.

        Returns:
            float64, (draws, contenders).
        """
        by_examples = rng.standard_normal((draws, len(self.means))) @ _root(self.by_examples).T
        if many_seeds:
            return np.asarray(by_examples + rng.standard_normal(by_examples.shape) * np.sqrt(self.by_seeds))
        drawn = [np.maximum(0, _possible_square(own, draws, rng) - own.explained) for _, own in self._groups]
        variances = self._of_groups(drawn, draws)
        return np.asarray(by_examples + rng.standard_normal(variances.shape) * np.sqrt(variances))

    def draw_truths(self, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return what the variance between seeds could be, given the estimate: scaled inverse chi-square.

        With a prior proportional to the variance to the power of -2, which adds two degrees of freedom: with the usual
        -1, two contenders at two seeds would have a variance without a mean, and any gap could be chance.

        Returns:
            Of each mean, float64, (draws, contenders).
        """
        drawn = [
            np.maximum(0, _possible_square(own, draws, rng, more_freedom=2) - own.explained) for _, own in self._groups
        ]
        return self._of_groups(drawn, draws)

    def _of_groups(self, variances: Sequence[NDArray[np.float64]], draws: int) -> NDArray[np.float64]:
        result = np.zeros((draws, len(self.means)))
        for (members, of_group), own in zip(self._groups, variances, strict=True):
            result[:, members] = own[:, None] * (1 / self.counts[members] + of_group.lasting)
        return result


def beaten_by(
    errors: NDArray[np.float64], covariance: NDArray[np.float64], by_seeds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return by how many standard errors of the difference the others beat each contender at most.

    Args:
        errors: of the means, (draws, contenders).
        covariance: of the means over rows, (contenders, contenders).
        by_seeds: the estimated variance of each mean between seeds, (contenders,).

    Returns:
        float64, (draws, contenders).
    """
    spread = np.sqrt(_over_rows(covariance) + by_seeds[:, None] + by_seeds)
    spread = np.maximum(spread, np.finfo(float).tiny ** 0.5)
    largest = np.empty_like(errors)
    for one in range(errors.shape[1]):  # all pairs at once would take draws * contenders ** 2 numbers
        others = np.arange(errors.shape[1]) != one
        largest[:, one] = ((errors[:, others] - errors[:, [one]]) / spread[one, others]).max(axis=1)
    return largest


def _over_rows(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance of each difference from the covariance of means."""
    own = np.diag(covariance)
    return np.asarray(own[:, None] + own - 2 * covariance)


def _possible_square(
    estimate: SeedVariance, draws: int, rng: np.random.Generator, *, more_freedom: int = 0
) -> NDArray[np.float64]:
    """Return what the mean square between seeds could be, given the estimate: scaled inverse chi-square, (draws,)."""
    freedom = estimate.degrees_of_freedom
    return np.asarray(estimate.between * freedom / rng.chisquare(freedom + more_freedom, draws))


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a matrix whose product with its transpose is the covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(0, values)))

"""What it costs to choose a contender that may not be the best, in the metric's own units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textclf_core.statistics.joint_error import JointError

_SPREADS = 40
_SEED_VARIANCES = 40
_DRAWS = 4000

PRIOR_SCALE = 2.0
"""The prior's median of the spread between contenders, in tolerances."""


@dataclass(frozen=True)
class Loss:
    """What is lost by choosing a contender.

    Attributes:
        expected: by how much it is expected to be worse than the best contender.
        risk: the probability that it is worse by more than the tolerance.
        score: the score that is expected of it, which is nearer to the others' than its measured one.
    """

    expected: float
    risk: float
    score: float


def expected_losses(error: JointError, tolerance: float, rng: np.random.Generator) -> list[Loss]:
    """Return the loss of each contender, by the posterior distribution of all true scores together.

    The true scores are taken as draws from a normal distribution whose mean is unknown and whose standard deviation t,
    the spread between contenders, has a half-Cauchy prior with the median ``PRIOR_SCALE`` tolerances (Gelman, Bayesian
    Analysis 1, 2006, pp. 515-534). So the more alike contenders look, the more of their differences counts as chance,
    which is the correction for choosing the best of many. t is integrated over, not estimated: with few contenders the
    estimate is often 0 although one is worse. So is the variance between seeds, over its scaled inverse chi-square.

    Args:
        error: of one or more contenders.
        tolerance: the loss that is accepted, in the metric's units, above 0.
        rng: the random generator.
    """
    number = len(error.means)
    if number == 1:
        return [Loss(0.0, 0.0, float(error.means[0]))]
    # At the middle of equal shares of the prior.
    shares = (np.arange(_SPREADS) + 0.5) / _SPREADS
    spreads = (PRIOR_SCALE * tolerance * np.tan(np.pi / 2 * shares)) ** 2
    posteriors = [_Posterior(error, of_one, spreads) for of_one in error.draw_truths(_SEED_VARIANCES, rng)]
    logarithm = np.concatenate([one.log_density for one in posteriors])
    weights = np.exp(logarithm - logarithm.max())
    chosen = rng.choice(len(weights), _DRAWS, p=weights / weights.sum())
    normal = rng.standard_normal(_DRAWS), rng.standard_normal((_DRAWS, number))
    draws = np.empty((_DRAWS, number))
    for place, posterior in enumerate(posteriors):
        own = np.flatnonzero(chosen // _SPREADS == place)
        draws[own] = posterior.scores(chosen[own] % _SPREADS, *(each[own] for each in normal))
    losses = draws.max(axis=1, keepdims=True) - draws
    return [
        Loss(float(own.mean()), float((own > tolerance).mean()), float(score))
        for own, score in zip(losses.T, draws.mean(axis=0), strict=True)
    ]


class _Posterior:
    """The true scores at one possible variance between seeds, for each possible spread between contenders.

    The errors' covariance E has the eigenvectors V and eigenvalues e. With the spread's variance t, the means have the
    covariance E + t I, of the same eigenvectors, so that one decomposition does for all spreads.

    Args:
        error: of the contenders.
        by_seeds: the variance of each mean between seeds, (contenders,).
        variances: the variance t of each spread, (spreads,).

    Attributes:
        log_density: of the means at each spread, without constants, float64, (spreads,).
    """

    def __init__(self, error: JointError, by_seeds: NDArray[np.float64], variances: NDArray[np.float64]) -> None:
        eigenvalues, self._vectors = np.linalg.eigh(error.by_examples + np.diag(by_seeds))
        self._eigenvalues, self._variances = np.maximum(0, eigenvalues), variances
        self._means = error.means @ self._vectors
        self._ones = self._vectors.sum(axis=0)
        precision = 1 / (self._eigenvalues + variances[:, None])
        self._information = precision @ self._ones**2
        self._centres = precision @ (self._ones * self._means) / self._information
        residuals = self._means - self._centres[:, None] * self._ones
        squares = (precision * residuals**2).sum(axis=1)
        self.log_density = 0.5 * (np.log(precision).sum(axis=1) - np.log(self._information) - squares)

    def scores(
        self, spreads: NDArray[np.int64], of_centre: NDArray[np.float64], of_scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return true scores drawn at some spreads, (draws, contenders).

        Given a centre c, they are normal around c + t (E + t I)^-1 (means - c), with the covariance
        t I - t^2 (E + t I)^-1.

        Args:
            spreads: the number of the spread of each draw, (draws,).
            of_centre: standard normal numbers, (draws,).
            of_scores: standard normal numbers, (draws, contenders).
        """
        centre = (self._centres[spreads] + of_centre / np.sqrt(self._information[spreads]))[:, None]
        pulled = self._variances[spreads, None] / (self._eigenvalues + self._variances[spreads, None])
        around = pulled * (self._means - centre * self._ones) + np.sqrt(pulled * self._eigenvalues) * of_scores
        return np.asarray(centre + around @ self._vectors.T)

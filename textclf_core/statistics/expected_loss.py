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
    spreads = PRIOR_SCALE * tolerance * np.tan(np.pi / 2 * shares)
    by_seeds = error.draw_truths(_SEED_VARIANCES, rng)
    noise = error.by_examples + by_seeds[:, :, None] * np.eye(number)
    variances = np.tile(spreads**2, _SEED_VARIANCES)
    precision = np.asarray(
        np.linalg.inv(np.repeat(noise, _SPREADS, axis=0) + variances[:, None, None] * np.eye(number)), dtype=np.float64
    )
    information = precision.sum(axis=(1, 2))
    centres = (precision @ error.means).sum(axis=1) / information
    residuals = error.means - centres[:, None]
    pulled = np.einsum("pij,pj->pi", precision, residuals)
    logarithm = 0.5 * (np.linalg.slogdet(precision)[1] - np.log(information) - (pulled * residuals).sum(axis=1))
    weights = np.exp(logarithm - logarithm.max())
    draws = _draw_scores(
        rng.choice(len(weights), _DRAWS, p=weights / weights.sum()),
        precision,
        information,
        centres,
        variances,
        error.means,
        rng,
    )
    losses = draws.max(axis=1, keepdims=True) - draws
    return [
        Loss(float(own.mean()), float((own > tolerance).mean()), float(score))
        for own, score in zip(losses.T, draws.mean(axis=0), strict=True)
    ]


def _draw_scores(
    chosen: NDArray[np.int64],
    precision: NDArray[np.float64],
    information: NDArray[np.float64],
    centres: NDArray[np.float64],
    variances: NDArray[np.float64],
    means: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return true scores drawn from the posterior at the chosen variances, (draws, contenders)."""
    number = means.shape[0]
    used, place = np.unique(chosen, return_inverse=True)
    own = variances[used, None, None]
    covariance = own * np.eye(number) - own**2 * precision[used]
    values, vectors = np.linalg.eigh(covariance)
    roots = vectors * np.sqrt(np.maximum(0, values))[:, None, :]
    centre = centres[chosen] + rng.standard_normal(len(chosen)) / np.sqrt(information[chosen])
    pulled = np.einsum("dij,dj->di", precision[chosen], means - centre[:, None])
    noise = np.einsum("dij,dj->di", roots[place], rng.standard_normal((len(chosen), number)))
    return np.asarray(centre[:, None] + variances[chosen, None] * pulled + noise)

"""A learning curve fitted to a contender's scores by size of train, with what is not known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from textclf_core.errors import DataError
from textclf_core.statistics.bootstrap import Interval
from textclf_core.statistics.joint_error import JointError
from textclf_core.types.metric import MetricInfo

FEWEST_SIZES = 4
"""A curve has three parameters; with one size more, how well it fits is seen."""
FARTHEST = 2.0
"""How far, in largest sizes, a curve is followed without a warning."""

_MEDIAN_EXPONENT, _SPREAD_OF_EXPONENT = 0.35, 1.0
_MEDIAN_DEVIATION = 0.5  # in tolerances
_REDUCTIONS, _EXPONENTS, _DEVIATIONS, _SEED_VARIANCES = 60, 40, 12, 24
_DRAWS = 4000


@dataclass(frozen=True)
class Estimate:
    """An estimated number and its interval."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class FittedCurve:
    """A distribution of learning curves: error(n) = first_error (1 - reduction (1 - (n / smallest) ** -exponent)).

    Attributes:
        smallest: the smallest number of training examples that was run.
        largest: the largest one.
        best: the best score that there can be.
        first_error: that minus the score at the smallest size, float64, (draws,).
        reduction: the share of that error that any amount of data takes away, float64, (draws,).
        exponent: how fast it does, float64, (draws,).
        deviation: how far the score of one training sample lies from the curve, float64, (draws,).
        level: the level of the intervals.
        metric: the metric; estimates have its own sign, all of the above larger scores for better ones.
    """

    smallest: int
    largest: int
    best: float
    first_error: NDArray[np.float64]
    reduction: NDArray[np.float64]
    exponent: NDArray[np.float64]
    deviation: NDArray[np.float64]
    level: float
    metric: MetricInfo

    def score(self, rows: float) -> Estimate:
        """Return the mean score over seeds on all texts, if trained on one sample of so many examples."""
        return self._estimate(np.minimum(self.best, self.best - self._error(rows) + self.deviation))

    def gain(self, more: float) -> Estimate:
        """Return what so many more examples than the largest size add to the score, on average over samples."""
        return self._estimate(self._error(self.largest) - self._error(self.largest + more))

    @property
    def misfit(self) -> float:
        """How far scores lie from the curve, beyond the errors of rows and seeds: a standard deviation."""
        return float(np.median(np.abs(self.deviation)) / stats.norm.ppf(0.75))

    def is_far(self, rows: float) -> bool:
        """Whether so many examples are so far beyond those that were run that the form of the curve decides."""
        return rows > FARTHEST * self.largest

    def _error(self, rows: float) -> NDArray[np.float64]:
        left = (rows / self.smallest) ** -self.exponent
        return np.asarray(self.first_error * (1 - self.reduction * (1 - left)))

    def _estimate(self, draws: NDArray[np.float64]) -> Estimate:
        own = draws * self.metric.oriented(1)
        low, value, high = np.quantile(own, [(1 - self.level) / 2, 0.5, (1 + self.level) / 2])
        return Estimate(float(value), Interval(float(low), float(high), self.level))


def fit_curve(
    sizes: Sequence[int],
    error: JointError,
    metric: MetricInfo,
    *,
    tolerance: float,
    level: float = 0.95,
    seed: int = 0,
) -> FittedCurve:
    """Return a contender's learning curve: an inverse power law that falls towards a limit.

    The form is the one most used for learning curves (Figueroa et al., BMC Medical Informatics and Decision Making 12,
    2012, article 8; Viering and Loog, IEEE TPAMI 45, 2023, pp. 7799-7819). Scores lie about it by three errors: that of
    the test rows, which all sizes share; that of the seeds; and the deviation of a size's training sample, into which
    goes whatever the form doesn't describe. The parameters are integrated over, not estimated. Priors: the first error
    and the share of it that data can take away are uniform, and a share below a 60th counts as none; the exponent is
    lognormal with the median 0.35 (95% between 0.05 and 2.5), since theory has rates of 1/2 and 1 and experiments often
    slower ones; the deviation is normal with a half-Cauchy scale whose median is half the tolerance.

    Args:
        sizes: the numbers of training examples, ascending.
        error: the scores at these sizes, and their joint error.
        metric: the metric, which has a best value, towards which more data may lead.
        tolerance: in the metric's units.
        level: the level of the intervals.
        seed: the seed of the draws.

    Raises:
        DataError: there are fewer than ``FEWEST_SIZES`` sizes.
    """
    if len(sizes) < FEWEST_SIZES:
        raise DataError(
            f"a fitted learning curve has three parameters, so it needs {FEWEST_SIZES} training sizes or more, not "
            f"{len(sizes)}."
        )
    rng = np.random.default_rng(seed)
    best = metric.oriented(metric.best)
    errors, ratios = best - error.means, np.array(sizes) / sizes[0]
    deviations = _MEDIAN_DEVIATION * tolerance * np.tan(np.pi / 2 * _middles(_DEVIATIONS))
    variances = (error.draw_truths(_SEED_VARIANCES, rng)[:, None] + deviations[:, None] ** 2).reshape(-1, len(sizes))
    precision = np.asarray(np.linalg.inv(error.by_examples + variances[:, :, None] * np.eye(len(sizes))))
    grid = np.stack(np.meshgrid(_middles(_REDUCTIONS), _middles(_EXPONENTS), indexing="ij")).reshape(2, -1)
    shapes = _shapes(grid[0], _exponents(grid[1]), ratios)
    # Given the shape, the errors are the first error times it, so that this one is integrated over in closed form.
    pulled = shapes @ precision
    information, observed = (pulled * shapes).sum(axis=2), pulled @ errors
    squares = np.einsum("i,pij,j->p", errors, precision, errors)[:, None] - observed**2 / information
    logarithm = 0.5 * (np.linalg.slogdet(precision)[1][:, None] - np.log(information) - squares)
    weights = np.exp(logarithm - logarithm.max()).ravel()
    of_variance, of_shape = np.divmod(rng.choice(len(weights), _DRAWS, p=weights / weights.sum()), grid.shape[1])
    # Anywhere in its cell of the grid, which is coarser than the data may be.
    cells = np.array([[_REDUCTIONS], [_EXPONENTS]])
    drawn = grid[:, of_shape] + (rng.random((2, _DRAWS)) - 0.5) / cells
    # Else the interval of a gain, whose ends are quantiles, could never hold that there is none.
    reduction, exponent = np.where(drawn[0] < 1 / _REDUCTIONS, 0, drawn[0]), _exponents(drawn[1])
    shapes = _shapes(reduction, exponent, ratios)
    pulled = np.einsum("di,dij->dj", shapes, precision[of_variance])
    information = (pulled * shapes).sum(axis=1)
    first = (pulled @ errors) / information + rng.standard_normal(_DRAWS) / np.sqrt(information)
    scale = np.tile(deviations, _SEED_VARIANCES)[of_variance]
    deviation = scale * rng.standard_normal(_DRAWS)
    return FittedCurve(sizes[0], sizes[-1], best, first, reduction, exponent, deviation, level, metric)


def _middles(count: int) -> NDArray[np.float64]:
    """Return the middles of so many equal shares of a prior."""
    return (np.arange(count) + 0.5) / count


def _exponents(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(stats.lognorm.ppf(shares, _SPREAD_OF_EXPONENT, scale=_MEDIAN_EXPONENT))


def _shapes(
    reduction: NDArray[np.float64], exponent: NDArray[np.float64], ratios: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of the first error that is left at each size, (shapes, sizes)."""
    return np.asarray(1 - reduction[:, None] * (1 - ratios ** -exponent[:, None]))

"""What makes a score vary: the examples it was measured on, and the seeds of the trained models.

Every model of a contender is scored on the same rows, so rows and seeds are crossed. The score of seed s is

    score_s = truth + (examples) + (seed s) + (seed s on these examples)

and the mean over S seeds varies by V_examples + V_seeds. The spread of a contender's seed scores also holds what
the same models would lose or gain on other examples (seed by example), which V_examples holds already; so that
share, estimated from the residuals of the two-way layout, is taken off: what is left is the seeds' own variance.
These are the components of a multi-reader multi-case study, with seeds for readers and examples for cases (Gallas,
Academic Radiology 13, 2006, pp. 353-362; Hillis, Statistics in Medicine 26, 2007, pp. 596-619, who compares
degrees of freedom), nested in the contenders: seed 0 of one is not kin to seed 0 of another. Influences (linear for
accuracy, to first order for F1) stand for the scores of single examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

UNSTEADY_LEVEL = 0.01
"""The level, over all contenders, at which one is found to vary more by seed than the others."""

# A single test example more or less makes a score differ by far more than this.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Scores:
    """A contender's scores, taken apart.

    Attributes:
        by_seed: the metric of each seed, float64, shape (seeds,).
        influences: each row's influence on each seed's metric, shape (seeds, rows).
    """

    by_seed: NDArray[np.float64]
    influences: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """The metric, averaged over the seeds."""
        return float(self.by_seed.mean())

    @property
    def variance(self) -> float:
        """The variance over the seeds, with one degree of freedom less than there are; 0 where they are equal."""
        # The mean of equal numbers is rounded, and would leave them a variance of some 1e-32.
        return float(self.by_seed.var(ddof=1)) if np.ptp(self.by_seed) > _ROUNDING else 0.0

    @property
    def row_influences(self) -> NDArray[np.float64]:
        """Each row's influence on the mean over seeds: shape (rows,)."""
        return np.asarray(self.influences.mean(axis=0))


@dataclass(frozen=True)
class SeedVariance:
    """How much one seed's true score varies about the contender's.

    Attributes:
        value: the variance; 0 where the seeds scatter no more than examples explain.
        degrees_of_freedom: of the estimate; 0 if the seeds aren't known to vary (one seed, or equal predictions).
        pooled: whether it is the one estimate that several contenders share.
    """

    value: float
    degrees_of_freedom: int
    pooled: bool


NO_SEED_VARIANCE = SeedVariance(0.0, 0, pooled=False)


@dataclass(frozen=True)
class StandardError:
    """The standard error of a mean score or of a difference, and the degrees of freedom of its t distribution."""

    value: float
    degrees_of_freedom: float


def centred(influences: NDArray[np.float64], strata: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return influences of shape (..., rows) less the mean of their stratum."""
    result = np.empty_like(influences)
    for stratum in strata:
        own = influences[..., stratum]
        result[..., stratum] = own - own.mean(axis=-1, keepdims=True)
    return result


def example_variance(influences: NDArray[np.float64], strata: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return the variance, over test sets with as many rows of each stratum, of a mean of influences (..., rows).

    The sum over strata of n times their sample variance, over the squared number of rows (Cochran, Sampling
    Techniques, 1977, section 5.3).
    """
    squares = centred(influences, strata) ** 2
    total = sum(squares[..., stratum].sum(-1) * len(stratum) / max(1, len(stratum) - 1) for stratum in strata)
    return np.asarray(total / influences.shape[-1] ** 2)


def seed_variances(scores: Mapping[str, Scores], strata: Sequence[NDArray[np.int64]]) -> dict[str, SeedVariance]:
    """Return each contender's variance between seeds, less what the examples explain.

    A variance from three seeds has two degrees of freedom: a test with it finds next to nothing after a correction
    for ten pairs, and in every tenth pair or so it is by chance a twentieth of the truth. So, as in an analysis of
    variance, the contenders share one estimate, with these exceptions. One that ran with a single seed has no part
    in it and gets no seed variance: its trained model is compared. Nor has one whose seeds all predict the same (a
    logistic regression). One whose seeds scatter more than all the others' (F test, at ``UNSTEADY_LEVEL`` over the
    contenders) keeps its own: few-shot training that fails at some seeds must not make its neighbours look unsteady,
    nor borrow their calm.
    """
    between: dict[str, float] = {}
    excess: dict[str, float] = {}
    for name, contender in scores.items():
        residuals = contender.influences - contender.row_influences
        if len(contender.by_seed) > 1 and np.any(residuals):
            by_examples = example_variance(residuals, strata).sum() / (len(residuals) - 1)
            between[name] = contender.variance
            excess[name] = between[name] - float(by_examples)
    freedom = {name: len(scores[name].by_seed) - 1 for name in between}
    unsteady = {name for name in between if _is_unsteady(name, between, freedom)}
    steady = [name for name in between if name not in unsteady]
    result = dict.fromkeys(scores, NO_SEED_VARIANCE)
    if steady:
        together = sum(freedom[name] for name in steady)
        mean = sum(freedom[name] * excess[name] for name in steady) / together
        result |= dict.fromkeys(steady, SeedVariance(max(0.0, mean), together, pooled=True))
    return result | {name: SeedVariance(max(0.0, excess[name]), freedom[name], pooled=False) for name in unsteady}


def standard_error(by_examples: float, rows: int, seeds: Sequence[tuple[SeedVariance, int]]) -> StandardError:
    """Return the standard error of a mean over seeds, or of a difference of two such means.

    The degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946, pp. 110-114) over V_examples and the
    variances between seeds: one pooled estimate counts once.

    Args:
        by_examples: its variance over examples.
        rows: how many examples there are.
        seeds: for each contender that takes part, its variance between seeds and the number of its seeds.
    """
    components = [(by_examples, max(1, rows - 1))]
    components += [(own.value / count, own.degrees_of_freedom) for own, count in seeds if own.value and not own.pooled]
    pooled = [(shared, count) for shared, count in seeds if shared.pooled]
    if pooled:
        together = sum(shared.value / count for shared, count in pooled)
        components.append((together, pooled[0][0].degrees_of_freedom))
    total = sum(value for value, _ in components)
    doubt = sum(value**2 / freedom for value, freedom in components)
    return StandardError(float(np.sqrt(total)), total**2 / doubt if doubt else float(components[0][1]))


def _is_unsteady(name: str, between: Mapping[str, float], freedom: Mapping[str, int]) -> bool:
    others = [other for other in between if other != name]
    together = sum(freedom[other] for other in others)
    if len(others) < 2:  # of two that differ, neither is the odd one out
        return False
    calm = sum(freedom[other] * between[other] for other in others) / together
    p_value = stats.f.sf(between[name] / calm, freedom[name], together) if calm else float(between[name] == 0)
    return bool(p_value < UNSTEADY_LEVEL / len(between))

"""The variance of a score: over the test examples, and over the seeds of the trained models.

Every model of a contender is scored on the same rows, so rows and seeds are crossed factors. The score of seed s is

    score_s = truth + (examples) + (seed s) + (seed s on these examples)

and the mean over S seeds has the variance V_examples + V_seeds. The variance of a contender's scores over seeds also
contains the interaction of seeds and examples, which V_examples contains already. So that part is estimated from the
residuals of the two-way layout and subtracted; the rest is the variance between seeds. These are the components of a
multi-reader multi-case study, with seeds as readers and examples as cases (Gallas, Academic Radiology 13, 2006,
pp. 353-362; Hillis, Statistics in Medicine 26, 2007, pp. 596-619, who compares degrees of freedom). Seeds are nested in
contenders: seed 0 of one is unrelated to seed 0 of another. Influences (exact for accuracy, to first order for F1) take
the place of the scores of single examples.

If each seed has its own training sample, V_seeds is also that of samples. Samples that are drawn from one pool overlap,
so their scatter shows only a part of it. Where a model's score is, to first order, a sum over its training rows, two
samples that share the part r of their rows have the correlation r. The sample variance then estimates (1 - r) of the
variance of one sample, and the mean over S seeds has the sample variance times 1/S + r / (1 - r). This is the corrected
variance of Nadeau and Bengio (Machine Learning 52, 2003, pp. 239-281) with another r: theirs is the share of test rows,
which here are the same for all seeds and have their own variance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

UNSTEADY_LEVEL = 0.01
"""The level, over all contenders, of the test whether one varies more between seeds than the others."""

# One test example changes a score by far more than this.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class SeedScores:
    """A contender's scores by seed.

    Attributes:
        by_seed: the metric of each seed, float64, shape (seeds,).
    """

    by_seed: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """The mean of the metric over the seeds."""
        return float(self.by_seed.mean())

    @property
    def variance(self) -> float:
        """The sample variance over the seeds; 0 if all scores are equal."""
        # The mean of equal numbers is rounded, which would give a variance of about 1e-32.
        return float(self.by_seed.var(ddof=1)) if np.ptp(self.by_seed) > _ROUNDING else 0.0


@dataclass(frozen=True)
class Scores(SeedScores):
    """A contender's scores by seed, all on the same rows, and the influence of each row.

    Attributes:
        influences: each row's influence on each seed's metric, shape (seeds, rows).
    """

    influences: NDArray[np.float64]

    def first(self, number: int) -> Scores:
        """Return the scores of the first seeds, or of all if there are no more."""
        return Scores(self.by_seed[:number], self.influences[:number])

    @property
    def varies(self) -> bool:
        """Whether any two seeds differ by more than rounding, in their score or in the influence of a row."""
        return bool(np.ptp(self.by_seed) > _ROUNDING or np.ptp(self.influences, axis=0).max() > _ROUNDING)

    @property
    def row_influences(self) -> NDArray[np.float64]:
        """Each row's influence on the mean over seeds, shape (rows,)."""
        return np.asarray(self.influences.mean(axis=0))


@dataclass(frozen=True)
class SeedVariance:
    """The estimated variance of a contender's true score between seeds.

    Attributes:
        between: the mean square between seeds: the sample variance of the scores.
        explained: the part of it that the examples explain.
        degrees_of_freedom: those of ``between``; 0 without an estimate (one seed, or equal predictions).
        pooled: whether several contenders share the estimate.
        lasting: the part of ``value`` that the mean has however many seeds there are, since their training samples
            overlap: r / (1 - r).
    """

    between: float
    explained: float
    degrees_of_freedom: int
    pooled: bool
    lasting: float = 0.0

    @property
    def value(self) -> float:
        """The variance; 0 if the seeds vary no more than the examples explain."""
        return max(0.0, self.between - self.explained)


NO_SEED_VARIANCE = SeedVariance(0.0, 0.0, 0, pooled=False)


@dataclass(frozen=True)
class StandardError:
    """The standard error of a mean score or of a difference, and the degrees of freedom of its t distribution."""

    value: float
    degrees_of_freedom: float


def centred(influences: NDArray[np.float64], strata: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return influences minus the mean of their stratum, shape (..., rows)."""
    result = np.empty_like(influences)
    for stratum in strata:
        own = influences[..., stratum]
        result[..., stratum] = own - own.mean(axis=-1, keepdims=True)
    return result


def example_variance(influences: NDArray[np.float64], strata: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return the variance of the mean of influences, shape (..., rows), over test sets with the same stratum sizes.

    It is the sum over strata of n times the sample variance, divided by the squared number of rows (Cochran, Sampling
    Techniques, 1977, section 5.3).
    """
    squares = centred(influences, strata) ** 2
    total = sum(squares[..., stratum].sum(-1) * len(stratum) / max(1, len(stratum) - 1) for stratum in strata)
    return np.asarray(total / influences.shape[-1] ** 2)


def seed_variances(
    scores: Mapping[str, Scores], strata: Sequence[NDArray[np.int64]], overlap: float = 0.0
) -> dict[str, SeedVariance]:
    """Return each contender's variance between seeds, without the part that the examples explain.

    An estimate from three seeds has two degrees of freedom: a test that uses it finds almost nothing after a correction
    for ten pairs, and for about one pair in ten, one of the two estimates is less than a twentieth of the truth. So, as
    in an analysis of variance, contenders share a pooled estimate, with three exceptions. A contender with a single
    seed has no variance between seeds: its trained model is compared. The same holds for one whose seeds all predict
    the same, such as a logistic regression. A contender that varies significantly more than all others (F test, at
    ``UNSTEADY_LEVEL`` over the contenders) has its own estimate: few-shot training that fails for some seeds must not
    raise the estimate of the others, nor profit from theirs.

    Args:
        scores: the scores of each contender.
        strata: the rows of each stratum.
        overlap: the share of their training rows that two seeds have in common on average, below 1, if each has its own
            training sample.
    """
    lasting = overlap / (1 - overlap)
    between: dict[str, float] = {}
    explained: dict[str, float] = {}
    for name, contender in scores.items():
        if contender.varies:
            residuals = contender.influences - contender.row_influences
            between[name] = contender.variance
            explained[name] = float(example_variance(residuals, strata).sum()) / (len(residuals) - 1)
    freedom = {name: len(scores[name].by_seed) - 1 for name in between}
    unsteady = unsteady_ones(between, freedom)
    steady = [name for name in between if name not in unsteady]
    result = dict.fromkeys(scores, NO_SEED_VARIANCE)
    if steady:
        together = sum(freedom[name] for name in steady)
        shared, of_examples = (
            sum(freedom[name] * squares[name] for name in steady) / together for squares in (between, explained)
        )
        result |= dict.fromkeys(steady, SeedVariance(shared, of_examples, together, True, lasting))
    return result | {
        name: SeedVariance(between[name], explained[name], freedom[name], False, lasting) for name in unsteady
    }


def standard_error(by_examples: float, rows: int, seeds: Sequence[tuple[SeedVariance, int]]) -> StandardError:
    """Return the standard error of a mean over seeds, or of a difference of two such means.

    The variance is V_examples + sum over contenders of (between - explained) (1 / seeds + lasting). The degrees of
    freedom are Satterthwaite's (Biometrics Bulletin 2, 1946, pp. 110-114) over these mean squares, not over the
    variances that they leave: a variance between seeds that happens to come out as 0 was estimated from as few seeds as
    any other (Hillis, Statistics in Medicine 26, 2007, shows that the alternative has too many). A pooled estimate
    counts once.

    Args:
        by_examples: the variance of the mean or difference over examples.
        rows: the number of examples.
        seeds: for each contender involved, its variance between seeds and its number of seeds.
    """
    of_rows = max(1, rows - 1)
    total, doubt = by_examples, by_examples**2 / of_rows
    for pooled in (False, True):
        terms = [(own, count) for own, count in seeds if own.degrees_of_freedom and own.pooled == pooled]
        groups = [terms] if pooled and terms else [[term] for term in terms]
        for group in groups:
            share, own = sum(1 / count + one.lasting for one, count in group), group[0][0]
            total += share * own.value
            doubt += (share * own.between) ** 2 / own.degrees_of_freedom
            doubt += (share * own.explained) ** 2 / (own.degrees_of_freedom * of_rows)
    return StandardError(float(np.sqrt(total)), total**2 / doubt if doubt else float(of_rows))


def unsteady_ones(between: Mapping[str, float], freedom: Mapping[str, int]) -> set[str]:
    """Return the contenders that vary significantly more between seeds than all others.

    Args:
        between: the mean square between seeds of each contender.
        freedom: its degrees of freedom.
    """
    return {name for name in between if _is_unsteady(name, between, freedom)}


def _is_unsteady(name: str, between: Mapping[str, float], freedom: Mapping[str, int]) -> bool:
    others = [other for other in between if other != name]
    together = sum(freedom[other] for other in others)
    if len(others) < 2:  # if only two differ, neither can be called the outlier
        return False
    calm = sum(freedom[other] * between[other] for other in others) / together
    p_value = stats.f.sf(between[name] / calm, freedom[name], together) if calm else float(between[name] == 0)
    return bool(p_value < UNSTEADY_LEVEL / len(between))

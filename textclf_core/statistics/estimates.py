"""The scores of a comparison with what is known of their variances: where its errors come from.

There are two sources. If all seeds are scored on the same test rows, rows and seeds are crossed, and
:mod:`~textclf_core.statistics.variance` separates what they add. If each seed has its own test rows, drawn from one
pool with its training sample, the scores of a seed are one draw of everything, and what two draws have in common is
rows.

Let a model's score be, to first order, a sum over its training rows and over its test rows. Then the difference d of
two contenders at one draw has a variance T from training samples and a variance E from test rows, and two draws that
share the part r of their training rows and the part q of their test rows have the covariance r T + q E. The sample
variance of d over J draws estimates (1 - r) T + (1 - q) E, and E is known from the rows of each test set. So the mean
over draws has the variance

    E ((1 - q) / J + q) + T ((1 - r) / J + r)

If training samples have no effect of their own (T = 0), this is the sample variance times 1 / J + q / (1 - q): the
corrected resampled variance of Nadeau and Bengio (Machine Learning 52, 2003, pp. 239-281), where q / (1 - q) is the
number of test rows by that of training rows if all other rows are trained on. They assume that scores depend on the
test rows far more than on the training sample. Where they don't, samples that share most of their rows hide most of T.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from textclf_core.statistics.variance import (
    NO_SEED_VARIANCE,
    Scores,
    SeedScores,
    SeedVariance,
    centred,
    example_variance,
    seed_variances,
    unsteady_ones,
)

_ROUNDING = 1e-12

Strata = Sequence[NDArray[np.int64]]


class Estimates(Protocol):
    """The scores of all contenders, and their estimated variances."""

    @property
    def scores(self) -> Mapping[str, SeedScores]:
        """The scores of each contender, by its name."""
        ...

    @property
    def seed_variances(self) -> Mapping[str, SeedVariance]:
        """The variance of each contender between seeds, as differences of contenders have it."""
        ...

    @property
    def rows(self) -> int:
        """The number of rows, or of other draws, of a test set."""
        ...

    @property
    def effective_rows(self) -> float:
        """The number of rows of one test set on which the means would vary as much over rows."""
        ...

    @property
    def redrawn(self) -> float:
        """The part of the variance over rows that more seeds shrink; 0 if all have the same test rows."""
        ...

    def covariance(self) -> NDArray[np.float64]:
        """Return the covariance of the means over test rows, float64, (contenders, contenders)."""
        ...

    def unseen(self, width: float) -> float:
        """Return the variance of each mean that rows may add on which no contenders were seen to differ."""
        ...

    def score_variance(self, name: str) -> SeedVariance:
        """Return the variance of a contender's score between seeds."""
        ...

    def by_examples(self, name: str) -> float:
        """Return the variance of a contender's mean over test rows."""
        ...

    def pair_by_examples(self, first: str, second: str, *, around_0: bool = False) -> float:
        """Return the variance of a difference of two means over test rows, around its value or around 0."""
        ...

    def first(self, number: int) -> Estimates:
        """Return the estimates from the first seeds of each contender."""
        ...

    def only(self, name: str) -> Estimates:
        """Return the estimates of one contender, of whose variance the others tell nothing."""
        ...


@dataclass(frozen=True)
class CrossedEstimates:
    """Estimates from seeds that are all scored on the same test rows.

    Attributes:
        scores: the scores of each contender.
        strata: the rows of each stratum.
        overlap: the share of their training rows that two seeds have in common, below 1; 0 if seeds have one sample.
        seed_variances: the variance of each contender between seeds.
    """

    scores: Mapping[str, Scores]
    strata: Strata
    overlap: float
    seed_variances: Mapping[str, SeedVariance]

    @classmethod
    def of(cls, scores: Mapping[str, Scores], strata: Strata, overlap: float) -> CrossedEstimates:
        """Return the estimates from these scores."""
        return cls(scores, strata, overlap, seed_variances(scores, strata, overlap))

    redrawn = 0.0

    @property
    def rows(self) -> int:
        """The number of rows, or of other draws, of the test set."""
        return sum(map(len, self.strata))

    @property
    def effective_rows(self) -> float:
        """The number of rows."""
        return self.rows

    @property
    def _influences(self) -> NDArray[np.float64]:
        return np.stack([one.row_influences for one in self.scores.values()])

    def covariance(self) -> NDArray[np.float64]:
        """Return the covariance of the means over test rows."""
        return _example_covariance(self._influences, self.strata)

    def unseen(self, width: float) -> float:
        """Return the variance of each mean that rows may add on which no contenders were seen to differ."""
        return _unseen(self._influences, width)

    def score_variance(self, name: str) -> SeedVariance:
        """Return the variance of a contender's score between seeds."""
        return self.seed_variances[name]

    def by_examples(self, name: str) -> float:
        """Return the variance of a contender's mean over test rows."""
        return float(example_variance(self.scores[name].row_influences, self.strata))

    def pair_by_examples(self, first: str, second: str, *, around_0: bool = False) -> float:
        """Return the variance of a difference of two means over test rows."""
        influences = self.pair_influences(first, second)
        if around_0:
            difference = self.scores[first].mean - self.scores[second].mean
            return float(np.sum((influences + difference) ** 2) / self.rows**2)
        return float(example_variance(influences, self.strata))

    def pair_influences(self, first: str, second: str) -> NDArray[np.float64]:
        """Return each row's influence on a difference of two means, shape (rows,)."""
        return self.scores[first].row_influences - self.scores[second].row_influences

    def first(self, number: int) -> CrossedEstimates:
        """Return the estimates from the first seeds."""
        scores = {name: one.first(number) for name, one in self.scores.items()}
        return CrossedEstimates.of(scores, self.strata, self.overlap)

    def only(self, name: str) -> CrossedEstimates:
        """Return the estimates of one contender."""
        own = self.seed_variances[name]
        freedom = min(own.degrees_of_freedom, len(self.scores[name].by_seed) - 1)
        return replace(
            self,
            scores={name: self.scores[name]},
            seed_variances={name: replace(own, degrees_of_freedom=freedom)},
        )


@dataclass(frozen=True)
class DrawnEstimates:
    """Estimates from seeds that each have their own training sample and test rows, the same for all contenders.

    What differs between contenders at a draw is taken as a two-way layout: contender, draw, and what is specific to
    both, whose variance is that of a contender's score less what all share. It is pooled, with (K - 1) (J - 1) degrees
    of freedom for K contenders and J draws (J - 1 for a single difference), without contenders that vary significantly
    more than all others.

    Attributes:
        names: the contenders.
        by_seed: the score of each contender at each draw, float64, (contenders, draws).
        influences: for each draw the influence of its rows, float64, (contenders, rows).
        strata: for each draw the rows of each stratum.
        overlap: the share of their training rows that two draws have in common, below 1.
        test_overlap: that of their test rows, below 1.
    """

    names: tuple[str, ...]
    by_seed: NDArray[np.float64]
    influences: tuple[NDArray[np.float64], ...]
    strata: tuple[Strata, ...]
    overlap: float
    test_overlap: float

    @property
    def scores(self) -> dict[str, SeedScores]:
        """The scores of each contender."""
        return {name: SeedScores(row) for name, row in zip(self.names, self.by_seed, strict=True)}

    @property
    def rows(self) -> int:
        """The mean number of rows, or of other draws, of a test set."""
        return round(float(np.mean([influences.shape[1] for influences in self.influences])))

    @property
    def _shrinking(self) -> float:
        return (1 - self.test_overlap) / len(self.influences)

    @property
    def _factor(self) -> float:
        """The variance of a mean over rows by that of one draw."""
        return self._shrinking + self.test_overlap

    @property
    def effective_rows(self) -> float:
        """The number of rows of one test set on which the means would vary as much over rows."""
        return self.rows / self._factor

    @property
    def redrawn(self) -> float:
        """The part of the variance over rows that more draws shrink."""
        return self._shrinking / self._factor

    @cached_property
    def _of_one_draw(self) -> NDArray[np.float64]:
        """The covariance of the scores of one draw over test rows, (contenders, contenders)."""
        pairs = zip(self.influences, self.strata, strict=True)
        return np.asarray(np.mean([_example_covariance(own, strata) for own, strata in pairs], axis=0))

    def covariance(self) -> NDArray[np.float64]:
        """Return the covariance of the means over test rows."""
        return self._of_one_draw * self._factor

    def unseen(self, width: float) -> float:
        """Return the variance of each mean that rows may add on which no contenders were seen to differ."""
        return float(np.mean([_unseen(own, width) for own in self.influences])) * self._factor

    @cached_property
    def seed_variances(self) -> dict[str, SeedVariance]:
        """The variance that is specific to each contender, between draws."""
        freedom = self.by_seed.shape[1] - 1
        if not freedom:
            return dict.fromkeys(self.names, NO_SEED_VARIANCE)
        scatter = _specific(np.cov(self.by_seed).reshape(len(self.names), -1))
        of_rows = (1 - self.test_overlap) * _specific(self._of_one_draw)
        between = dict(zip(self.names, np.maximum(0, scatter).tolist(), strict=True))
        unsteady = unsteady_ones(between, dict.fromkeys(self.names, freedom))
        steady = np.array([name not in unsteady for name in self.names])
        lasting = self.overlap / (1 - self.overlap)
        shared = SeedVariance(
            between=max(0.0, float(scatter[steady].mean())),
            explained=max(0.0, float(of_rows[steady].mean())),
            degrees_of_freedom=freedom * max(1, int(steady.sum()) - 1),
            pooled=True,
            lasting=lasting,
        )
        return {
            name: SeedVariance(between[name], max(0.0, float(explained)), freedom, False, lasting)
            if name in unsteady
            else shared
            for name, explained in zip(self.names, of_rows, strict=True)
        }

    def score_variance(self, name: str) -> SeedVariance:
        """Return the variance of a contender's score between draws, with what all contenders share."""
        return self.only(name).seed_variances[name]

    def by_examples(self, name: str) -> float:
        """Return the variance of a contender's mean over test rows."""
        place = self.names.index(name)
        return float(self.covariance()[place, place])

    def pair_by_examples(self, first: str, second: str, *, around_0: bool = False) -> float:
        """Return the variance of a difference of two means over test rows."""
        one, other = self.names.index(first), self.names.index(second)
        covariance = self.covariance()
        variance = float(max(0.0, covariance[one, one] + covariance[other, other] - 2 * covariance[one, other]))
        difference = float(self.by_seed[one].mean() - self.by_seed[other].mean())
        return variance + (difference**2 / self.effective_rows if around_0 else 0.0)

    def first(self, number: int) -> DrawnEstimates:
        """Return the estimates from the first draws."""
        return replace(
            self,
            by_seed=self.by_seed[:, :number],
            influences=self.influences[:number],
            strata=self.strata[:number],
        )

    def only(self, name: str) -> DrawnEstimates:
        """Return the estimates of one contender."""
        place = [self.names.index(name)]
        return replace(
            self,
            names=(name,),
            by_seed=self.by_seed[place],
            influences=tuple(influences[place] for influences in self.influences),
        )


def _specific(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part of each contender's variance that it doesn't share with the others, (contenders,).

    If a score is the sum of a part that all share and a part of its own, this is the variance of the latter (Shukla,
    Heredity 29, 1972, pp. 237-245). Of two contenders each has half of the variance of their difference; of a single
    one it is the whole variance. An estimate may be below 0.
    """
    number = len(covariance)
    if number == 1:
        return np.diag(covariance)
    centring = np.eye(number) - 1 / number
    own = np.diag(centring @ covariance @ centring)
    if number == 2:
        return np.full(2, own.sum())
    return np.asarray(number / (number - 2) * own - own.sum() / ((number - 1) * (number - 2)))


def _example_covariance(influences: NDArray[np.float64], strata: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return the covariance over test sets with the same stratum sizes, as ``example_variance`` does for one mean."""
    deviations = centred(influences, strata)
    total = np.zeros((len(influences), len(influences)))
    for stratum in strata:
        own = deviations[:, stratum]
        total += own @ own.T * len(stratum) / max(1, len(stratum) - 1)
    return np.asarray(total / influences.shape[1] ** 2)


def _unseen(influences: NDArray[np.float64], width: float) -> float:
    """Return the variance of each mean that rows may add on which no contenders were seen to differ.

    As if each of two contenders were right on one more row than the other (Bonett and Price, Journal of Educational and
    Behavioral Statistics 37, 2012, pp. 479-488, for accuracy): else two that are alike on all rows would be known to be
    equal on all texts. A row's weight is that of the rows on which contenders differ; in accuracy it is 1. If they
    differ on none, it is the metric's width, or without limits what a row usually adds to a score.
    """
    squares, differing = 0.0, 0
    for first, influence in enumerate(influences):
        gaps = influences[first + 1 :] - influence
        squares += float((gaps**2).sum())
        differing += int((np.abs(gaps) > _ROUNDING).sum())
    if not differing:
        squares, differing = (width**2, 1) if np.isfinite(width) else (float((influences**2).sum()), influences.size)
    return float(squares / differing / influences.shape[1] ** 2)

"""How often the statistics of a comparison are right, where the truth is known.

    python tests/benchmarks/statistics_simulation.py [simulations]

prints a table, by default of 1,000 simulated comparisons a line. In a simulation each prediction is right if a normal
variable stays below a threshold; the variable is the sum of a part that all contenders share (how hard the text is),
a part that the seeds of a contender share, and a part of the one model. So errors may be independent, or go together
as those of real models do.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from textclf_core.statistics import Comparison, Metric, compare

ALPHA = 0.05


@dataclass(frozen=True)
class World:
    """What the simulated contenders are like. Labels are balanced, so that a model's F1 is its accuracy."""

    what: str
    metric: Metric = "accuracy"
    contenders: int = 5
    seeds: int = 3
    rows: int = 1066
    accuracy: float = 0.80
    gap: float = 0.0
    """By how much the first contender is better than the others."""
    seed_deviation: float = 0.0
    """The standard deviation of a model's true accuracy about its contender's, over seeds."""
    first_seed_deviation: float | None = None
    """That of the first contender, where it is another."""
    of_text: float = 0.0
    """The share of the variable that is the text's."""
    of_contender: float = 0.0
    """The share that is the contender's."""

    @property
    def truths(self) -> NDArray[np.float64]:
        """The true accuracy of each contender."""
        return np.array([self.accuracy + self.gap] + [self.accuracy] * (self.contenders - 1))

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return which predictions are right, (contenders, seeds, rows), and each model's true accuracy."""
        deviations = np.full((self.contenders, 1), self.seed_deviation)
        if self.first_seed_deviation is not None:
            deviations[0] = self.first_seed_deviation
        accuracies = self.truths[:, None] + deviations * rng.normal(size=(self.contenders, self.seeds))
        variable = np.sqrt(1 - self.of_text - self.of_contender) * rng.normal(
            size=(self.contenders, self.seeds, self.rows)
        )
        variable += np.sqrt(self.of_text) * rng.normal(size=self.rows)
        variable += np.sqrt(self.of_contender) * rng.normal(size=(self.contenders, 1, self.rows))
        return variable < stats.norm.ppf(accuracies)[:, :, None], accuracies

    def analytic_power(self) -> float:
        """Return how often a z test that knows every variance would find the gap, at Holm's first and strictest level.

        No test that has to learn the seeds' variance from the seeds can do as well.
        """
        right, _ = replace(self, rows=400_000, seed_deviation=0.0).draw(np.random.default_rng(0))
        variance = np.var(right[0].mean(axis=0) - right[1].mean(axis=0)) / self.rows
        error = np.sqrt(variance + 2 * self.seed_deviation**2 / self.seeds)
        pairs = self.contenders * (self.contenders - 1) / 2
        return float(stats.norm.sf(stats.norm.isf(ALPHA / pairs / 2) - self.gap / error))


@dataclass(frozen=True)
class Outcome:
    """What came of many simulations; each a share, the coverages averaged over contenders or pairs."""

    false_differences: float
    """Simulations in which any of the pairs of equal accuracy was found to differ."""
    found: float
    """Pairs of the first with another that were found to differ."""
    coverage: float
    """Intervals of a contender that hold its true accuracy."""
    examples_coverage: float
    """Intervals for new examples that hold the mean of the models' own true accuracies."""
    difference_coverage: float
    """Intervals of a pair that hold the true difference, of the strategies or, with one seed, of the models."""


def simulate(world: World, simulations: int, *, resamples: int = 1000, seed: int = 0) -> Outcome:
    """Return what comes of many comparisons in one world."""
    rng = np.random.default_rng(seed)
    references = np.arange(world.rows) % 2
    sums = np.zeros(5)
    for simulation in range(simulations):
        right, accuracies = world.draw(rng)
        predictions = {str(name): np.where(of_one, references, 1 - references) for name, of_one in enumerate(right)}
        comparison = compare(references, predictions, world.metric, alpha=ALPHA, resamples=resamples, seed=simulation)
        sums += _tally(world, comparison, accuracies)
    return Outcome(*(float(total) for total in sums / simulations))


def _tally(world: World, comparison: Comparison, accuracies: NDArray[np.float64]) -> NDArray[np.float64]:
    of_models = accuracies.mean(axis=1)
    # With one seed, a comparison speaks of the trained models.
    truths = world.truths if world.seeds > 1 else of_models
    found = [pair.adjusted_p_value < ALPHA for pair in comparison.pairs]
    pairs = list(combinations(range(world.contenders), 2))
    gaps = [bool(world.gap) and first == 0 for first, _ in pairs]
    differences = [
        pair.difference.interval.low <= truths[first] - truths[second] <= pair.difference.interval.high
        for pair, (first, second) in zip(comparison.pairs, pairs, strict=True)
    ]
    return np.array(
        [
            any(one for one, gap in zip(found, gaps, strict=True) if not gap),
            np.mean([one for one, gap in zip(found, gaps, strict=True) if gap]) if world.gap else 0.0,
            np.mean(
                [c.interval.low <= t <= c.interval.high for c, t in zip(comparison.contenders, truths, strict=True)]
            ),
            np.mean(
                [
                    c.examples_interval.low <= t <= c.examples_interval.high
                    for c, t in zip(comparison.contenders, of_models, strict=True)
                ]
            ),
            np.mean(differences),
        ]
    )


INDEPENDENT = World("independent errors")
REAL = World("errors go together", of_text=0.6, of_contender=0.2)

WORLDS = [
    INDEPENDENT,
    replace(INDEPENDENT, gap=0.04),
    replace(INDEPENDENT, metric="f1-binary", gap=0.04),
    REAL,
    replace(REAL, gap=0.04),
    replace(REAL, metric="f1-macro", gap=0.04),
    replace(INDEPENDENT, what="independent; seeds scatter by 1 point", seed_deviation=0.01),
    replace(REAL, what="together; seeds scatter by 1 point", seed_deviation=0.01),
    replace(REAL, what="together; seeds scatter by 1 point", seed_deviation=0.01, gap=0.04),
    replace(REAL, what="together; seeds scatter by 1 point", seed_deviation=0.01, seeds=2),
    replace(REAL, what="together; seeds scatter by 1 point", seed_deviation=0.01, seeds=5),
    replace(REAL, what="together; by 0.3 points, the first by 3", seed_deviation=0.003, first_seed_deviation=0.03),
    replace(INDEPENDENT, seeds=1, gap=0.04),
    replace(INDEPENDENT, seeds=1, metric="f1-binary", gap=0.04),
    replace(REAL, what="together; few examples", rows=100, accuracy=0.9),
    replace(REAL, what="together; few examples", rows=100, accuracy=0.9, metric="f1-binary", seeds=1),
]


HEADERS = (
    "errors",
    "metric",
    "rows",
    "seeds",
    "gap",
    "family-wise error",
    "found",
    "analytic power",
    "covers",
    "covers (examples)",
    "covers (pairs)",
)


def line(world: World, simulations: int) -> list[object]:
    """Return a world's line of the table."""
    outcome = simulate(world, simulations)
    power = [f"{outcome.found:.3f}", f"{world.analytic_power():.3f}"] if world.gap else ["", ""]
    coverages = [outcome.coverage, outcome.examples_coverage, outcome.difference_coverage]
    setting = [world.what, world.metric, world.rows, world.seeds, world.gap or ""]
    return [*setting, f"{outcome.false_differences:.3f}", *power, *(f"{each:.3f}" for each in coverages)]


def main() -> None:
    """Print the table, each line when it is done: all of it takes a quarter of an hour."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"| {' | '.join(HEADERS)} |", "|---" * len(HEADERS) + "|", sep="\n", flush=True)
    for world in WORLDS:
        print(f"| {' | '.join(str(cell) for cell in line(world, simulations))} |", flush=True)


if __name__ == "__main__":
    main()

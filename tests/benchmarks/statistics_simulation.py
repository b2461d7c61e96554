"""How often the statistics of a comparison are right, where the truth is known.

    python tests/benchmarks/statistics_simulation.py [--simulations 1000] [--only errors,recommended]

prints tables, each figure with its Monte-Carlo standard error. In a simulation each prediction is right if a normal
variable stays below a threshold; the variable is the sum of a part that all contenders share (how hard the text is) and
a part of the one model. The share of its variance that is shared makes errors independent, or alike as those of real
models are. Seeds scatter: a model's true accuracy lies about its contender's.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from textclf_core.statistics import Comparison, Metric, compare
from textclf_core.statistics.crossing import crossing

ALPHA = 0.05
TOLERANCE = 0.01


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
    """

    accuracies: tuple[float, ...] = (0.8,) * 4
    seeds: int = 3
    rows: int = 1066
    metric: Metric = "accuracy"
    scatter: float | tuple[float, ...] = 0.0
    share: float = 0.3
    positives: float = 0.5
    copies: Literal["none", "twice", "a fifth"] = "none"
    train_rows: int = 0
    pool_rows: int = 0
    alike: float = 0.0
    overlap: float | None = None

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
        accuracies = np.clip(np.array(self.accuracies)[:, None] + deviations, 0.01, 0.995)
        variable = np.sqrt(1 - self.share) * rng.normal(size=(number, self.seeds, rows))
        variable += np.sqrt(self.share) * rng.normal(size=rows)
        return np.asarray(variable < stats.norm.ppf(accuracies)[:, :, None])

    def draw_sample_effects(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return what each seed's training sample does to each contender, with a variance of 1, (contenders, seeds)."""
        number = len(self.accuracies)
        effects = np.sqrt(1 - self.alike) * rng.normal(size=(number, self.pool_rows))
        effects += np.sqrt(self.alike) * rng.normal(size=self.pool_rows)
        samples = [rng.permutation(self.pool_rows)[: self.train_rows] for _ in range(self.seeds)]
        return np.stack([effects[:, rows].sum(axis=1) for rows in samples], axis=1) / math.sqrt(self.train_rows)

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


def true_score(metric: Metric, accuracy: NDArray[np.float64], positives: float) -> NDArray[np.float64]:
    """Return the score on all texts of a model that is right on either label with this probability."""
    if metric == "accuracy":
        return accuracy
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
        references, predictions = world.draw(rng)
        comparison = compare(
            references,
            predictions,
            world.metric,
            alpha=ALPHA,
            tolerance=TOLERANCE,
            clusters=world.clusters,
            overlap=world.assumed_overlap,
            with_pairs=pairs,
            resamples=500,
            seed=simulation,
        )
        look(world, comparison, tally)
    return tally


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


def error_worlds() -> list[World]:
    """Return the worlds of four equal contenders."""
    worlds = [
        World(seeds=seeds, rows=rows, scatter=scatter, share=share)
        for (seeds, rows), (scatter, share) in zip(
            product((2, 3, 5, 10), (50, 200, 1066, 5000)),
            [(0.0, 0.3), (0.01, 0.95), (0.04, 0.3), (0.0, 0.95), (0.01, 0.3), (0.04, 0.95)] * 3,
            strict=False,
        )
    ]
    of_f1: Sequence[tuple[Metric, float, tuple[tuple[int, int], ...]]] = (
        ("f1-binary", 0.5, ((2, 50), (3, 200), (3, 1066), (5, 1066))),
        ("f1-binary", 0.05, ((2, 200), (3, 1066), (5, 1066), (10, 5000))),
        ("f1-macro", 0.5, ((2, 200), (3, 1066), (5, 50), (10, 1066))),
    )
    settings = [(0.0, 0.3), (0.01, 0.95), (0.04, 0.3), (0.01, 0.3)]
    for metric, positives, sizes in of_f1:
        for (seeds, rows), (scatter, share) in zip(sizes, settings, strict=True):
            worlds.append(World((0.9,) * 4, seeds, rows, metric, scatter, share, positives))
    return worlds + [
        replace(World(), scatter=scatter, share=share, seeds=3)
        for scatter, share in product((0.0, 0.01, 0.04), (0.3, 0.95))
    ]


def errors(simulations: int) -> Iterator[tuple[str, ...]]:
    """Four equal contenders: any false verdict or pair, and intervals."""
    columns = ("false_best", "false_worse", "false_pair", "score", "best_score", "pairs_at_once", "distances")
    yield ("world", *columns)
    yield from _lines(error_worlds(), simulations, look_at_errors, columns, pairs=True)


def scatters(simulations: int) -> Iterator[tuple[str, ...]]:
    """Four equal contenders, of which one scatters by 4 points and the others by half a point."""
    columns = ("false_best", "false_worse", "false_pair")
    yield ("world", *columns)
    worlds = [World(seeds=seeds, scatter=(0.04, 0.005, 0.005, 0.005)) for seeds in (2, 3, 5, 10)]
    yield from _lines(worlds, simulations, look_at_errors, columns, pairs=True)


def tolerated(simulations: int) -> Iterator[tuple[str, ...]]:
    """An equal contender and one that is worse by just the tolerance, 20,000 rows and five seeds."""
    columns = ("false_as_good", "as_good")
    yield ("world", *columns)
    worlds = [World((0.85, 0.85, 0.84), 5, 20_000, scatter=scatter, share=0.7) for scatter in (0.0, 0.005)]
    yield from _lines(worlds, min(simulations, 300), look_at_errors, columns)


def recommended(simulations: int) -> Iterator[tuple[str, ...]]:
    """What the recommended contender loses, its risk, and its mean cost beside that of the best-looking one."""
    columns = ("too_bad", "loss", "risk", "cost", "cost_of_best_looking")
    yield ("true gaps in points; world", *columns)
    gaps = ((0, 0.5, 1.5, 3, 5), (0, 0, 0, 0, 2), (0, 0, 0, 0, 3), (0, 0, 0, 0, 0))
    for of_world, share in product(gaps, (0.3, 0.7)):
        world = World(tuple(0.85 - gap / 100 for gap in of_world), scatter=0.01, share=share)
        for line in _lines([world], simulations, look_at_recommendation, columns):
            yield (f"{of_world}; {line[0]}", *line[1:])


def printed_risk(simulations: int) -> Iterator[tuple[str, ...]]:
    """The printed risk in tenths, and how often it comes true, in worlds drawn anew."""
    yield ("printed", "of the recommended", "is worse", "of all", "is worse")
    with ProcessPoolExecutor() as pool:
        drawn = [one for chunk in pool.map(_risks, range(simulations), chunksize=20) for one in chunk]
    for tenth in range(10):
        cells = []
        for chosen_only in (True, False):
            own = [
                worse
                for risk, worse, chosen in drawn
                if (chosen or not chosen_only) and int(min(risk, 0.999) * 10) == tenth
            ]
            cells += [str(len(own)), f"{np.mean(own):.3f}" if own else "-"]
        yield (f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}", *cells)


def _risks(seed: int) -> list[tuple[float, bool, bool]]:
    """Return the risk of each contender of one world, whether it is worse by more than the tolerance, and is chosen."""
    rng = np.random.default_rng([seed, 1])
    number, spread, scatter = int(rng.integers(2, 25)), rng.uniform(0, 0.03), rng.uniform(0, 0.02)
    accuracies = tuple(np.clip(0.8 + spread * rng.normal(size=number), 0.5, 0.97))
    world = World(accuracies, int(rng.choice([2, 3, 5])), scatter=scatter, share=float(rng.choice([0.3, 0.7])))
    references, predictions = world.draw(rng)
    comparison = compare(references, predictions, "accuracy", tolerance=TOLERANCE, resamples=10, seed=seed)
    tally = Tally({})
    look_at_recommendation(world, comparison, tally)
    losses = [one.loss for one in comparison.contenders if one.loss]
    worse = world.truths.max() - world.truths > TOLERANCE
    chosen = next(one for one, loss in enumerate(losses) if loss.risk == tally.values["risk"][0])
    return [(loss.risk, bool(worse[one]), one == chosen) for one, loss in enumerate(losses)]


def smallest(simulations: int) -> Iterator[tuple[str, ...]]:
    """The smallest difference from the best that is shown, beside that of Holm's correction of all pairs."""
    yield ("contenders", "from the best", "by Holm over all pairs", "ratio")
    for number in (2, 5, 10, 24):
        ratios, own, holm = [], [], []
        world = World((0.85,) * number, scatter=0.01, share=0.7)
        rng = np.random.default_rng(0)
        for seed in range(min(simulations, 50)):
            references, predictions = world.draw(rng)
            comparison = compare(references, predictions, "accuracy", with_pairs=True, resamples=10, seed=seed)
            pairs = [one.detectable for one in comparison.pairs if comparison.best in (one.first, one.second)]
            own.append(comparison.detectable or math.nan)
            holm.append(float(np.median(pairs)))
            ratios.append(own[-1] / holm[-1])
        yield (str(number), f"{np.mean(own):.4f}", f"{np.mean(holm):.4f}", f"{np.mean(ratios):.3f}")


def copies(simulations: int) -> Iterator[tuple[str, ...]]:
    """Four equal contenders on rows of which some are copies."""
    columns = ("false_best", "false_worse", "false_pair", "score", "distances")
    yield ("copies; world", *columns)
    for kind, seeds in product(("twice", "a fifth"), (1, 3)):
        world = World(copies=kind, seeds=seeds, scatter=0.01 if seeds > 1 else 0.0)
        for line in _lines([world], simulations, look_at_errors, columns, pairs=True):
            yield (f"{kind}; {line[0]}", *line[1:])


def samples(simulations: int) -> Iterator[tuple[str, ...]]:
    """Four equal contenders, five seeds with a training sample each, whose own effect is 1 point."""
    columns = ("false_best", "false_worse", "false_pair", "score", "distances")
    yield ("training samples; world", *columns)
    few_shot = World(seeds=5, scatter=0.01, train_rows=32, pool_rows=9596)
    holdout = replace(few_shot, train_rows=8530)
    worlds = {
        "few-shot, 32 of 9,596 rows": few_shot,
        "the same, half of the effect alike for all contenders": replace(few_shot, alike=0.5),
        "half of the rows": replace(few_shot, train_rows=4798),
        "repeated holdout, 8,530 of 9,596 rows": holdout,
        "the same, with Nadeau and Bengio's share of left-out rows": replace(holdout, overlap=1066 / 9596),
        "the same, as if samples had no row in common": replace(holdout, overlap=0.0),
    }
    for name, line in zip(
        worlds, _lines(list(worlds.values()), simulations, look_at_errors, columns, pairs=True), strict=True
    ):
        yield (f"{name}; {line[0]}", *line[1:])


def crossings(simulations: int) -> Iterator[tuple[str, ...]]:
    """Equal learning curves of five contenders, three sizes, three seeds: whether any crossing is advised."""
    yield ("curves", "any crossing advised")
    with ProcessPoolExecutor() as pool:
        for rows in (200, 1066):
            found = np.array(list(pool.map(_advises_a_crossing, range(simulations), [rows] * simulations, chunksize=5)))
            yield (f"equal, {rows} rows", f"{found.mean():.3f} ± {found.std() / math.sqrt(len(found)):.3f}")


def _advises_a_crossing(seed: int, rows: int) -> bool:
    rng = np.random.default_rng([seed, 4])
    references = (rng.random(rows) < 0.5).astype(np.int64)
    curves: dict[int, dict[int, NDArray[np.int64]]] = {name: {} for name in range(5)}
    for size, accuracy in ((64, 0.7), (256, 0.78), (1024, 0.83)):
        for name, right in enumerate(World((accuracy,) * 5, rows=rows, scatter=0.01).draw_right(rows, rng)):
            curves[name][size] = np.where(right, references, 1 - references)
    found = (
        crossing(references, curves[one], curves[two], "accuracy", resamples=500)
        for one, two in combinations(curves, 2)
    )
    return any(one is not None and one.is_established for one in found)


def looks(simulations: int) -> Iterator[tuple[str, ...]]:
    """Any false verdict at any look, 4 equal contenders; and a gap of 4 points, beside a fixed number of 10 seeds."""
    yield (
        "looks at; scatter 1, share 0.3, 1,066 rows",
        "any false",
        "4 points found",
        "with 10 seeds",
        "seeds on average",
    )
    with ProcessPoolExecutor() as pool:
        for planned in ((3, 5, 10), tuple(range(3, 11))):
            found = list(pool.map(_look_again, range(simulations), [planned] * simulations, chunksize=10))
            columns = np.array(found).T
            cells = [f"{own.mean():.3f} ± {own.std() / math.sqrt(simulations):.3f}" for own in columns]
            yield (", ".join(map(str, planned)), *cells)


def _look_again(seed: int, planned: Sequence[int]) -> tuple[float, float, float, float]:
    """Return whether any of four equals is worse at any look; whether a gap is found so, or with all; the seeds."""
    equal, gap = World(scatter=0.01, seeds=10), World((0.84, 0.84, 0.84, 0.8), scatter=0.01, seeds=10)
    rng = np.random.default_rng([seed, 2])
    false, _ = _sequence(equal, planned, rng, seed)
    found, used = _sequence(gap, planned, rng, seed, one=3)
    references, predictions = gap.draw(np.random.default_rng([seed, 3]))
    fixed = compare(references, predictions, "accuracy", tolerance=TOLERANCE, resamples=10, seed=seed)
    return float(false), float(found), float(fixed.contenders[3].verdict == "worse"), used


def _sequence(
    world: World, planned: Sequence[int], rng: np.random.Generator, seed: int, one: int | None = None
) -> tuple[bool, float]:
    """Return whether a contender (``one``, or any) was worse at a look, and the mean number of seeds until the end."""
    references, predictions = world.draw(rng)
    counts = dict.fromkeys(predictions, 0)
    worse: set[str] = set()
    for look in planned:
        counts |= {name: look for name in predictions if name not in worse}
        comparison = compare(
            references,
            {name: of_one[: counts[name]] for name, of_one in predictions.items()},
            world.metric,
            tolerance=TOLERANCE,
            looks=planned,
            resamples=10,
            seed=seed,
        )
        worse = {one.name for one in comparison.contenders if one.verdict == "worse"}
        if one is not None and str(one) in worse:
            break
    return (bool(worse) if one is None else str(one) in worse), float(np.mean(list(counts.values())))


def _lines(
    worlds: Sequence[World],
    simulations: int,
    look: Callable[[World, Comparison, Tally], None],
    columns: Sequence[str],
    *,
    pairs: bool = False,
) -> Iterator[tuple[str, ...]]:
    """Yield a line for each world: its name, and the columns of its tally."""
    with ProcessPoolExecutor() as pool:
        # Where the metric is resampled, a simulation takes longer.
        numbers = [simulations if world.metric == "accuracy" else max(20, simulations // 5) for world in worlds]
        waiting = [
            pool.submit(simulate, world, number, look, pairs=pairs)
            for world, number in zip(worlds, numbers, strict=True)
        ]
        for world, job in zip(worlds, waiting, strict=True):
            tally = job.result()
            yield (world.name, *(tally.write(column) for column in columns))


TABLES: dict[str, Callable[[int], Iterator[tuple[str, ...]]]] = {
    "errors": errors,
    "scatters": scatters,
    "tolerated": tolerated,
    "recommended": recommended,
    "risk": printed_risk,
    "smallest": smallest,
    "looks": looks,
    "copies": copies,
    "samples": samples,
    "crossings": crossings,
}


def main() -> None:
    """Print the tables, each line when it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--only", default=",".join(TABLES), help="some of the tables")
    options = parser.parse_args()
    for name in options.only.split(","):
        table = TABLES[name]
        print(f"\n{name}: {(table.__doc__ or '').strip()}\n")
        for number, line in enumerate(table(options.simulations)):
            print(f"| {' | '.join(line)} |", flush=True)
            if number == 0:
                print("|---" * len(line) + "|")


if __name__ == "__main__":
    main()

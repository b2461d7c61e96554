"""How often the statistics of a comparison are right, where the truth is known.

    python tests/benchmarks/statistics_simulation.py [--simulations 1000] [--only errors,recommended]

prints tables, each figure with its Monte-Carlo standard error. ``simulated_worlds.py`` says how predictions are drawn.
By default the table of errors has 40 worlds; with ``--all`` it has every combination of their settings, 528 worlds,
which takes hours more.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import combinations, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from simulated_tuning import SCATTERS, reported_errors
from simulated_worlds import (
    TOLERANCE,
    Tally,
    World,
    look_at_draws,
    look_at_errors,
    look_at_recommendation,
    simulate,
)

from textclf_core.statistics import Comparison
from textclf_core.statistics.learning_curve import fit_curve

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from label_metrics import compare, crossing, info_of, joint_error  # as a script it finds it only now


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
    of_f1: Sequence[tuple[str, float, tuple[tuple[int, int], ...]]] = (
        ("f1-binary", 0.5, ((2, 50), (3, 200), (3, 1066), (5, 1066))),
        ("f1-binary", 0.05, ((2, 200), (3, 1066), (5, 1066), (10, 5000))),
        ("f1-macro", 0.5, ((2, 200), (3, 1066), (5, 50), (10, 1066))),
        ("mcc", 0.5, ((2, 200), (3, 1066), (5, 200), (10, 1066))),
        ("mcc", 0.05, ((3, 1066), (5, 5000))),
    )
    settings = [(0.0, 0.3), (0.01, 0.95), (0.04, 0.3), (0.01, 0.3)]
    for metric, positives, sizes in of_f1:
        for (seeds, rows), (scatter, share) in zip(sizes, settings, strict=False):
            worlds.append(World((0.9,) * 4, seeds, rows, metric, scatter, share, positives))
    return worlds + [
        replace(World(), scatter=scatter, share=share, seeds=3)
        for scatter, share in product((0.0, 0.01, 0.04), (0.3, 0.95))
    ]


def all_error_worlds() -> list[World]:
    """Return every combination of the settings of :func:`error_worlds`; that of F1 at 95:5 from 200 rows on."""
    metrics = (("accuracy", 0.5, 0.8), ("f1-binary", 0.5, 0.9), ("f1-binary", 0.05, 0.9), ("f1-macro", 0.5, 0.9),
               ("mcc", 0.5, 0.9), ("mcc", 0.05, 0.9))  # fmt: skip
    return [
        World((accuracy,) * 4, seeds, rows, metric, scatter, share, positives)
        for (metric, positives, accuracy), seeds, rows, scatter, share in product(
            metrics, (2, 3, 5, 10), (50, 200, 1066, 5000), (0.0, 0.01, 0.04), (0.3, 0.95)
        )
        if positives == 0.5 or rows >= 200
    ]


def errors(simulations: int, worlds: Sequence[World] | None = None) -> Iterator[tuple[str, ...]]:
    """Four equal contenders: any false verdict or pair, and intervals."""
    columns = ("false_best", "false_worse", "false_pair", "score", "best_score", "pairs_at_once", "distances")
    widths = ("score", "pair")
    yield ("world", *columns, *(f"width of a {one}'s interval against one that knows the variance" for one in widths))
    yield from _lines(worlds or error_worlds(), simulations, look_at_errors, columns, pairs=True, widths=widths)


def scatters(simulations: int) -> Iterator[tuple[str, ...]]:
    """Four equal contenders, of which one scatters by 4 points and the others by half a point."""
    columns = ("false_best", "false_worse", "false_pair")
    yield ("variance between seeds; world", *columns)
    for own, name in ((False, "pooled where alike"), (True, "each contender's own")):
        scatter = (0.04, 0.005, 0.005, 0.005)
        worlds = [World(seeds=seeds, scatter=scatter, own_variances=own) for seeds in (2, 3, 5, 10)]
        for line in _lines(worlds, simulations, look_at_errors, columns, pairs=True):
            yield (f"{name}; {line[0]}", *line[1:])


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
    spread = (0.02, 0.01, 0.005, 0.005)
    yield ("training samples; world", *columns)
    few_shot = World(seeds=5, scatter=0.01, train_rows=32, pool_rows=9596)
    holdout = replace(few_shot, train_rows=8530)
    worlds = {
        "few-shot, 32 of 9,596 rows": few_shot,
        "the same, half of the effect alike for all contenders": replace(few_shot, alike=0.5),
        "few-shot, and of 8 trials the best on validation": replace(few_shot, trials=8, trial_spread=spread),
        "half of the rows": replace(few_shot, train_rows=4798),
        "repeated holdout, 8,530 of 9,596 rows": holdout,
        "the same, with Nadeau and Bengio's share of left-out rows": replace(holdout, overlap=1066 / 9596),
        "the same, as if samples had no row in common": replace(holdout, overlap=0.0),
    }
    for name, line in zip(
        worlds, _lines(list(worlds.values()), simulations, look_at_errors, columns, pairs=True), strict=True
    ):
        yield (f"{name}; {line[0]}", *line[1:])


def draws(simulations: int) -> Iterator[tuple[str, ...]]:
    """Four contenders, five draws with their own training sample and test rows (`--vary data=all`)."""
    columns = (
        "false_best",
        "false_worse",
        "false_pair",
        "by_nadeau_and_bengio",
        "shown_worse",
        "score",
        "pairs_at_once",
        "distances",
    )
    yield ("draws; world", *columns)
    holdout = World(seeds=5, scatter=0.01, train_rows=8530, pool_rows=10_662, own_tests=True, share=0.3, lasting=0.3)
    small = replace(holdout, train_rows=853, pool_rows=1066, rows=107)
    worlds = {
        "8,530, 1,066 and 1,066 of 10,662 rows": holdout,
        "the same, half of a training row's effect alike for all contenders": replace(holdout, alike=0.5),
        "the same, samples have no effect of their own": replace(holdout, scatter=0.0),
        "half of the rows to train on": replace(holdout, train_rows=5331),
        "few-shot, 32 of 10,662 rows": replace(holdout, train_rows=32),
        "the same, and of 8 trials the best on validation": replace(
            holdout, train_rows=32, trials=8, trial_spread=(0.02, 0.01, 0.005, 0.005)
        ),
        "few-shot, one contender's samples vary by 4 points": replace(
            holdout, train_rows=32, scatter=(0.04, 0.005, 0.005, 0.005)
        ),
        "853, 107 and 106 of 1,066 rows": small,
        "the first, one contender 4 points worse": replace(holdout, accuracies=(0.8, 0.8, 0.8, 0.76)),
        "few-shot, one contender 4 points worse": replace(holdout, train_rows=32, accuracies=(0.8, 0.8, 0.8, 0.76)),
    }
    for name, line in zip(
        worlds, _lines(list(worlds.values()), simulations, look_at_draws, columns, pairs=True), strict=True
    ):
        yield (f"{name}; {line[0]}", *line[1:])


def tuned(simulations: int) -> Iterator[tuple[str, ...]]:
    """Four equal contenders, tuned over 8 values that are equally good: the reported score minus the true one."""
    yield ("seeds", *(f"error in points, scatter {100 * scatter:g}" for scatter in SCATTERS))
    with ProcessPoolExecutor() as pool:
        for seeds in (1, 3):
            number = max(20, simulations // 10)
            found = 100 * np.array(list(pool.map(reported_errors, range(number), [seeds] * number)))
            yield (str(seeds), *(f"{own.mean():.2f} ± {own.std() / math.sqrt(number):.2f}" for own in found.T))


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


def curves(simulations: int) -> Iterator[tuple[str, ...]]:
    """A fitted curve: how often its bands hold the score at twice the largest size, and the gain until then."""
    columns = ("score", "gain", "score of the sample", "width of the score's band", "of the gain's")
    yield ("true curve; sizes; 3 seeds", *columns)
    with ProcessPoolExecutor() as pool:
        for shape, sizes, rows, deviation in product(TRUE_CURVES, CURVE_SIZES, (1066, 5000), (0.0, 0.01)):
            world = ([shape] * simulations, [sizes] * simulations, [rows] * simulations, [deviation] * simulations)
            found = np.array(list(pool.map(_fit, range(simulations), *world, chunksize=5)))
            name = f"{shape}; {', '.join(map(str, sizes))}; {rows} rows; samples scatter by {100 * deviation:g}"
            yield (name, *(f"{own.mean():.3f} ± {own.std() / math.sqrt(simulations):.3f}" for own in found.T))


TRUE_CURVES: dict[str, Callable[[float], float]] = {
    "inverse power": lambda rows: 0.9 - 0.25 * (rows / 128) ** -0.5,
    "slow inverse power": lambda rows: 0.95 - 0.25 * (rows / 128) ** -0.15,
    "exponential": lambda rows: 0.88 - 0.25 * math.exp(-rows / 1500),
    "flat": lambda rows: 0.8,
    "late rise": lambda rows: 0.55 + 0.33 / (1 + (rows / 800) ** -1.5),
}
CURVE_SIZES = ((128, 512, 2048, 8192), (128, 256, 512, 1024, 2048, 4096))


def _fit(seed: int, shape: str, sizes: Sequence[int], rows: int, deviation: float) -> tuple[float, ...]:
    """Return whether the bands at twice the largest size hold the truths, and how wide they are."""
    rng, true = np.random.default_rng([seed, 5]), TRUE_CURVES[shape]
    accuracies = tuple(true(size) + deviation * rng.normal() for size in sizes)
    references, predictions = World(accuracies, rows=rows, scatter=0.005).draw(rng)
    found = fit_curve(
        sizes, joint_error(references, predictions, "accuracy"), info_of("accuracy"), tolerance=TOLERANCE, seed=seed
    )
    last = sizes[-1]
    truths = true(2 * last), true(2 * last) - true(last), true(2 * last) + deviation * rng.normal()
    score, gain = found.score(2 * last).interval, found.gain(last).interval
    holds = [one.low <= truth <= one.high for one, truth in zip((score, gain, score), truths, strict=True)]
    return (*map(float, holds), score.high - score.low, gain.high - gain.low)


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
    widths: Sequence[str] = (),
) -> Iterator[tuple[str, ...]]:
    """Yield a line for each world: its name, the columns of its tally, and widths of intervals."""
    with ProcessPoolExecutor() as pool:
        # Where the metric is resampled, a simulation takes longer.
        numbers = [simulations if world.metric == "accuracy" else max(20, simulations // 5) for world in worlds]
        waiting = [
            pool.submit(simulate, world, number, look, pairs=pairs)
            for world, number in zip(worlds, numbers, strict=True)
        ]
        for world, job in zip(worlds, waiting, strict=True):
            tally = job.result()
            yield (world.name, *(tally.write(column) for column in columns), *map(tally.write_width, widths))


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
    "draws": draws,
    "tuned": tuned,
    "crossings": crossings,
    "curves": curves,
}


def main() -> None:
    """Print the tables, each line when it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--only", default=",".join(TABLES), help="some of the tables")
    parser.add_argument("--all", action="store_true", help="all combinations of the settings of the table of errors")
    options = parser.parse_args()
    for name in options.only.split(","):
        table = TABLES[name]
        if options.all and name == "errors":
            table = partial(errors, worlds=all_error_worlds())
        print(f"\n{name}: {(TABLES[name].__doc__ or '').strip()}\n")
        for number, line in enumerate(table(options.simulations)):
            print(f"| {' | '.join(line)} |", flush=True)
            if number == 0:
                print("|---" * len(line) + "|")


if __name__ == "__main__":
    main()

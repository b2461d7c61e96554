"""The statistics are right as often as they say, where the truth is known.

A small part of ``tests/benchmarks/statistics_simulation.py``; ``simulated_worlds.py`` there says how predictions are
drawn.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from label_metrics import info_of, joint_error
from scipy import stats

from textclf_core.statistics.learning_curve import fit_curve

pytestmark = pytest.mark.slow

SIMULATIONS = 80


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "simulated_worlds.py"
    spec = importlib.util.spec_from_file_location("simulated_worlds", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _at_most(share: float, number: int) -> float:
    """Return the share that is exceeded by chance once in a thousand times if the true one is ``share``."""
    return float(stats.binom.ppf(0.999, number, share) / number)


@pytest.mark.parametrize(("metric", "seeds"), [("accuracy", 1), ("accuracy", 3), ("f1-macro", 3)])
def test_any_verdict_on_equal_contenders_is_false_in_5_of_100_comparisons_at_most(
    simulation: ModuleType, metric: str, seeds: int
) -> None:
    world = simulation.World(metric=metric, seeds=seeds, scatter=0.0 if seeds == 1 else 0.01)
    number = SIMULATIONS if metric == "accuracy" else 40
    tally = simulation.simulate(world, number, simulation.look_at_errors, pairs=True)
    for false in ("false_best", "false_worse", "false_pair"):
        assert np.mean(tally.values[false]) <= _at_most(0.05, number)
    if seeds > 1:  # with one seed, intervals are about the trained models, whose true scores lie about the strategy's
        assert np.mean(tally.values["distances"]) >= 1 - _at_most(0.06, number)
        assert np.mean(tally.values["best_score"]) >= 1 - _at_most(0.06, number)


def test_a_gap_of_4_points_is_shown_nearly_as_often_as_if_every_variance_were_known(simulation: ModuleType) -> None:
    # The difference of two means of 3 * 1,066 right or wrong predictions, 84% and 80% of them right, has a standard
    # error of 0.0096. The gap is 4.17 of those; at Holm's first level for ten pairs, 0.05 / 10, it takes 2.81.
    error = ((0.84 * 0.16 + 0.80 * 0.20) / (3 * 1066)) ** 0.5
    power = float(stats.norm.sf(stats.norm.isf(0.05 / 10 / 2) - 0.04 / error))
    assert power == pytest.approx(0.913, abs=0.001)
    world = simulation.World((0.84, 0.84, 0.84, 0.84, 0.80), share=0.0)
    tally = simulation.simulate(world, SIMULATIONS, simulation.look_at_errors)
    assert np.mean(tally.values["false_worse"]) <= _at_most(0.05, SIMULATIONS)
    assert 1 - np.mean(tally.values["shown_worse"]) <= _at_most(1 - (power - 0.05), SIMULATIONS)


def test_what_is_recommended_is_rarely_more_than_the_tolerance_worse(simulation: ModuleType) -> None:
    ladder = simulation.World((0.85, 0.845, 0.835, 0.82, 0.80), scatter=0.01)
    tally = simulation.simulate(ladder, SIMULATIONS, simulation.look_at_recommendation)
    assert np.mean(tally.values["too_bad"]) <= _at_most(0.15, SIMULATIONS)
    assert np.mean(tally.values["loss"]) <= 0.5
    # The printed risk isn't smaller than what happens, but for chance.
    assert np.mean(tally.values["too_bad"]) - np.mean(tally.values["risk"]) <= 0.1


def test_contenders_that_are_equal_are_taken_by_their_cost(simulation: ModuleType) -> None:
    equal = simulation.World((0.85,) * 5, scatter=0.01)
    tally = simulation.simulate(equal, SIMULATIONS, simulation.look_at_recommendation)
    assert np.mean(tally.values["cost"]) <= 0.6 * np.mean(tally.values["cost_of_best_looking"])


def test_a_contender_that_is_worse_by_just_the_tolerance_is_rarely_called_as_good(simulation: ModuleType) -> None:
    world = simulation.World((0.85, 0.85, 0.84), 5, 20_000, scatter=0.005, share=0.7)
    tally = simulation.simulate(world, 60, simulation.look_at_errors)
    assert np.mean(tally.values["false_as_good"]) <= _at_most(0.05, 60)
    assert np.mean(tally.values["as_good"]) >= 0.5


@pytest.mark.parametrize("train_rows", [32, 853])
def test_claims_over_samples_and_test_rows_are_false_in_5_of_100_comparisons_at_most(
    simulation: ModuleType, train_rows: int
) -> None:
    world = simulation.World(seeds=5, rows=107, scatter=0.01, train_rows=train_rows, pool_rows=1066, own_tests=True)
    tally = simulation.simulate(world, SIMULATIONS, simulation.look_at_errors, pairs=True)
    for false in ("false_best", "false_worse", "false_pair"):
        assert np.mean(tally.values[false]) <= _at_most(0.05, SIMULATIONS)
    assert np.mean(tally.values["distances"]) >= 1 - _at_most(0.06, SIMULATIONS)


def test_the_band_of_a_fitted_curve_holds_the_score_at_twice_the_largest_size(simulation: ModuleType) -> None:
    sizes = (128, 512, 2048, 8192)
    scores = {size: 0.9 - 0.25 * (size / 128) ** -0.5 for size in (*sizes, 16_384)}
    held, gained, widths = 0, 0, []
    for draw in range(SIMULATIONS):
        world = simulation.World(tuple(scores[size] for size in sizes), scatter=0.005)
        references, predictions = world.draw(np.random.default_rng(draw))
        fit = fit_curve(
            sizes, joint_error(references, predictions, "accuracy"), info_of("accuracy"), tolerance=0.01, seed=draw
        )
        score, gain = fit.score(16_384).interval, fit.gain(8192).interval
        held += score.low <= scores[16_384] <= score.high
        gained += gain.low <= scores[16_384] - scores[8192] <= gain.high
        widths.append(score.high - score.low)
    assert min(held, gained) / SIMULATIONS >= 1 - _at_most(0.05, SIMULATIONS)
    assert np.mean(widths) < 0.08


@pytest.mark.parametrize("train_rows", [32, 4798, 8530])
def test_claims_over_training_samples_are_false_in_5_of_100_comparisons_at_most(
    simulation: ModuleType, train_rows: int
) -> None:
    world = simulation.World(seeds=5, scatter=0.01, train_rows=train_rows, pool_rows=9596)
    tally = simulation.simulate(world, SIMULATIONS, simulation.look_at_errors, pairs=True)
    for false in ("false_best", "false_worse", "false_pair"):
        assert np.mean(tally.values[false]) <= _at_most(0.05, SIMULATIONS)
    assert np.mean(tally.values["score"]) >= 1 - _at_most(0.06, SIMULATIONS)

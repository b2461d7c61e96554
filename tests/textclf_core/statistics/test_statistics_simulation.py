"""The statistics are right as often as they say, where the truth is known: five contenders, three seeds, 1,066 rows.

A small part of ``tests/benchmarks/statistics_simulation.py``, which says how predictions are drawn.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from scipy import stats

pytestmark = pytest.mark.slow

SIMULATIONS = 150


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "statistics_simulation.py"
    spec = importlib.util.spec_from_file_location("statistics_simulation", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _at_most(share: float, number: int) -> float:
    """Return the share that is exceeded by chance once in a thousand times if the true one is ``share``."""
    return float(stats.binom.ppf(0.999, number, share) / number)


def test_equal_contenders_are_found_to_differ_in_5_of_100_comparisons_at_most(simulation: ModuleType) -> None:
    outcome = simulation.simulate(simulation.INDEPENDENT, SIMULATIONS)
    assert outcome.false_differences <= _at_most(0.05, SIMULATIONS)
    # 5 contenders a simulation; 10 pairs, which are far from independent.
    assert 1 - _at_most(0.07, 5 * SIMULATIONS) <= outcome.coverage <= _at_most(0.97, 5 * SIMULATIONS)
    assert 1 - _at_most(0.07, 5 * SIMULATIONS) <= outcome.examples_coverage <= _at_most(0.97, 5 * SIMULATIONS)
    assert 1 - _at_most(0.07, 5 * SIMULATIONS) <= outcome.difference_coverage


@pytest.mark.parametrize("metric", ["accuracy", "f1-binary"])
def test_a_gap_of_4_points_is_found_nearly_as_often_as_if_every_variance_were_known(
    simulation: ModuleType, metric: str
) -> None:
    world = replace(simulation.INDEPENDENT, metric=metric, gap=0.04)
    # The difference of two means of 3 * 1,066 right or wrong predictions, 84% and 80% of them right, has a standard
    # error of 0.0096. The gap is 4.17 of those; at Holm's first level for ten pairs, 0.05 / 10, it takes 2.81.
    error = ((0.84 * 0.16 + 0.80 * 0.20) / (3 * 1066)) ** 0.5
    power = float(stats.norm.sf(stats.norm.isf(0.05 / 10 / 2) - 0.04 / error))
    assert power == pytest.approx(0.913, abs=0.001)
    outcome = simulation.simulate(world, SIMULATIONS, resamples=100)
    assert 1 - outcome.found <= _at_most(1 - (power - 0.05), SIMULATIONS)
    assert outcome.false_differences <= _at_most(0.05, SIMULATIONS)


def test_with_one_seed_equal_models_are_rarely_found_to_differ(simulation: ModuleType) -> None:
    for metric in ("accuracy", "f1-macro"):
        world = replace(simulation.INDEPENDENT, metric=metric, seeds=1)
        outcome = simulation.simulate(world, 40, resamples=500)
        assert outcome.false_differences <= _at_most(0.05, 40)
        assert 1 - _at_most(0.07, 200) <= outcome.coverage <= _at_most(0.97, 200)

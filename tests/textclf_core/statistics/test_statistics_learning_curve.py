"""A fitted learning curve."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from label_metrics import info_of, joint_error, scored_rows, turned
from numpy.typing import NDArray

from textclf_core import statistics
from textclf_core.errors import DataError
from textclf_core.statistics import SummedModel
from textclf_core.statistics.learning_curve import FittedCurve, fit_curve

ACCURACY = info_of("accuracy")
SIZES = (100, 400, 1600, 6400)


def curve(rows: float) -> float:
    """From 0.6 at 100 towards 0.9: 0.3 is left to gain at first, half of it at 400."""
    return 0.9 - 0.3 * (rows / 100) ** -0.5


def predictions(
    scores: Mapping[int, float], test_rows: int, seeds: int = 2, scatter: float = 0.0
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    """Return references, and predictions of which the given share is right, seed by seed a little more or less."""
    rng = np.random.default_rng(0)
    references = np.arange(test_rows) % 2
    shifts = np.linspace(-scatter, scatter, seeds)
    by_size = {}
    for size, score in scores.items():
        right = np.stack([rng.permutation(test_rows) < round((score + shift) * test_rows) for shift in shifts])
        by_size[str(size)] = np.where(right, references, 1 - references)
    return references, by_size


def fitted(scores: Mapping[int, float], test_rows: int = 20_000, scatter: float = 0.0) -> FittedCurve:
    references, by_size = predictions(scores, test_rows, scatter=scatter)
    return fit_curve(list(scores), joint_error(references, by_size, "accuracy"), ACCURACY, tolerance=0.01)


def test_a_curve_that_follows_the_form_is_continued() -> None:
    found = fitted({size: curve(size) for size in SIZES}, test_rows=200_000)
    for rows in (800, 6400, 12_800):
        score = found.score(rows)
        assert score.value == pytest.approx(curve(rows), abs=0.01)
        assert score.interval.low <= curve(rows) <= score.interval.high
    gain, true_gain = found.gain(6400), curve(12_800) - curve(6400)
    assert gain.interval.low <= true_gain <= gain.interval.high
    assert gain.value == pytest.approx(true_gain, abs=0.004)


def test_more_examples_are_further_from_what_was_run() -> None:
    found = fitted({size: curve(size) for size in SIZES})
    widths = [one.interval.high - one.interval.low for one in map(found.score, (6400, 12_800, 100_000))]
    assert widths == sorted(widths)
    assert [found.is_far(rows) for rows in (7400, 12_800, 12_801)] == [False, False, True]


def test_fewer_test_rows_and_seeds_that_scatter_give_a_wider_band() -> None:
    scores = {size: curve(size) for size in SIZES}
    exact, few_rows, scattered = fitted(scores), fitted(scores, test_rows=300), fitted(scores, scatter=0.03)
    widths = [one.score(12_800).interval.high - one.score(12_800).interval.low for one in (exact, few_rows, scattered)]
    assert widths[1] > 1.5 * widths[0]
    assert widths[2] > 1.5 * widths[0]


def test_a_flat_curve_gains_nothing() -> None:
    gain = fitted(dict.fromkeys(SIZES, 0.8)).gain(1000)
    assert gain.interval.low == 0
    assert gain.interval.high < 0.003


def test_scores_that_follow_no_such_curve_show_in_the_misfit_and_in_the_band() -> None:
    smooth = fitted({size: curve(size) for size in SIZES})
    jumping = fitted({100: 0.6, 400: 0.85, 1600: 0.7, 6400: 0.9})
    assert smooth.misfit < 0.01
    assert jumping.misfit > 0.03
    widths = [one.score(12_800).interval.high - one.score(12_800).interval.low for one in (smooth, jumping)]
    assert widths[1] > 3 * widths[0]


def test_rows_of_one_text_count_as_one_draw() -> None:
    references, by_size = predictions({size: curve(size) for size in SIZES}, 400)
    copied = {name: np.repeat(one, 10, axis=1) for name, one in by_size.items()}
    clusters = np.repeat(np.arange(400), 10)
    alone, together = (
        fit_curve(
            SIZES, joint_error(np.repeat(references, 10), copied, "accuracy", clusters=of), ACCURACY, tolerance=0.01
        )
        for of in (None, clusters)
    )
    widths = [one.score(6400).interval.high - one.score(6400).interval.low for one in (alone, together)]
    assert widths[1] > 1.5 * widths[0]


def test_three_sizes_are_too_few() -> None:
    with pytest.raises(DataError, match=r"has three parameters, so it needs 4 training sizes or more, not 3"):
        fitted({size: curve(size) for size in SIZES[:3]})


def test_a_curve_of_a_metric_of_which_lower_is_better_is_the_same_with_the_metrics_own_sign() -> None:
    references, by_size = predictions({size: curve(size) for size in SIZES}, 20_000)
    higher = fitted({size: curve(size) for size in SIZES})
    metric = turned(ACCURACY)  # the share of errors
    assert metric.sums is not None
    models = {
        size: [SummedModel(metric.sums, scored_rows(references, of_seed)) for of_seed in of_size]
        for size, of_size in by_size.items()
    }
    lower = fit_curve(SIZES, statistics.joint_error(models, metric), metric, tolerance=0.01)
    now, then = lower.score(6400), higher.score(6400)
    assert (now.value, now.interval.low, now.interval.high) == pytest.approx(
        (1 - then.value, 1 - then.interval.high, 1 - then.interval.low), abs=1e-9
    )
    assert lower.gain(1000).value == pytest.approx(-higher.gain(1000).value, abs=1e-9)

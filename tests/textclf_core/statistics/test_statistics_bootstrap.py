"""The stratified bootstrap and its interval."""

from __future__ import annotations

import numpy as np
import pytest
from label_metrics import model_of
from numpy.typing import NDArray
from scipy import stats

from textclf_core.statistics import Draws
from textclf_core.statistics.bootstrap import bca_interval, resampled_scores
from textclf_core.statistics.draws import strata_of


def _groups(references: list[int]) -> list[list[int]]:
    return [sorted(stratum.tolist()) for stratum in strata_of(np.array(references))]


def test_each_label_is_resampled_by_itself() -> None:
    assert _groups([0, 1] * 5) == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]


def test_rare_labels_are_resampled_together() -> None:
    assert _groups([0] * 6 + [3, 4, 4, 5, 5]) == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]


def test_rare_labels_that_are_few_together_join_the_smallest_of_the_others() -> None:
    assert _groups([0] * 6 + [1] * 5 + [2]) == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_rare_labels_alone_are_one_group() -> None:
    assert _groups([0, 1, 2]) == [[0, 1, 2]]


def test_a_resample_has_as_many_rows_of_each_label() -> None:
    # Label 0 is always predicted right and label 1 never, so accuracy is the share of label 0 in each resample.
    references = np.repeat([0, 1], [30, 10])
    model = model_of("accuracy", references, np.zeros(40, dtype=np.int64))
    scores = resampled_scores([model], Draws(40, labels=references), resamples=50, rng=np.random.default_rng(0))
    assert scores == pytest.approx(np.full((1, 50), 0.75))


def test_the_spread_of_resampled_accuracy_is_that_within_the_labels() -> None:
    # 20 of 40 of label 0 right, 45 of 50 of label 1: variance (40 * .25 + 50 * .09) / 90^2.
    references = np.repeat([0, 1], [40, 50])
    right = np.repeat([True, False, True, False], [20, 20, 45, 5])
    model = model_of("accuracy", references, np.where(right, references, 1 - references))
    draws = Draws(90, labels=references)
    scores = resampled_scores([model], draws, resamples=40_000, rng=np.random.default_rng(0))
    assert scores.std() == pytest.approx(np.sqrt(40 * 0.25 + 50 * 0.09) / 90, rel=0.02)
    assert scores.mean() == pytest.approx(65 / 90, abs=0.001)


def test_models_are_scored_on_the_same_resamples() -> None:
    references = np.arange(60) % 3
    models = [model_of("f1-macro", references, np.random.default_rng(0).integers(3, size=60), 3) for _ in range(2)]
    draws = Draws(60, labels=references)
    scores = resampled_scores(models, draws, resamples=20, rng=np.random.default_rng(0))
    assert np.array_equal(scores[0], scores[1])
    assert len(np.unique(scores[0])) > 10


def _random_case(rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows = int(rng.integers(40, 80))
    references = rng.integers(2, size=rows)
    wrong = rng.permutation(rows) < rng.integers(4, rows // 2)  # scipy has no interval where all is right
    return references, np.where(wrong, 1 - references, references)


def test_the_interval_is_that_of_scipy_on_200_random_cases() -> None:
    def f1(references: NDArray[np.int64], predictions: NDArray[np.int64], axis: int) -> NDArray[np.float64]:
        right = np.sum(references * predictions, axis=axis)
        return np.asarray(2 * right / (np.sum(references, axis=axis) + np.sum(predictions, axis=axis)))

    rng = np.random.default_rng(3)
    distances = []
    for _ in range(200):
        references, predictions = _random_case(rng)
        scipys = stats.bootstrap(
            (references, predictions), f1, paired=True, method="BCa", n_resamples=1500, rng=rng
        ).confidence_interval
        model, draws = model_of("f1-binary", references, predictions), Draws(len(references))  # scipy knows no strata
        [replicates] = resampled_scores([model], draws, resamples=1500, rng=rng)
        estimate = float(f1(references, predictions, 0))
        ours = bca_interval(estimate, replicates, model.influences(draws), level=0.95)
        width = scipys.high - scipys.low
        distances.append([(ours.low - scipys.low) / width, (ours.high - scipys.high) / width])
    # What is left is the noise of two times 1,500 resamples: no bias, and no outlier.
    assert np.abs(np.mean(distances, axis=0)).max() < 0.01
    assert np.abs(distances).max() < 0.2


def test_the_interval_by_hand() -> None:
    # Half of the replicates are below and none equal the estimate: no bias. Influences without skew: no
    # acceleration. What is left are the plain percentiles.
    replicates = np.linspace(0.0, 1.0, 1001)
    interval = bca_interval(0.50025, replicates, np.array([-1.0, 1.0]), level=0.9)
    assert (interval.low, interval.high) == pytest.approx((0.05, 0.95), abs=0.002)


def test_skewed_influences_move_the_interval_by_efrons_formula() -> None:
    influences = np.array([3.0, -1.0, -1.0, -1.0])
    acceleration = 24 / (6 * 12**1.5)
    z = stats.norm.ppf(0.95)
    expected = stats.norm.cdf([-z / (1 + acceleration * z), z / (1 - acceleration * z)])
    interval = bca_interval(0.50025, np.linspace(0.0, 1.0, 1001), influences, level=0.9)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=0.002)


def test_an_estimate_off_the_median_of_the_replicates_moves_the_interval_by_efrons_formula() -> None:
    bias = stats.norm.ppf(0.6)  # the share of the replicates below the estimate
    expected = stats.norm.cdf(2 * bias + stats.norm.ppf([0.05, 0.95]))
    interval = bca_interval(0.60005, np.linspace(0.0, 1.0, 1001), np.array([-1.0, 1.0]), level=0.9)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=0.002)


def test_without_any_error_the_interval_is_the_estimate() -> None:
    interval = bca_interval(1.0, np.ones(100), np.zeros(30), level=0.95)
    assert (interval.low, interval.high) == (1.0, 1.0)

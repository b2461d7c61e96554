"""Contenders compared by their predictions: verdicts, and the notes on them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from label_metrics import METRICS, compare, info_of, model_of, paired_difference, scored_rows, turned
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from textclf_core import statistics
from textclf_core.errors import DataError
from textclf_core.statistics import Interval, SummedModel
from textclf_core.statistics.from_best import Needed

ROWS = 400
REFERENCES = np.arange(ROWS) % 2


def _predictions(*wrong: int, seed: int = 0) -> NDArray[np.int64]:
    """Return predictions of as many seeds as numbers of wrong rows are given, wrong at random rows."""
    rng = np.random.default_rng(seed)
    mistaken = np.array([rng.permutation(ROWS) < number for number in wrong])
    return np.where(mistaken, 1 - REFERENCES, REFERENCES)


GOOD = _predictions(40, 44, 36)
AS_GOOD = _predictions(42, 46, 40, seed=1)
BAD = _predictions(120, 125, 130, seed=2)
THREE = {"bad": BAD, "good": GOOD, "as good": AS_GOOD}


def test_verdicts() -> None:
    comparison = compare(REFERENCES, THREE, "accuracy")
    verdicts = {contender.name: contender.verdict for contender in comparison.contenders}
    assert verdicts == {"bad": "worse", "good": "undecided", "as good": "undecided"}
    assert comparison.best == "good"
    wide = compare(REFERENCES, THREE, "accuracy", tolerance=0.1)
    assert {contender.verdict for contender in wide.contenders[1:]} == {"as good"}
    alone = compare(REFERENCES, {"bad": BAD, "good": GOOD}, "accuracy")
    assert [contender.verdict for contender in alone.contenders] == ["worse", "best"]


def test_distances_from_the_best_claim_what_the_verdicts_say() -> None:
    comparison = compare(REFERENCES, {"bad": BAD, "good": GOOD}, "accuracy")
    bad, good = (comparison.contender(name).distance for name in ("bad", "good"))
    assert bad is not None
    assert good is not None
    assert bad.low < -0.2125 < bad.high == 0.0 == good.low < 0.2125 < good.high


def test_the_loss_of_what_looks_worse_is_larger_and_all_of_it_is_risk() -> None:
    comparison = compare(REFERENCES, THREE, "accuracy")
    bad, good, near = (contender.loss for contender in comparison.contenders)
    assert bad is not None
    assert good is not None
    assert near is not None
    assert bad.expected == pytest.approx(0.21, abs=0.02)
    assert bad.risk > 0.999
    assert good.expected < near.expected < 0.01
    assert good.risk < near.risk < 0.5


def test_a_score_is_expected_to_be_nearer_to_the_others() -> None:
    models = {str(number): _predictions(40 + number, 44 + number, 36 + number, seed=number) for number in range(8)}
    comparison = compare(REFERENCES, models, "accuracy")
    best = comparison.contender("0")
    assert best.loss is not None
    assert np.mean([one.mean for one in comparison.contenders]) < best.loss.score < best.mean


def test_an_undecided_contender_comes_with_what_would_decide() -> None:
    models = {"good": GOOD, "near": _predictions(46, 50, 42, seed=1)}
    near = compare(REFERENCES, models, "accuracy").contender("near")
    assert near.verdict == "undecided"
    assert near.needed is not None
    assert near.needed.rows is not None
    assert near.needed.rows > ROWS
    assert "test rows would decide it." in compare(REFERENCES, models, "accuracy").sentence("near")
    decided = compare(REFERENCES, {"good": GOOD, "bad": BAD}, "accuracy")
    assert [contender.needed for contender in decided.contenders] == [None, None]


def test_one_more_seed_may_decide_what_two_cannot_since_their_scatter_is_hardly_known() -> None:
    models = {"good": _predictions(60, 90), "worse by 18 points": _predictions(140, 160, seed=5)}
    comparison = compare(REFERENCES, models, "accuracy")
    worse = comparison.contender("worse by 18 points")
    assert worse.verdict == "undecided"
    assert worse.needed == Needed(seeds=3)
    assert "About 3 seeds of each would decide it." in comparison.sentence(worse.name)


def test_without_a_tolerance_no_loss_is_estimated() -> None:
    comparison = compare(REFERENCES, THREE, "accuracy", tolerance=None)
    assert [contender.loss for contender in comparison.contenders] == [None] * 3
    assert comparison.contender("bad").verdict == "worse"


def test_the_interval_of_the_best_of_many_reaches_further_down() -> None:
    models = {str(number): _predictions(40 + number, 44 + number, 36 + number, seed=number) for number in range(12)}
    chosen = compare(REFERENCES, models, "accuracy").contender("0").interval
    alone = compare(REFERENCES, {"0": models["0"]}, "accuracy").contender("0").interval
    assert chosen.low < alone.low


def test_mean_and_deviation_over_seeds_by_hand() -> None:
    good = compare(REFERENCES, THREE, "accuracy").contender("good")
    assert good.by_seed == pytest.approx((0.90, 0.89, 0.91))
    assert good.mean == pytest.approx(0.90)
    assert good.standard_deviation == pytest.approx(0.01)


@pytest.mark.parametrize("metric", METRICS)
def test_equal_scores_have_no_deviation(metric: str) -> None:
    # As floating-point numbers, the mean of three equal ones may be another.
    for wrong in range(100, 130):
        scores = compare(REFERENCES, {"a": np.tile(_predictions(wrong), (3, 1))}, metric).contender("a")
        assert scores.standard_deviation == 0.0


def test_f1_is_averaged_over_seeds() -> None:
    comparison = compare(REFERENCES, THREE, "f1-binary")
    assert comparison.contender("bad").by_seed == pytest.approx([f1_score(REFERENCES, of_seed) for of_seed in BAD])


def test_every_pair_is_tested_and_corrected_for_all() -> None:
    assert compare(REFERENCES, THREE, "accuracy").pairs == ()
    comparison = compare(REFERENCES, THREE, "accuracy", with_pairs=True)
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [
        ("bad", "good"),
        ("bad", "as good"),
        ("good", "as good"),
    ]
    assert {pair.method for pair in comparison.pairs} == {"crossed t"}
    smallest = min(comparison.pairs, key=lambda pair: pair.p_value)
    assert smallest.adjusted_p_value == pytest.approx(3 * smallest.p_value)
    assert comparison.pair("as good", "bad") is comparison.pairs[1]
    # An interval is adjusted as its p-value is.
    assert smallest.difference.interval.level == pytest.approx(1 - 0.05 / 3)


@pytest.mark.parametrize(
    ("metric", "method"),
    [
        ("accuracy", "exact McNemar"),
        ("f1-micro", "exact McNemar"),
        ("f1-binary", "approximate randomisation"),
        ("f1-macro", "approximate randomisation"),
        ("f1-weighted", "approximate randomisation"),
    ],
)
def test_with_one_seed_models_are_tested(metric: str, method: str) -> None:
    one_seed = {name: models[:1] for name, models in THREE.items()}
    comparison = compare(REFERENCES, one_seed, metric, with_pairs=True)
    assert {pair.method for pair in comparison.pairs} == {method}
    assert {pair.difference.subject for pair in comparison.pairs} == {"trained models"}
    assert comparison.contender("bad").verdict == "worse"
    assert comparison.contender("good").standard_deviation is None
    assert comparison.contender("bad").interval == comparison.contender("bad").examples_interval


def test_scattered_seeds_widen_the_interval_of_a_strategy_but_not_of_its_models() -> None:
    scattered = _predictions(20, 40, 60)
    calm = compare(REFERENCES, {"a": _predictions(40, 40, 40)}, "accuracy").contender("a")
    wild = compare(REFERENCES, {"a": scattered}, "accuracy").contender("a")
    assert wild.mean == calm.mean
    assert _width(wild.interval) > 2 * _width(calm.interval)
    assert _width(wild.examples_interval) == pytest.approx(_width(calm.examples_interval), rel=0.25)


def _width(interval: Interval) -> float:
    return interval.high - interval.low


def test_a_difference_that_models_have_may_be_one_that_strategies_do_not_have() -> None:
    models = {"a": _predictions(20, 30, 100), "b": _predictions(80, 90, 110, seed=5)}
    strategies = compare(REFERENCES, models, "accuracy")
    first_seeds = compare(REFERENCES, {name: one[:1] for name, one in models.items()}, "accuracy")
    assert first_seeds.contender("b").verdict == "worse"
    assert strategies.contender("b").verdict == "undecided"


def test_a_contender_with_one_seed_is_compared_as_a_trained_model() -> None:
    comparison = compare(REFERENCES, {"good": GOOD, "bad": BAD[:1]}, "accuracy", with_pairs=True)
    pair = comparison.pairs[0]
    assert (pair.method, pair.difference.subject) == ("crossed t", "trained models")
    assert comparison.contender("bad").verdict == "worse"


def test_of_equal_predictions_none_is_better_and_the_first_stands_for_the_best() -> None:
    comparison = compare(REFERENCES, {"a": GOOD, "b": GOOD}, "accuracy", tolerance=0.02, with_pairs=True)
    assert comparison.best == "a"
    [pair] = comparison.pairs
    assert pair.p_value == 1.0
    # Alike on 400 rows is as good within two points, but not equal on all texts.
    assert [contender.verdict for contender in comparison.contenders] == ["as good", "as good"]
    close = compare(REFERENCES, {"a": GOOD, "b": GOOD}, "accuracy", tolerance=0.005)
    assert [contender.verdict for contender in close.contenders] == ["undecided", "undecided"]


def test_one_contender_is_the_best() -> None:
    comparison = compare(REFERENCES, {"a": GOOD}, "f1-macro")
    assert comparison.contender("a").verdict == "best"
    assert comparison.pairs == ()
    assert comparison.detectable is None


@pytest.mark.parametrize("metric", METRICS)
def test_a_contender_that_is_always_right_may_be_wrong_on_other_rows(metric: str) -> None:
    perfect = np.tile(REFERENCES, (2, 1))
    contender = compare(REFERENCES, {"a": perfect}, metric).contender("a")
    # Clopper and Pearson's interval of all right; F1 of one label, or of the rarest, rests on half of the rows.
    rows = ROWS // 2 if metric in ("f1-binary", "f1-macro") else ROWS
    assert (contender.mean, contender.interval.high) == (1.0, 1.0)
    assert contender.interval.low == pytest.approx(0.025 ** (1 / rows))


def test_an_interval_stays_between_0_and_1() -> None:
    contender = compare(REFERENCES, {"a": _predictions(0, 1, 12)}, "accuracy").contender("a")
    assert 0 < contender.interval.low < contender.mean < contender.interval.high < 1


def test_the_same_seed_gives_the_same_numbers_and_another_does_not() -> None:
    one_seed = {name: models[:1] for name, models in THREE.items()}
    first, again, other = (compare(REFERENCES, one_seed, "f1-macro", seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_alpha_sets_the_level_of_the_intervals_and_of_the_verdict() -> None:
    models = {"good": GOOD, "near": _predictions(58, 62, 60, seed=3)}
    strict, usual = (compare(REFERENCES, models, "accuracy", alpha=alpha) for alpha in (0.0001, 0.05))
    assert strict.contender("good").interval.level == pytest.approx(0.9999)
    assert _width(strict.contender("good").interval) > _width(usual.contender("good").interval)
    assert usual.contender("near").verdict == "worse"
    assert strict.contender("near").verdict == "undecided"


def test_a_difference_from_the_best_is_shown_sooner_than_one_of_all_pairs() -> None:
    models = {str(number): _predictions(40, 44, 36, seed=number) for number in range(10)}
    comparison = compare(REFERENCES, models, "accuracy", with_pairs=True)
    of_pairs = [pair.detectable for pair in comparison.pairs if comparison.best in (pair.first, pair.second)]
    assert comparison.detectable is not None
    assert comparison.detectable < np.median(of_pairs)


@pytest.mark.parametrize("seeds", [1, 3])
def test_paired_difference_is_that_of_a_comparison_of_two(seeds: int) -> None:
    first, second = GOOD[:seeds], BAD[:seeds]
    difference = paired_difference(REFERENCES, first, second, "f1-binary", seed=1)
    assert (
        difference
        == compare(REFERENCES, {"a": first, "b": second}, "f1-binary", seed=1, with_pairs=True).pairs[0].difference
    )
    expected = np.mean([f1_score(REFERENCES, a) - f1_score(REFERENCES, b) for a, b in zip(first, second, strict=True)])
    assert difference.value == pytest.approx(expected)
    assert difference.interval.low < expected < difference.interval.high


def test_the_verdicts_in_words() -> None:
    comparison = compare(REFERENCES, THREE, "accuracy")
    assert comparison.sentence("good").startswith("good has the highest score: accuracy 0.900 (95% interval 0.8")
    assert "Another may be better by up to 0.0" in comparison.sentence("good")
    worse = comparison.sentence("bad")
    assert worse.startswith("bad is worse than the best: 0.213 below good, the highest score (truly 0.0")
    assert worse.endswith("below the best, at 95% for all contenders).")
    assert comparison.sentence("as good").startswith("as good is undecided: 0.007 below good, the highest score (truly")
    alone = compare(REFERENCES, {"bad": BAD, "good": GOOD}, "accuracy")
    assert alone.sentence("good").startswith("good is the best: accuracy 0.900 (95% interval 0.8")
    one = compare(REFERENCES, {"good": GOOD}, "accuracy")
    assert one.sentence("good").startswith("good is the only contender: accuracy 0.900 (95% interval 0.8")
    wide = compare(REFERENCES, THREE, "accuracy", tolerance=0.1)
    assert wide.sentence("as good").startswith(
        "as good is as good as the best within the tolerance of 0.1: 0.007 below"
    )


def few(*right: list[int]) -> NDArray[np.int64]:
    """Return predictions for six rows, a seed each, that are right on these rows."""
    references = np.arange(6) % 2
    return np.array([[label if row in of_seed else 1 - label for row, label in enumerate(references)]
                     for of_seed in right])  # fmt: skip


def test_on_a_handful_of_rows_no_number_is_beyond_what_a_score_can_be() -> None:
    models = {"good": few([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4]), "bad": few([0, 1, 2, 3, 4], [5])}
    comparison = compare(np.arange(6) % 2, models, "accuracy", with_pairs=True)
    [pair] = comparison.pairs
    assert -1 <= pair.difference.interval.low < 0
    assert pair.difference.interval.high == 1.0
    assert comparison.detectable == pair.detectable == float("inf")
    for contender in comparison.contenders:
        assert contender.distance is not None
        assert -1 <= contender.distance.low <= contender.distance.high <= 1


def test_with_one_seed_the_verdict_speaks_of_the_trained_models() -> None:
    one_seed = {name: models[:1] for name, models in THREE.items()}
    comparison = compare(REFERENCES, one_seed, "accuracy")
    for name in one_seed:
        assert comparison.sentence(name).endswith(
            "With one seed this is about these trained models, not about the strategies."
        )


def test_models_on_other_rows_are_refused_by_contender() -> None:
    models = {"good": [model_of("accuracy", REFERENCES, GOOD[0])], "short": [model_of("accuracy", *[GOOD[0][1:]] * 2)]}
    with pytest.raises(DataError, match=r"the same test rows; got 'good' with \[400\] rows, 'short' with \[399\]"):
        statistics.compare(models, info_of("accuracy"))


def test_a_metric_without_a_value_is_refused_by_contender() -> None:
    nowhere = np.zeros_like(REFERENCES)
    models = {"good": [model_of("f1-binary", nowhere, of_seed) for of_seed in GOOD]}
    with pytest.raises(DataError, match="f1-binary has no value on the test rows for good"):
        statistics.compare(models, info_of("f1-binary"))


def test_a_comparison_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match=r"at least one contender.*got none"):
        statistics.compare({}, info_of("accuracy"))


@pytest.mark.parametrize("metric", ["accuracy", "f1-macro"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_a_metric_of_which_lower_is_better_gives_the_same_in_its_own_sign(metric: str, seeds: int) -> None:
    """The error rate decides as accuracy does."""
    info = turned(info_of(metric))
    predictions = {name: of_one[:seeds] for name, of_one in THREE.items()}
    usual = compare(REFERENCES, predictions, metric, with_pairs=True)
    assert info.sums
    models = {
        name: [SummedModel(info.sums, scored_rows(REFERENCES, of_seed)) for of_seed in of_one]
        for name, of_one in predictions.items()
    }
    found = statistics.compare(models, info, with_pairs=True)
    assert found.best == usual.best
    assert found.detectable == pytest.approx(usual.detectable)
    for own, other in zip(found.contenders, usual.contenders, strict=True):
        assert own.verdict == other.verdict
        assert own.mean == pytest.approx(1 - other.mean)
        assert own.interval.low == pytest.approx(1 - other.interval.high, abs=1e-3)
        assert own.interval.high == pytest.approx(1 - other.interval.low, abs=1e-3)
        assert own.distance
        assert other.distance
        assert own.distance.low == pytest.approx(-other.distance.high)
        assert own.distance.high == pytest.approx(-other.distance.low)
        assert own.loss
        assert other.loss
        assert own.loss.expected == pytest.approx(other.loss.expected)
        assert own.loss.score == pytest.approx(1 - other.loss.score)
    for own_pair, other_pair in zip(found.pairs, usual.pairs, strict=True):
        assert own_pair.p_value == pytest.approx(other_pair.p_value, abs=0.02)  # McNemar's test, or a random one
    assert found.pairs[0].difference.value == pytest.approx(-usual.pairs[0].difference.value)
    assert found.sentence("good").startswith(f"good has the lowest score: {metric} 0.10")
    assert "above good, the lowest score (truly" in found.sentence("bad")


@pytest.mark.parametrize("seeds", [1, 3])
def test_copies_of_a_row_make_no_interval_shorter(seeds: int) -> None:
    once = {name: of_one[:seeds] for name, of_one in THREE.items()}
    twice = {name: np.repeat(of_one, 2, axis=1) for name, of_one in once.items()}
    references, clusters = np.repeat(REFERENCES, 2), np.repeat(np.arange(ROWS), 2)
    plain = compare(REFERENCES, once, "accuracy", clusters=np.arange(ROWS))
    copied = compare(references, twice, "accuracy", clusters=clusters)
    naive = compare(references, twice, "accuracy")
    for one, other, short in zip(plain.contenders, copied.contenders, naive.contenders, strict=True):
        assert other.mean == one.mean
        # The bootstrap of single models isn't the t interval of clusters.
        tolerance = 1e-12 if seeds > 1 else 0.006
        assert (other.interval.low, other.interval.high) == pytest.approx(
            (one.interval.low, one.interval.high), abs=tolerance
        )
        assert short.interval.high - short.interval.low < 0.9 * (other.interval.high - other.interval.low)


def test_clusters_need_one_for_each_row() -> None:
    with pytest.raises(DataError, match="clusters of shape"):
        compare(REFERENCES, THREE, "accuracy", clusters=np.arange(3))


def _of_samples(accuracies: dict[str, float], scatter: float) -> dict[str, NDArray[np.int64]]:
    """Return predictions of five seeds, whose accuracies scatter as those of training samples do."""
    rng = np.random.default_rng(2)
    return {
        name: np.stack(
            [
                np.where(rng.random(ROWS) < accuracy + scatter * deviation, REFERENCES, 1 - REFERENCES)
                for deviation in rng.normal(size=5)
            ]
        )
        for name, accuracy in accuracies.items()
    }


def test_the_more_training_rows_samples_share_the_longer_all_intervals_are() -> None:
    predictions = _of_samples({"good": 0.85, "fair": 0.8, "poor": 0.7}, 0.05)
    found = [compare(REFERENCES, predictions, "accuracy", overlap=overlap) for overlap in (None, 0.1, 0.5, 0.8)]
    for one in found[0].contenders:
        lengths = [
            [interval.high - interval.low for interval in (own.interval, own.distance) if interval]
            for own in (comparison.contender(one.name) for comparison in found)
        ]
        assert all(
            all(longer >= shorter for longer, shorter in zip(*two, strict=True)) for two in pairwise(lengths[::-1])
        )
    losses = [[one.loss.risk for one in comparison.contenders if one.loss] for comparison in found]
    assert losses[0][1] != losses[-1][1]
    assert found[-1].detectable is not None
    assert found[0].detectable is not None
    assert found[-1].detectable > 1.5 * found[0].detectable


def test_what_samples_have_in_common_counts_at_every_look() -> None:
    predictions = _of_samples({"good": 0.85, "poor": 0.75}, 0.02)
    shown = [
        compare(REFERENCES, predictions, "accuracy", overlap=overlap, looks=(3, 5)).contender("poor").verdict
        for overlap in (0.0, 0.95)
    ]
    assert shown == ["worse", "undecided"]

"""What a comparison says of stored runs: verdicts, costs, the line to use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import concatenate_datasets
from made_runs import plugin, reviews, scores, write_run

from textclf_core.errors import UsageError
from textclf_core.reports.analysis import analyse
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.curves import learning_curves
from textclf_core.reports.stored import find_runs
from textclf_core.reports.tables import comparison_text

DATA = reviews(1000)


def write(folder: Path, label: str, accuracy: float, seconds: float, seeds: int = 3, first_seed: int = 0) -> None:
    for seed in range(first_seed, first_seed + seeds):
        # Errors that have nothing to do with those of other contenders.
        write_run(
            folder,
            label,
            seed=seed,
            accuracy=accuracy + 1e-4 * len(label) + 1e-5 * seed,
            data=DATA,
            train_seconds=seconds,
        )


def test_the_cheapest_whose_expected_loss_is_small_is_recommended(tmp_path: Path) -> None:
    write(tmp_path, "dear", 0.868, 100)
    write(tmp_path, "fair", 0.858, 20)
    write(tmp_path, "poor", 0.60, 1)
    [analysis] = analyse(find_runs([tmp_path]), Criteria(metric="accuracy", tolerance=0.05))
    rows = {row.line.label: row for row in analysis.rows}
    assert rows["poor"].verdict == "worse"
    assert "worse" not in (rows["dear"].verdict, rows["fair"].verdict)
    assert rows["fair"].loss <= 0.025 < rows["poor"].loss
    assert rows["fair"].risk < 0.5 < rows["poor"].risk
    assert [label for label, row in rows.items() if row.recommended] == ["fair"]
    assert analysis.sentence.startswith("Use fair (training 20 s instead of 1 min 40 s). It is expected to be 0.0")
    assert "the risk that it is worse by more than 0.05 is" in analysis.sentence
    assert [row.score for row in analysis.rows] == sorted((row.score for row in analysis.rows), reverse=True)


def test_another_cost_recommends_another_line(tmp_path: Path) -> None:
    for label, flops, seconds in (("quick", 9e12, 1.0), ("lean", 1e12, 50.0)):
        for seed in range(3):
            write_run(tmp_path, label, seed=seed, data=DATA, flops=flops, train_seconds=seconds)
    by_time, by_work = (
        next(row.line.label for row in analyse(find_runs([tmp_path]), Criteria(cost=cost))[0].rows if row.recommended)
        for cost in ("train-seconds", "flops")
    )
    assert (by_time, by_work) == ("quick", "lean")


def test_the_front_holds_what_nothing_beats_in_score_and_cost(tmp_path: Path) -> None:
    write(tmp_path, "good and dear", 0.9, 100)
    write(tmp_path, "fair and cheap", 0.8, 10)
    write(tmp_path, "bad and dear", 0.7, 90)
    [analysis] = analyse(find_runs([tmp_path]), Criteria(metric="accuracy"))
    assert {row.line.label for row in analysis.rows if row.on_front} == {"good and dear", "fair and cheap"}


def test_the_numbers_are_those_of_the_runs(tmp_path: Path) -> None:
    write(tmp_path, "one", 0.8, 10)
    [analysis] = analyse(find_runs([tmp_path]), Criteria(metric="accuracy"))
    [row] = analysis.rows
    stored = [run.record.metrics["test"]["accuracy"] for run in find_runs([tmp_path])]
    assert row.score == pytest.approx(sum(value or 0 for value in stored) / 3)
    assert row.low < row.score < row.high
    assert row.costs["train-seconds"] == 10
    assert analysis.seeds == (0, 1, 2)
    assert analysis.test_rows == 1000
    assert row.distance is None
    assert (row.loss, row.risk, row.recommended) == (0.0, 0.0, True)


def test_one_seed_speaks_of_trained_models(tmp_path: Path) -> None:
    write(tmp_path, "one", 0.9, 10, seeds=1)
    write(tmp_path, "other", 0.6, 5, seeds=1)
    [analysis] = analyse(find_runs([tmp_path]))
    assert "these trained models, not about the strategies" in analysis.sentence
    assert {row.deviation for row in analysis.rows} == {None}


def test_f1_is_that_of_the_runs_own_average(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path, "macro", seed=seed, data=DATA, metric_plugin=plugin("f1", "metric", average="macro"))
    from sklearn.metrics import f1_score

    [analysis] = analyse(find_runs([tmp_path]))
    run = analysis.rows[0].line.runs[0]
    expected = f1_score(run.label_ids("label"), run.label_ids("prediction"), average="macro")
    assert sum(
        f1_score(one.label_ids("label"), one.label_ids("prediction"), average="macro")
        for one in analysis.rows[0].line.runs
    ) / 2 == pytest.approx(analysis.rows[0].score)
    assert expected != f1_score(run.label_ids("label"), run.label_ids("prediction"))


def test_data_sets_are_not_mixed(tmp_path: Path) -> None:
    write_run(tmp_path, "one", data=reviews(100))
    write_run(tmp_path, "one", data=reviews(120))
    assert sorted(analysis.test_rows for analysis in analyse(find_runs([tmp_path]))) == [100, 120]


def test_of_two_runs_at_one_seed_the_later_counts(tmp_path: Path) -> None:
    first, second = (write_run(tmp_path, "one", data=DATA, accuracy=accuracy) for accuracy in (0.6, 0.9))
    record = (second / "record.json").read_text()
    (second / "record.json").write_text(record.replace("2026-01-02T03:04:05", "2026-01-03T03:04:05"))
    [analysis] = analyse(find_runs([tmp_path]))
    assert [run.directory for run in analysis.rows[0].line.runs] == [second]
    assert first != second


def test_an_unknown_metric(tmp_path: Path) -> None:
    write_run(tmp_path, "one")
    with pytest.raises(UsageError, match="Did you mean 'auroc'\\? Described are f1, accuracy, auroc"):
        analyse(find_runs([tmp_path]), Criteria(metric="auc"))


def test_below_how_much_data_to_use_what(tmp_path: Path) -> None:
    """The steady one is ahead at 64 examples and behind at 640."""
    for rows, steady, steep in ((64, 0.75, 0.62), (640, 0.76, 0.90)):
        for seed in range(3):
            size = f"{rows // 2}/class"
            common = {"seed": seed, "data": DATA, "train_rows": rows, "train_size": size}
            write_run(tmp_path, "steady", accuracy=steady + 1e-5 * seed, **common)
            write_run(tmp_path, "steep", accuracy=steep + 1e-5 * seed, **common)
    [curves] = learning_curves(analyse(find_runs([tmp_path]), Criteria(metric="accuracy")))
    [(below, above, crossing)] = curves.crossings
    assert (below, above) == ("steady", "steep")
    assert 64 < crossing.interval.low < crossing.rows < crossing.interval.high < 640
    assert [point.train_rows for point in curves.points["steep"]] == [64, 640]
    below_about, too_few = curves.sentences()
    assert below_about.startswith("Below about ")
    assert "use steady, above it steep" in below_about
    assert too_few == (
        "What more labels would buy isn't estimated: a fitted curve needs 4 sizes of train, and these are 2."
    )


def test_one_size_makes_no_curve(tmp_path: Path) -> None:
    write_run(tmp_path, "one", data=DATA)
    assert learning_curves(analyse(find_runs([tmp_path]))) == ()


def test_a_cost_that_was_not_measured_makes_nothing_the_cheapest(tmp_path: Path) -> None:
    for label, flops in (("counted", 9e12), ("uncounted", None)):
        for seed in range(3):
            write_run(tmp_path, label, seed=seed, data=DATA, flops=flops)
    [analysis] = analyse(find_runs([tmp_path]), Criteria(cost="flops"))
    rows = {row.line.label: row for row in analysis.rows}
    assert rows["counted"].recommended
    assert not rows["uncounted"].on_front


def test_a_wider_tolerance_recommends_what_costs_less(tmp_path: Path) -> None:
    write(tmp_path, "dear", 0.86, 100)
    write(tmp_path, "cheap", 0.83, 1)
    recommended = [
        next(row.line.label for row in analysis.rows if row.recommended)
        for tolerance in (0.01, 0.1)
        for analysis in analyse(find_runs([tmp_path]), Criteria(metric="accuracy", tolerance=tolerance))
    ]
    assert recommended == ["dear", "cheap"]


@pytest.mark.parametrize("tolerance", [0.0, -0.01, 1.0])
def test_a_tolerance_that_accepts_nothing_or_all_is_refused(tmp_path: Path, tolerance: float) -> None:
    write(tmp_path, "one", 0.8, 10)
    with pytest.raises(UsageError, match=r"--tolerance .*: (must be above 0|f1 takes values from 0 to 1)"):
        analyse(find_runs([tmp_path]), Criteria(tolerance=tolerance))


def test_test_rows_with_one_text_count_as_one_draw(tmp_path: Path) -> None:
    once = reviews(200).map(lambda row, number: {"text": f"{row['text']} {number}"}, with_indices=True)
    twice = concatenate_datasets([once, once])
    for folder, data in (("once", once), ("twice", twice)):
        for label, accuracy in (("one", 0.8), ("other", 0.7)):
            for seed in range(2):
                right = scores(once, accuracy, seed, 2)
                given = np.concatenate([right, right]) if folder == "twice" else right
                write_run(tmp_path / folder, label, seed=seed, data=data, given_scores=given)
    [plain], [copied] = (analyse(find_runs([tmp_path / name])) for name in ("once", "twice"))
    assert (copied.test_rows, copied.test_draws) == (400, 200)
    for row, other in zip(plain.rows, copied.rows, strict=True):
        assert (other.low, other.high) == pytest.approx((row.low, row.high))
    text = " ".join(comparison_text(copied, "simple").split())
    assert "400 test examples of 200 different texts, which count as one draw each." in text


def test_a_column_that_says_what_belongs_together_must_exist(tmp_path: Path) -> None:
    write(tmp_path, "one", 0.8, 10)
    with pytest.raises(UsageError, match=r"--cluster athor: .* no such column"):
        analyse(find_runs([tmp_path]), Criteria(cluster="athor"))

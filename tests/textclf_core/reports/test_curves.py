"""Fitted learning curves in a report: what the next thousand labels would buy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from made_runs import reviews, write_run

from textclf_core.reports.analysis import Analysis, analyse
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.curves import LearningCurves, learning_curves
from textclf_core.reports.page.facts import curves_table
from textclf_core.reports.plots import write_joint_plots
from textclf_core.reports.plots.scores import train_size_chart
from textclf_core.reports.prices import Prices
from textclf_core.reports.printed import ReportOptions, report_text
from textclf_core.reports.stored import find_runs

DATA = reviews(400)


def write(folder: Path, sizes: Sequence[int], *, label: str = "full", last: int | None = None) -> None:
    """Write two seeds of a contender that rises from 0.6 at the first size towards 0.9."""
    for rows in sizes:
        accuracy = round(0.9 - 0.3 * (rows / sizes[0]) ** -0.5, 2)
        size = None if rows == last else f"{rows // 2}/class"
        for seed in (0, 1):
            write_run(folder, label, seed=seed, accuracy=accuracy, data=DATA, train_rows=rows, train_size=size)


def analyses_of(folder: Path, prices: Prices | None = None) -> tuple[Analysis, ...]:
    return analyse(find_runs([folder]), Criteria(metric="accuracy", prices=prices))


@pytest.fixture(scope="module")
def analyses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, ...]:
    folder = tmp_path_factory.mktemp("curves")
    write(folder, (100, 400, 1600, 6400))
    write(folder, (100, 400), label="setfit")
    return analyses_of(folder)


@pytest.fixture(scope="module")
def curves(analyses: tuple[Analysis, ...]) -> LearningCurves:
    [found] = learning_curves(analyses)
    return found


def test_a_report_says_what_more_labels_would_buy(analyses: tuple[Analysis, ...]) -> None:
    text = report_text(analyses, ReportOptions())
    flat = " ".join(text.split())
    assert "Fitted learning curves: accuracy from one training sample" in flat
    assert "By its fitted curve, 1,000 more labels (7,400 training examples) add 0.0" in flat
    assert "to the accuracy of full on average (95% interval 0.0" in flat
    assert "Without a fitted curve, which needs 4 sizes: setfit." in flat
    assert "more than twice" not in flat
    [row] = [line.split() for line in text.splitlines() if line.startswith("full ") and " 6,400 " in line]
    now, then, gain = (float(row[place]) for place in (2, 5, 8))
    assert 0.85 < now < then < 0.93
    assert 0 < gain < 0.01


def test_beyond_twice_the_largest_size_the_report_warns(tmp_path: Path) -> None:
    write(tmp_path, (50, 100, 200, 400))
    [curves] = learning_curves(analyses_of(tmp_path))
    assert any(
        one.startswith("That is more than twice the 400 examples that were run, so the assumed form of the curve")
        for one in curves.sentences()
    )


def test_labels_have_their_price(tmp_path: Path) -> None:
    write(tmp_path, (100, 400, 1600, 6400))
    [curves] = learning_curves(analyses_of(tmp_path, Prices(per_hour=0.4, per_label=0.15)))
    assert "(7,400 training examples, at a price of 150)" in curves.sentences()[-1]


def test_too_few_sizes_are_counted(tmp_path: Path) -> None:
    write(tmp_path, (100, 400, 1600))
    analyses = analyses_of(tmp_path)
    [curves] = learning_curves(analyses)
    assert curves.sentences()[-1] == (
        "What more labels would buy isn't estimated: a fitted curve needs 4 sizes of train, and these are 3."
    )
    assert "Fitted learning curves" not in report_text(analyses, ReportOptions())


def test_scores_that_follow_no_curve_are_named(curves: LearningCurves) -> None:
    [fit] = curves.fits.values()
    unlike = replace(curves, fits={"full": replace(fit, deviation=20 * fit.deviation)})
    assert any(one.startswith("The scores of full don't follow a curve") for one in unlike.sentences())
    assert not any("don't follow a curve" in one for one in curves.sentences())


def test_json_has_the_points_and_the_fitted_curves(analyses: tuple[Analysis, ...], curves: LearningCurves) -> None:
    found = [one["learning_curves"] for one in json.loads(report_text(analyses, ReportOptions(format="json")))]
    assert found == [found[0]] * 4
    assert found[0]["sentences"] == curves.sentences()
    full, setfit = sorted(found[0]["contenders"], key=lambda one: str(one["contender"]))
    assert [point["train_rows"] for point in full["points"]] == [100, 400, 1600, 6400]
    assert setfit["fitted"] is None
    fitted = full["fitted"]
    assert (fitted["train_rows"], fitted["more"], fitted["extrapolated_far"]) == (6400, 1000, False)
    for name in ("now", "with_more", "gain"):
        assert fitted[name]["low"] < fitted[name]["value"] < fitted[name]["high"]


def test_the_chart_has_the_band_up_to_twice_the_largest_size(
    analyses: tuple[Analysis, ...], curves: LearningCurves, tmp_path: Path
) -> None:
    chart = train_size_chart(curves)
    [axes] = chart.figure.axes
    [band] = axes.patches
    corners = band.get_path().vertices  # type: ignore[attr-defined]
    assert corners[:, 0].min() == pytest.approx(100)
    assert corners[:, 0].max() == pytest.approx(12_800)
    low, high = curves.fits["full"].score(12_800).interval.low, curves.fits["full"].score(12_800).interval.high
    at_the_end = corners[corners[:, 0] > 12_799, 1]
    assert (at_the_end.min(), at_the_end.max()) == (pytest.approx(low), pytest.approx(high))
    assert "Shaded: where the score of one training sample lies" in chart.caption
    assert "Shaded" not in train_size_chart(replace(curves, fits={})).caption
    assert [path.name for path in write_joint_plots(analyses, tmp_path)] == ["train-size.png", "train-size.svg"]


def test_the_page_has_the_table(curves: LearningCurves) -> None:
    table = curves_table(curves)
    assert [row[0] for row in table.rows] == ["full"]
    assert len(table.headings) == len(table.rows[0])


def test_data_sets_with_one_test_split_have_no_curve_in_common(
    analyses: tuple[Analysis, ...], curves: LearningCurves
) -> None:
    """Texts of two kinds to train on, and the same ones to be scored on."""
    *others, largest = analyses
    elsewhere = replace(largest, data=replace(largest.data, source="elsewhere"))
    [found] = learning_curves([*others, elsewhere])
    assert found.points["full"] == curves.points["full"][:-1]
    [*of_others, alone] = json.loads(report_text([*others, elsewhere], ReportOptions(format="json")))
    assert all(one["learning_curves"] for one in of_others)
    assert alone["learning_curves"] is None

"""A comparison over several data sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_runs import reviews, write_run
from scipy import stats

from textclf_core.reports.analysis import Analysis, analyse
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.data_sets import OverDataSets, over_data_sets
from textclf_core.reports.page import page_text
from textclf_core.reports.plots import write_joint_plots
from textclf_core.reports.plots.ranks import rank_chart
from textclf_core.reports.printed import ReportOptions, report_text
from textclf_core.reports.stored import find_runs
from textclf_core.statistics.ranks import average_ranks


def write(folder: Path, name: str, number: int, scores: dict[str, float]) -> None:
    data = reviews(400 + number)
    for label, accuracy in scores.items():
        for seed in range(2):
            write_run(folder, label, seed=seed, data=data, accuracy=accuracy + 1e-4 * seed, source=name)


def compared(folder: Path) -> OverDataSets | None:
    return over_data_sets(analyse(find_runs([folder]), Criteria(metric="accuracy")))


def test_verdicts_are_counted_over_the_data_sets_that_contenders_share(tmp_path: Path) -> None:
    write(tmp_path, "films", 0, {"strong": 0.9, "weak": 0.6, "alone": 0.7})
    write(tmp_path, "shops", 1, {"strong": 0.9, "weak": 0.6})
    found = compared(tmp_path)
    assert found is not None
    assert found.data_sets == ("films", "shops")
    assert list(found.rows) == ["strong", "weak"]  # one that ran on a single data set isn't compared
    assert (found.count("strong", "best"), found.count("weak", "worse")) == (2, 2)
    assert found.mean_difference("weak") == pytest.approx(-0.3, abs=0.01)
    assert found.ranks is None
    assert "With fewer than 10 data sets no ranking is claimed." in found.text()


def test_a_contender_that_failed_on_a_data_set_is_not_left_out(tmp_path: Path) -> None:
    write(tmp_path, "films", 0, {"strong": 0.9, "frail": 0.95})
    write(tmp_path, "shops", 1, {"strong": 0.9, "frail": 0.95})
    write(tmp_path, "games", 2, {"strong": 0.9, "other": 0.8})
    found = compared(tmp_path)
    assert found is not None
    assert list(found.rows) == ["strong", "frail"]  # the one without a gap comes first
    assert (found.missing("strong"), found.missing("frail")) == (0, 1)


def test_one_data_set_is_no_comparison_over_data_sets(tmp_path: Path) -> None:
    write(tmp_path, "films", 0, {"strong": 0.9, "weak": 0.6})
    assert compared(tmp_path) is None


@pytest.fixture(scope="module")
def on_ten(tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, ...]:
    folder = tmp_path_factory.mktemp("ten")
    for number in range(10):
        write(folder, f"set {number}", number, {"strong": 0.9, "fair": 0.8, "weak": 0.6})
    return analyse(find_runs([folder]), Criteria(metric="accuracy"))


def test_from_ten_data_sets_on_contenders_are_ranked(on_ten: tuple[Analysis, ...]) -> None:
    found = over_data_sets(on_ten)
    assert found is not None
    assert found.ranks is not None
    assert list(found.ranks.mean.values()) == [1.0, 2.0, 3.0]
    assert found.ranks.p_value < 0.001
    assert found.ranks.groups() == (("strong", "fair"), ("fair", "weak"))
    [written] = found.json()["ranks"]["not_shown_to_differ"][:1]
    assert written == ["strong", "fair"]
    text = report_text(on_ten, ReportOptions())
    assert "Over 10 data sets: set 0, set 1" in " ".join(text.split())


def test_a_diagram_shows_the_ranks_and_which_are_not_shown_to_differ(
    on_ten: tuple[Analysis, ...], tmp_path: Path
) -> None:
    over = over_data_sets(on_ten)
    assert over is not None
    chart = rank_chart(over)
    assert chart is not None
    [axes] = chart.figure.axes
    assert {"critical difference 1.05", "strong  1.00", "3.00  weak"} <= {text.get_text() for text in axes.texts}
    tips = [line for line in axes.lines if str(line.get_label()).startswith("fair: average rank 2.00 over 10")]
    assert [list(line.get_xdata()) for line in tips] == [[2.0]]
    bars = [line for line in axes.lines if line.get_linewidth() == 4]
    assert [[round(float(x)) for x in line.get_xdata()] for line in bars] == [[1, 2], [2, 3]]
    assert [path.name for path in write_joint_plots(on_ten, tmp_path / "plots")] == [
        "critical-difference.png",
        "critical-difference.svg",
    ]
    assert write_joint_plots(on_ten[:9], tmp_path / "nine") == ()  # fewer than ten aren't ranked


@pytest.mark.slow  # a page of ten comparisons has a hundred charts
def test_the_page_has_the_diagram(on_ten: tuple[Analysis, ...]) -> None:
    assert "strong: average rank 1.00 over 10 data sets" in page_text(on_ten)


def test_a_report_as_json_has_the_results_by_data_set(tmp_path: Path) -> None:
    write(tmp_path, "films", 0, {"strong": 0.9, "weak": 0.6})
    write(tmp_path, "shops", 1, {"strong": 0.9})
    write(tmp_path, "games", 2, {"strong": 0.9, "weak": 0.6})
    analyses = analyse(find_runs([tmp_path]), Criteria(metric="accuracy"))
    films, shops, _ = json.loads(report_text(analyses, ReportOptions(format="json")))
    over = films["over_data_sets"]
    assert shops["over_data_sets"] == over
    assert over["data_sets"] == ["films", "shops", "games"]
    assert over["ranks"] is None
    strong, weak = over["contenders"]
    assert (strong["contender"], strong["counts"]["best"], strong["no_run"]) == ("strong", 3, 0)
    assert (weak["contender"], weak["counts"]["worse"], weak["no_run"]) == ("weak", 2, 1)
    assert weak["by_data_set"]["shops"] is None
    on_films = weak["by_data_set"]["films"]
    assert on_films["from_best_low"] < on_films["difference"] < on_films["from_best_high"] == 0
    assert films["learning_curves"] is None


def test_the_test_of_ranks_is_friedmans() -> None:
    rng = np.random.default_rng(0)
    scores = {name: list(rng.integers(0, 20, 12) / 20) for name in "abcd"}  # with ties
    ranks = average_ranks(scores)
    assert ranks.p_value == pytest.approx(stats.friedmanchisquare(*scores.values()).pvalue)


def test_critical_differences_are_those_of_the_published_table() -> None:
    """Demsar (2006), table 5a: q at 5% for two to ten contenders, which times a rank's standard error is the one."""
    published = (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)
    for number, q in enumerate(published, start=2):
        scores = {str(one): [float(one)] * 15 for one in range(number)}
        error = (number * (number + 1) / (6 * 15)) ** 0.5
        assert average_ranks(scores).critical_difference == pytest.approx(q * error, abs=0.001 * error)


def test_a_published_example() -> None:
    """Demsar (2006), table 2 and section 3.2.2: the ranks of four classifiers on 14 data sets."""
    ranks = {
        "C4.5": [4, 1, 4, 4, 4, 1, 3, 2.5, 4, 2.5, 4, 3, 4, 3],
        "C4.5+m": [3, 2, 1, 1, 2, 2.5, 2, 2.5, 3, 2.5, 2.5, 2, 1, 1],
        "C4.5+cf": [2, 3, 2, 3, 3, 4, 4, 4, 2, 2.5, 1, 4, 2, 4],
        "C4.5+m+cf": [1, 4, 3, 2, 1, 2.5, 1, 1, 1, 2.5, 2.5, 1, 3, 2],
    }
    found = average_ranks({name: [-rank for rank in own] for name, own in ranks.items()})
    assert [round(found.mean[name], 3) for name in ranks] == [3.143, 2.0, 2.893, 1.964]
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    assert found.groups() == (("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"),)
    # At 10% q is 2.291, and pure C4.5 is shown to be worse than the two with m, as the paper says.
    at_ten = average_ranks({name: [-rank for rank in own] for name, own in ranks.items()}, alpha=0.1)
    assert at_ten.critical_difference == pytest.approx(1.12, abs=0.005)
    assert at_ten.groups() == (("C4.5+m+cf", "C4.5+m", "C4.5+cf"), ("C4.5+cf", "C4.5"))


def test_one_that_failed_has_the_last_rank() -> None:
    ranks = average_ranks({"a": [0.9, 0.8], "b": [0.7, None], "c": [0.6, 0.5]})
    assert ranks.mean == {"a": 1.0, "b": 2.5, "c": 2.5}

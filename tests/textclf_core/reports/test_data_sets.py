"""A comparison over several data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_runs import reviews, write_run
from scipy import stats

from textclf_core.reports.analysis import analyse
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.data_sets import OverDataSets, over_data_sets
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


def test_from_ten_data_sets_on_contenders_are_ranked(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path, f"set {number}", number, {"strong": 0.9, "fair": 0.8, "weak": 0.6})
    found = compared(tmp_path)
    assert found is not None
    assert found.ranks is not None
    assert list(found.ranks.mean.values()) == [1.0, 2.0, 3.0]
    assert found.ranks.p_value < 0.001
    text = report_text(analyse(find_runs([tmp_path]), Criteria(metric="accuracy")), ReportOptions())
    assert "Over 10 data sets: set 0, set 1" in " ".join(text.split())


def test_the_test_of_ranks_is_friedmans() -> None:
    rng = np.random.default_rng(0)
    scores = {name: list(rng.integers(0, 20, 12) / 20) for name in "abcd"}  # with ties
    ranks = average_ranks(scores)
    assert ranks.p_value == pytest.approx(stats.friedmanchisquare(*scores.values()).pvalue)
    # Demsar (2006), table 5: q is 2.569 for four at 5%.
    assert ranks.critical_difference == pytest.approx(2.569 * (4 * 5 / (6 * 12)) ** 0.5, abs=0.001)


def test_one_that_failed_has_the_last_rank() -> None:
    ranks = average_ranks({"a": [0.9, 0.8], "b": [0.7, None], "c": [0.6, 0.5]})
    assert ranks.mean == {"a": 1.0, "b": 2.5, "c": 2.5}

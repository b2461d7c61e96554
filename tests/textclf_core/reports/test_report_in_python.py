"""``textclf_core.report``: what the command writes, as values, text and files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from made_runs import reviews, write_run

import textclf_core


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        write_run(tmp_path / "runs", "full", seed=seed, accuracy=0.9, train_seconds=360)
        write_run(tmp_path / "runs", "majority", seed=seed, accuracy=0.5, train_seconds=1)
    return tmp_path / "runs"


def test_a_report_holds_the_comparisons_and_shows_them(runs: Path) -> None:
    report = textclf_core.report()
    assert report.recommended == "full"
    assert [row.line.label for row in report.analyses[0].rows] == ["full", "majority"]
    assert str(report) == report.text("simple")
    assert str(report).startswith("Use full. ")
    assert "<table" in report._repr_html_()
    assert (report.written, report.drawn) == (None, ())


def test_metric_cost_price_columns_and_order_are_those_of_the_command(
    runs: Path, textclf: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--metric", "accuracy", "--cost", "latency", "--price", "2/h", "--sort", "-score", "--columns"]
    assert textclf("report", *words, "contender,score,money", "--format", "csv") == 0
    report = textclf_core.report(
        [runs], metric="accuracy", cost="latency", price="2/h", sort="-score", columns=["contender", "score", "money"]
    )
    assert f"{report.text('csv')}\n" == capsys.readouterr().out
    assert list(report.to_frame().index) == ["majority", "full"]
    assert list(report.to_frame()) == ["score", "money"]
    assert textclf_core.report(columns="contender,score").text("csv").startswith("contender,score\n")


def test_slices_and_classes(runs: Path) -> None:
    report = textclf_core.report(slices=["source"], classes=True, format="github")
    assert "source forum" in str(report)
    assert "precision" in str(report)
    [content] = json.loads(report.text("json"))
    assert "source forum" in {one["slice"] for one in content["slices"]}


def test_files_are_written(runs: Path) -> None:
    table = textclf_core.report(format="csv", output="table.csv", plots="plots")
    assert table.written == Path("table.csv")
    assert Path("table.csv").read_text() == f"{table}\n"
    assert {path.suffix for path in table.drawn} == {".png", ".svg"}
    assert all(path.is_file() for path in table.drawn)
    page = textclf_core.report(format="page")
    assert page.written == Path("report.html")
    assert page.text() == Path("report.html").read_text()
    assert str(page).startswith("Use full. ")


def test_several_data_sets_are_one_frame(runs: Path) -> None:
    write_run(runs, "full", data=reviews(100), source="other.csv")
    report = textclf_core.report(runs)
    assert list(report.to_frame()["data"]) == ["reviews.csv", "reviews.csv", "other.csv"]
    assert report._repr_html_().count("<table") == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"format": "pagee"}, "Did you mean 'page'"),
        ({"cost": "latancy"}, "Did you mean 'latency'"),
        ({"metric": "acuracy"}, "no plugin describes such a metric for this task. Did you mean 'accuracy'"),
        ({"price": "cheap"}, "such as 0.40/h"),
        ({"paths": "nowhere"}, "there is no such folder"),
    ],
)
def test_what_is_wrong_is_an_error(runs: Path, wrong: dict[str, str], message: str) -> None:
    with pytest.raises(textclf_core.UsageError, match=message):
        textclf_core.report(**wrong)  # type: ignore[arg-type]


def test_the_function_stays_though_the_package_has_its_name(runs: Path) -> None:
    from textclf_core.reports.costs import COSTS

    assert COSTS
    assert callable(textclf_core.report)

"""The table of a comparison in its formats."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_runs import comparison, plugin, reviews, write_run
from tabulate import tabulate_formats

from textclf_core.errors import UsageError
from textclf_core.reports.analysis import Analysis
from textclf_core.reports.prices import Prices
from textclf_core.reports.tables import comparison_text

NASTY = r"a|b <b>&amp; 100% $x_1$ #{~^} \o *c* `d` _e_ ~~f~~ [g](h)"


@pytest.fixture
def analysis(tmp_path: Path) -> Analysis:
    """Three contenders at two seeds: the best, a cheaper one like it, and a worse one that is cheaper still."""
    data = reviews(200)
    for seed in (0, 1):
        write_run(tmp_path, "full", seed=seed, data=data, train_seconds=360, metrics={"f1": 0.85342, "mcc": 0.7})
        write_run(tmp_path, "head-only", seed=seed, data=data, train_seconds=45, metrics={"f1": 0.6482, "mcc": 0.3})
        write_run(
            tmp_path, "freeze-first-n:n=4", seed=seed, data=data, train_seconds=90, flops=None,
            metrics={"f1": 0.8117, "mcc": 0.6},
        )  # fmt: skip
    return comparison(tmp_path)


def labelled(folder: Path, label: str) -> Analysis:
    write_run(folder, label, strategy=plugin("odd", "strategy"), metrics={"f1": 0.8})
    return comparison(folder)


def table_lines(text: str) -> list[str]:
    """The lines of the rows, between the rule below the headings and the blank line after them."""
    lines = text.splitlines()
    rule = next(index for index, line in enumerate(lines) if line.startswith(("--", "|-")))
    return lines[rule + 1 : next((i for i in range(rule, len(lines)) if not lines[i]), len(lines))]


def first_cells(text: str) -> list[str]:
    return [line.split()[0] for line in table_lines(text)]


def test_the_score_and_its_interval_are_rounded_by_the_interval(analysis: Analysis) -> None:
    row = table_lines(comparison_text(analysis, "simple"))[0]
    assert row.split()[:5] == ["full", "0.853", "0.003", "[0.829,", "0.877]"]


def test_a_wide_interval_leaves_fewer_digits(analysis: Analysis) -> None:
    wide = dataclasses.replace(analysis.rows[0], low=0.6, high=1.0)
    text = comparison_text(dataclasses.replace(analysis, rows=(wide,)), "simple")
    # The deviation of 0.0031 would be 0.00 at the score's place.
    assert table_lines(text)[0].split()[:5] == ["full", "0.85", "0.003", "[0.60,", "1.00]"]


def test_the_verdict_stands_above_and_what_it_rests_on_below(analysis: Analysis) -> None:
    text = comparison_text(analysis, "simple")
    assert text.startswith("full is best.\n\ncontender")
    assert (
        "Recommended: freeze-first-n:n=4 (training 1 min 30 s), the cheapest by train-seconds whose expected loss is "
        "at most half the tolerance of 0.01." in " ".join(text.split())
    )
    assert "2 seeds (0, 1), 200 test examples." in text
    assert (
        "The smallest difference from the best that these would show in 80 of 100 comparisons is roughly 0.04;" in text
    )
    assert "held out" not in text


def test_with_one_seed_it_speaks_of_the_trained_models(tmp_path: Path) -> None:
    text = comparison_text(labelled(tmp_path, "full"), "simple")
    assert (
        "One seed (0), 200 test examples: the verdicts are about these trained models, not about the strategies."
        in text
    )
    assert " sd " not in text


def test_too_few_rows_for_any_difference_are_noted(analysis: Analysis) -> None:
    hopeless = dataclasses.replace(analysis, smallest_difference=float("inf"))
    text = " ".join(comparison_text(hopeless, "simple").split())
    assert "These are too few to show any difference from the best in 80 of 100 comparisons" in text
    assert "inf" not in text.replace("interval", "")
    assert json.loads(comparison_text(hopeless, "json"))["smallest_difference"] is None


def test_a_seed_at_which_training_failed_is_marked(tmp_path: Path) -> None:
    data = reviews(200)
    for seed in range(3):
        always_good = np.tile(np.array([0.4, 0.6], np.float32), (200, 1))
        write_run(tmp_path, "full", seed=seed, data=data, given_scores=always_good if seed == 1 else None)
        write_run(tmp_path, "head-only", seed=seed, data=data)
    text = comparison_text(comparison(tmp_path), "simple")
    assert "1 of 3" in table_lines(text)[[*first_cells(text)].index("full")]
    words = " ".join(text.split())
    assert "full failed to train at seed 1: it predicts the same for every test example." in words
    assert "Training that fails at 1 seed in 10 fails at none of 3 seeds in 73% of comparisons." in words


def test_contenders_with_different_numbers_of_seeds_are_not_given_one_number(tmp_path: Path) -> None:
    data = reviews(200)
    for seed in range(3):
        write_run(tmp_path, "full", seed=seed, data=data)
    write_run(tmp_path, "head-only", data=data)
    text = " ".join(comparison_text(comparison(tmp_path), "simple").split())
    assert "From 1 seed (head-only) to 3 seeds of each contender, 200 test examples." in text


def test_what_is_assumed_of_few_seeds_is_written(analysis: Analysis) -> None:
    text = " ".join(comparison_text(analysis, "simple").split())
    assert "all contenders are assumed to vary alike from seed to seed, unless one is shown to vary more" in text


def test_held_out_splits_are_noted(tmp_path: Path) -> None:
    write_run(tmp_path, "full", held_out=True)
    text = comparison_text(comparison(tmp_path), "simple")
    assert "validation and test are held out from train: not comparable with published scores." in text


def test_the_usual_table_fits_120_characters(analysis: Analysis, tmp_path: Path) -> None:
    text = comparison_text(comparison(tmp_path, prices=Prices(per_hour=0.4)), "simple")
    assert 100 < max(len(line) for line in text.splitlines()) <= 120


def test_money_is_the_price_of_the_training_time(analysis: Analysis, tmp_path: Path) -> None:
    priced = comparison(tmp_path, prices=Prices(per_hour=0.4))
    text = comparison_text(priced, "csv", columns=["contender", "money"])
    assert [float(line.split(",")[1]) for line in text.splitlines()[1:]] == pytest.approx([0.04, 0.01, 0.005])


def test_money_below_a_cent_is_shown_as_such(analysis: Analysis, tmp_path: Path) -> None:
    priced = comparison(tmp_path, prices=Prices(per_hour=0.3))
    text = comparison_text(priced, "simple", columns=["contender", "money"])
    assert [line.split()[1] for line in table_lines(text)] == ["0.03", "0.01", "<0.01"]


def test_money_without_a_price_is_refused(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match=r"--columns money: set the price of the machine, as in --price"):
        comparison_text(analysis, "simple", columns=["money"])


def test_the_columns_are_those_asked_for_in_that_order(analysis: Analysis) -> None:
    text = comparison_text(analysis, "csv", columns=["mcc", "contender", "interval", "latency"])
    assert text.splitlines()[0] == "mcc,contender,low,high,latency"
    assert [float(cell) for cell in text.splitlines()[1].split(",")[0:1]] == [0.7]


def test_an_unknown_column_is_refused_with_the_nearest(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match=r"--columns intervall: there is no such column. Did you mean 'interval'\?"):
        comparison_text(analysis, "simple", columns=["contender", "intervall"])


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (None, ["full", "freeze-first-n:n=4", "head-only"]),
        ("score", ["full", "freeze-first-n:n=4", "head-only"]),
        ("-score", ["head-only", "freeze-first-n:n=4", "full"]),
        ("train-seconds", ["head-only", "freeze-first-n:n=4", "full"]),
        ("-train-seconds", ["full", "freeze-first-n:n=4", "head-only"]),
        ("contender", ["freeze-first-n:n=4", "full", "head-only"]),
    ],
)
def test_rows_are_sorted_the_best_first_and_a_minus_turns_it_round(
    analysis: Analysis, sort: str | None, order: list[str]
) -> None:
    assert first_cells(comparison_text(analysis, "simple", sort=sort)) == order


@pytest.mark.parametrize("sort", ["flops", "-flops"])
def test_a_row_without_the_value_is_sorted_last(analysis: Analysis, sort: str) -> None:
    assert first_cells(comparison_text(analysis, "simple", sort=sort))[-1] == "freeze-first-n:n=4"


def test_an_unknown_sort_is_refused_with_the_nearest(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match=r"--sort scor: there is no such column. Did you mean 'score'\?"):
        comparison_text(analysis, "simple", sort="-scor")


def test_an_unknown_format_is_refused_with_the_nearest(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match=r"--format gihub: no such format. Did you mean 'github'\?"):
        comparison_text(analysis, "gihub")


@pytest.mark.parametrize("format", tabulate_formats)
def test_every_format_of_tabulate_holds_every_contender(analysis: Analysis, format: str) -> None:
    text = comparison_text(analysis, format, columns=["contender", "score"])
    assert all(word in text for word in ("full", "head-only", "0.853", "0.648"))


@pytest.mark.parametrize("format", ["html", "latex", "latex_booktabs", "csv", "tsv"])
def test_a_format_for_programs_and_documents_holds_the_table_alone(analysis: Analysis, format: str) -> None:
    text = comparison_text(analysis, format)
    assert "Recommended" not in text
    assert text.startswith(("<table>", r"\begin{tabular}", "contender"))


def test_csv_has_every_column_and_unrounded_numbers(analysis: Analysis) -> None:
    rows = list(csv.DictReader(io.StringIO(comparison_text(analysis, "csv"))))
    assert list(rows[0]) == [
        "contender", "score", "sd", "low", "high", "verdict", "loss", "risk", "difference", "distance_low",
        "distance_high", "failed", "train-seconds", "flops", "memory", "trainable", "artifact", "latency", "seeds",
        "f1", "mcc",
    ]  # fmt: skip
    assert float(rows[0]["score"]) == 0.85342
    assert (rows[1]["flops"], rows[0]["risk"], rows[1]["loss"]) == ("", "0.125", "0.0042")


def test_tsv_is_separated_by_tabs(analysis: Analysis) -> None:
    assert comparison_text(analysis, "tsv", columns=["contender", "seeds"]).splitlines()[1] == "full\t0 1"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_is_neutralised(tmp_path: Path, start: str) -> None:
    label = f'{start}HYPERLINK("http://x","y")'
    text = comparison_text(labelled(tmp_path, label), "csv", columns=["contender", "score"])
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert row == {"contender": f"'{label}", "score": "0.8"}


def test_a_negative_number_stays_a_number(analysis: Analysis) -> None:
    text = comparison_text(analysis, "csv", columns=["contender", "difference"])
    assert float(text.splitlines()[3].split(",")[1]) == pytest.approx(-0.20522)


def test_a_label_with_separators_comes_back_whole(tmp_path: Path) -> None:
    text = comparison_text(labelled(tmp_path, 'a,"b"\tc'), "csv", columns=["contender"])
    assert next(csv.DictReader(io.StringIO(text))) == {"contender": 'a,"b"\tc'}


def test_json_holds_the_verdict_and_raw_numbers(analysis: Analysis) -> None:
    columns = ["contender", "score", "interval", "risk", "verdict"]
    content = json.loads(comparison_text(analysis, "json", columns=columns))
    assert content["recommended"] == "freeze-first-n:n=4"
    assert (content["verdict"], content["seeds"], content["test_rows"]) == ("full is best.", [0, 1], 200)
    assert content["rows"][1] == {
        "contender": "freeze-first-n:n=4",
        "score": 0.8117,
        "low": pytest.approx(0.7877),
        "high": pytest.approx(0.8357),
        "risk": 0.125,
        "verdict": "undecided",
    }
    assert content["tolerance"] == 0.01
    assert content["pairs"] == []


def test_pairs_are_in_json_if_they_were_asked_for(analysis: Analysis, tmp_path: Path) -> None:
    del analysis  # it wrote the runs
    content = json.loads(comparison_text(comparison(tmp_path, pairs=True), "json"))
    gap = pytest.approx(0.04172)
    low, high = pytest.approx(0.01772), pytest.approx(0.06572)
    assert content["pairs"][0] == {
        "a": "full", "b": "freeze-first-n:n=4", "difference": gap, "low": low, "high": high, "p": 0.5
    }  # fmt: skip


class Cells(HTMLParser):
    """The texts of a table's cells, and the names of its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def test_html_shows_a_label_as_text(tmp_path: Path) -> None:
    shown = Cells(comparison_text(labelled(tmp_path, NASTY), "html", columns=["contender"]))
    assert shown.tags == {"table", "thead", "tbody", "tr", "td", "th"}
    assert shown.cells[1].strip() == NASTY


def test_markdown_shows_a_label_as_text(tmp_path: Path) -> None:
    from markdown_it import MarkdownIt

    text = comparison_text(labelled(tmp_path, NASTY), "github", columns=["contender", "score"])
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    shown = Cells(html[html.index("<table>") : html.index("</table>")])
    assert [cell.strip() for cell in shown.cells] == ["contender", "f1", NASTY, "0.800"]
    assert shown.tags == {"table", "thead", "tbody", "tr", "td", "th"}


def test_latex_shows_a_bar_as_a_bar(tmp_path: Path) -> None:
    # TeX's text font has a dash in its place.
    text = comparison_text(labelled(tmp_path, "layer.0|layer.1"), "latex_booktabs", columns=["contender"])
    assert r"layer.0\textbar{}layer.1" in text
    assert "|" not in text


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex here (Debian: texlive-latex-base)")
@pytest.mark.parametrize("columns", [None, ["interval", "contender"]], ids=["usual", "interval-first"])
@pytest.mark.parametrize(
    ("format", "preamble"),
    [("latex", ""), ("latex_booktabs", r"\usepackage{booktabs}"), ("latex_longtable", r"\usepackage{longtable}")],
)
def test_latex_compiles(
    tmp_path: Path, textclf: Callable[..., int], format: str, preamble: str, columns: list[str] | None
) -> None:
    for accuracy, label in ((0.8, NASTY), (0.6, r"a_b%c&d#e$f^g~h\i{j}k<l")):
        write_run(tmp_path / "runs", label, accuracy=accuracy)
    chosen = ["--columns", ",".join(columns)] if columns else []
    table = tmp_path / "table.tex"
    assert textclf("report", str(tmp_path / "runs"), "--format", format, "--output", str(table), *chosen) == 0
    document = rf"\documentclass{{article}}{preamble}\begin{{document}}\input{{table}}\end{{document}}"
    (tmp_path / "page.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if "`booktabs.sty' not found" in done.stdout:
        pytest.skip("this TeX has no booktabs (Debian: texlive-latex-recommended)")
    assert done.returncode == 0, done.stdout[-2000:]

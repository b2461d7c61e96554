"""The page as a text: what it says, and that nothing from data becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_runs import COMMAND, FAKES, FULL, SCRIPT, by_amount, made_up

from textclf_core.errors import UsageError
from textclf_core.reports.analysis import Analysis, analyse
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.page import page_text, write_page
from textclf_core.reports.page.examples import LONGEST_LIST, LONGEST_TEXT, TEXT_BUDGET
from textclf_core.reports.page.leaderboard import leaderboard
from textclf_core.reports.prices import Prices
from textclf_core.reports.quality import run_scores

VOID = {"br", "input", "link", "meta"}
HOSTILE = "\"'></script><img src=x onerror=alert(1)>&amp;"


class Outline(HTMLParser):
    """The elements of a page with their attributes, and the texts of some by element."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.append((self._open[-1], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]

    def data(self) -> dict[str, Any]:
        """What the page holds for its script, of the first comparison."""
        [block, *_] = [text for name, text in self.texts if name == "script"]
        loaded: dict[str, Any] = json.loads(block)
        return loaded


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return made_up(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def page(analysis: Analysis) -> str:
    return page_text([analysis], command="textclf report runs --format page")


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_it_says_the_verdict_in_a_sentence(analysis: Analysis, outline: Outline) -> None:
    assert analysis.sentence in outline.text("p")


def test_it_says_once_what_to_use(analysis: Analysis, page: str) -> None:
    [recommended] = [row.line.label for row in analysis.rows if row.recommended]
    assert page.count(f"Use {recommended}") == 1
    assert "Recommended:" not in page


def test_it_has_a_row_for_every_contender(analysis: Analysis, outline: Outline) -> None:
    keys = {attributes.get("data-key") for attributes in outline.all("th")}
    assert {row.line.label for row in analysis.rows} <= keys


def test_a_score_stands_with_its_deviation_over_seeds(outline: Outline) -> None:
    assert any(re.fullmatch(r"0\.\d+ ± 0\.\d+", text) for text in outline.text("td"))


def test_every_table_has_a_caption_and_every_heading_a_scope(outline: Outline) -> None:
    assert len(outline.all("caption")) == len(outline.all("table"))
    assert all(attributes.get("scope") in ("row", "col") for attributes in outline.all("th"))


def test_a_contender_far_below_the_others_does_not_flatten_the_intervals_of_the_table(analysis: Analysis) -> None:
    """Its own interval lies at the left end of the strip; those of the others use the whole strip."""
    table = leaderboard(analysis, "one")
    strips = {row[0].text: cell.interval for row in table.rows for cell in row if cell.interval is not None}
    assert strips["majority"] == (4, 4, 4)
    near = [strip for name, strip in strips.items() if name != "majority"]
    assert min(low for low, _, _ in near) < 20
    assert max(high for _, _, high in near) > 90


def test_ids_are_unique_also_with_two_comparisons(analysis: Analysis) -> None:
    found = [
        attributes["id"] for _, attributes in Outline(page_text([analysis, analysis])).elements if "id" in attributes
    ]
    assert len(found) > 40
    assert len(found) == len(set(found))


def test_every_link_within_the_page_leads_somewhere(analysis: Analysis) -> None:
    outline = Outline(page_text([analysis, analysis]))
    ids = {attributes["id"] for _, attributes in outline.elements if "id" in attributes}
    links = [str(attributes["href"]) for attributes in outline.all("a")]
    assert len(links) > 12
    assert {link.removeprefix("#") for link in links} <= ids


def test_nothing_comes_from_elsewhere(page: str, outline: Outline) -> None:
    for name, attributes in outline.elements:
        for attribute in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            target = attributes.get(attribute)
            assert target is None or target.startswith("#") or target == "data:,", (name, target)
    assert not re.search(r"url\(|@import|https?://", page)


def test_its_policy_allows_only_its_own_script_and_style(page: str, outline: Outline) -> None:
    policy = next(str(one["content"]) for one in outline.all("meta") if one.get("http-equiv"))
    script = page[page.rindex("<script>") + len("<script>") : page.rindex("</script>")]
    style = page[page.index("<style>") + len("<style>") : page.index("</style>")]
    assert policy.startswith("default-src 'none';")
    assert f"script-src {_hash(script)};" in policy
    assert f"style-src {_hash(style)};" in policy


def test_no_style_or_handler_is_written_in_an_attribute(outline: Outline) -> None:
    for name, attributes in outline.elements:
        assert not [key for key in attributes if key == "style" or key.startswith("on")], name


def test_a_script_in_a_text_is_data(page: str, outline: Outline) -> None:
    assert "<script>alert(1)" not in page
    assert outline.data()["texts"]["0"][0] == [SCRIPT]


def test_hostile_names_and_notes_stay_text(tmp_path: Path) -> None:
    fakes = [replace(FULL, label=HOSTILE), FAKES[-1]]
    analysis = made_up(tmp_path, fakes, first=HOSTILE, labels=("fine", HOSTILE), notes=(HOSTILE,), seeds=(0,), rows=60)
    outline = Outline(page_text([analysis], command=HOSTILE))
    assert not outline.all("img")
    assert HOSTILE in outline.text("code")
    assert outline.data()["labels"] == ["fine", HOSTILE]
    assert outline.data()["contenders"].count(HOSTILE) == 1
    assert any(text.startswith(HOSTILE) for text in outline.text("li"))


def test_mistakes_are_counted_and_ordered_by_confidence(analysis: Analysis, outline: Outline) -> None:
    data = outline.data()
    for index, row in enumerate(analysis.rows):
        scores = np.mean([run_scores(run) for run in row.line.runs], axis=0)
        wrong = scores.argmax(axis=1) != row.line.runs[0].label_ids("label")
        total, rows = data["mistakes"][index]
        assert total == wrong.sum()
        confidences = scores.max(axis=1)[rows]
        assert (np.diff(confidences) <= 0).all()
        assert confidences[0] == scores.max(axis=1)[wrong].max()
        assert len(rows) == min(total, LONGEST_LIST)


def test_disagreements_say_who_is_right(analysis: Analysis, outline: Outline) -> None:
    data = outline.data()
    said = np.stack([np.mean([run_scores(run) for run in row.line.runs], axis=0).argmax(1) for row in analysis.rows])
    truth = analysis.rows[0].line.runs[0].label_ids("label")
    assert len(data["pairs"]) == len(said) * (len(said) - 1) / 2
    for one, two, first, second, neither, rows in data["pairs"]:
        differ = said[one] != said[two]
        assert first == (differ & (said[one] == truth)).sum()
        assert second == (differ & (said[two] == truth)).sum()
        assert first + second + neither == differ.sum()
        assert differ[rows].all()


def test_a_long_text_is_truncated_with_a_note(tmp_path: Path) -> None:
    outline = Outline(page_text([made_up(tmp_path, FAKES[:1], first="word " * 9000, seeds=(0,), rows=40)]))
    [text] = outline.data()["texts"]["0"][0]
    assert len(text) == LONGEST_TEXT + 1
    assert text.endswith("…")


def test_texts_stay_within_the_budget_and_every_list_has_some(tmp_path: Path) -> None:
    analysis = made_up(tmp_path, padding=" and so on" * 130, rows=1200, seeds=(0,))
    data = Outline(page_text([analysis])).data()
    held = sum(len(text) for texts, *_ in data["texts"].values() for text in texts)
    assert TEXT_BUDGET * 0.9 < held <= TEXT_BUDGET + len(data["texts"])  # each may end in "…"
    assert all(rows for _, rows in data["mistakes"])
    assert any(len(rows) < min(total, LONGEST_LIST) for total, rows in data["mistakes"])


def test_several_text_columns_are_shown_by_name(tmp_path: Path) -> None:
    data = Outline(page_text([made_up(tmp_path, FAKES[:1], titles=True, seeds=(0,), rows=40)])).data()
    assert data["columns"] == ["title", "text"]
    assert data["texts"]["0"][0] == ["Review 0", SCRIPT]


def test_a_sweep_is_plotted_against_its_option(outline: Outline) -> None:
    names = [attributes.get("aria-label") for attributes in outline.all("svg")]
    assert "f1 against n of freeze-first-n" in names


def test_score_is_plotted_against_every_measured_cost(outline: Outline) -> None:
    names = [attributes.get("aria-label") for attributes in outline.all("svg")]
    headings = ("training", "FLOPs", "peak memory", "trainable", "model size", "one text")
    assert {f"f1 against {heading}" for heading in headings} <= set(names)


def test_charts_have_their_colours_from_the_style(page: str) -> None:
    charts = re.findall(r'<svg [^>]*class="chart".*?</svg>', page, re.DOTALL)
    assert len(charts) > 20
    coloured = {colour for one in charts for colour in re.findall(r' (?:fill|stroke)="([^"]*)"', one)}
    assert {colour for colour in coloured if not re.fullmatch(r"var\(--[a-z]+\d?\)", colour)} == {"none"}
    declared = set(re.findall(r"(--[a-z]+\d?):", page))
    assert {colour[4:-1] for colour in coloured - {"none"}} <= declared


def test_every_point_shows_its_values_to_the_keyboard(outline: Outline) -> None:
    points = [one for one in outline.all("g") if "point" in (one.get("class") or "").split()]
    assert len(points) > 60
    assert all(one["tabindex"] == "0" and one["aria-label"] for one in points)


def test_a_contender_without_a_cost_is_named_below_the_plot(outline: Outline) -> None:
    assert any("Not measured for" in text and "majority" in text for text in outline.text("figcaption"))


def test_few_classes_have_a_confusion_matrix(outline: Outline) -> None:
    assert [one for one in outline.all("table") if one.get("class") == "confusion"]


def test_many_classes_have_a_list_of_confusions_instead(tmp_path: Path) -> None:
    labels = [f"topic {number}" for number in range(20)]
    outline = Outline(page_text([made_up(tmp_path, FAKES[:1], labels=labels, seeds=(0,))]))
    assert not [one for one in outline.all("table") if one.get("class") == "confusion"]
    assert any("kinds of confusion among 20 classes" in text for text in outline.text("span"))


def test_slices_that_were_asked_for_stand_beside_the_usual(analysis: Analysis) -> None:
    outline = Outline(page_text([analysis], slices=["length > 9", "source"]))
    assert outline.text("th").count("length > 9") == len(analysis.rows)
    assert outline.text("th").count("source radio") == len(analysis.rows)


def test_a_slice_that_cannot_be_read_writes_no_page(analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_page([analysis], tmp_path / "page.html", slices=["lenght > 9"])
    assert not (tmp_path / "page.html").exists()


def test_a_price_adds_a_column_of_money(analysis: Analysis, outline: Outline) -> None:
    assert "money" not in outline.text("button")
    runs = [run for row in analysis.rows for run in row.line.runs]
    priced = analyse(runs, Criteria(prices=Prices(per_hour=0.4)))
    assert "money" in Outline(page_text(priced)).text("button")


def test_it_says_how_the_runs_and_the_page_were_made(outline: Outline) -> None:
    assert [text for text in outline.text("code") if text.startswith("textclf ")] == [
        COMMAND,
        "textclf report runs --format page",
    ]


def test_held_out_splits_are_noted(tmp_path: Path, page: str) -> None:
    held_out = page_text([made_up(tmp_path, FAKES[:1], held_out=True, seeds=(0,), rows=40)])
    assert "held out from train: not comparable with published scores" in held_out
    assert "held out from train" not in page


def test_one_seed_speaks_of_trained_models_and_one_contender_has_no_pairs(tmp_path: Path) -> None:
    outline = Outline(page_text([made_up(tmp_path, FAKES[:1], seeds=(4,), rows=60)]))
    assert any("these trained models" in text for text in outline.text("p") + outline.text("li"))
    assert not [text for text in outline.text("td") if "±" in text]
    assert not outline.all("details")


def test_curves_by_amount_of_data_come_with_their_crossing(tmp_path: Path) -> None:
    outline = Outline(page_text(by_amount(tmp_path)))
    assert "f1 by amount of training data" in [one.get("aria-label") for one in outline.all("svg")]
    assert any(re.match(r"Below about [\d,]+ training examples use tfidf-logreg", text) for text in outline.text("li"))
    assert "reviews.csv, 320/class of train" in outline.text("h2")


def test_one_amount_of_data_has_no_curves(page: str) -> None:
    assert "By amount of training data" not in page


def test_the_same_runs_give_the_same_page(analysis: Analysis, page: str, tmp_path: Path) -> None:
    write_page([analysis], tmp_path / "page.html", command="textclf report runs --format page")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

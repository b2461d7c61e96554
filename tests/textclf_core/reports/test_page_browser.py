"""The page in a real browser: Debian's Chromium, without a window and without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from browsers import launched_browser, needs_browser
from page_runs import FAKES, SCRIPT, by_amount, made_up
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from textclf_core.reports.page import write_page

# Of the contrast of a text with what it stands on: https://www.w3.org/TR/WCAG22/#contrast-minimum
LEAST_CONTRAST = 4.5
TEXTS = ".badge, .predicted b, .predicted, caption, figcaption, li, h2, a, p, td, th, svg text, .confusion small"
TOO_FAINT = """([selectors, least]) => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const luminance = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const linear = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map((value) => linear(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (element) => {
    let behind = element;
    while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    const style = getComputedStyle(element);
    const colour = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const pair = [luminance(colour), luminance(getComputedStyle(behind).backgroundColor)];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  };
  const seen = [...document.querySelectorAll(selectors)].filter((element) => element.checkVisibility());
  const faint = seen.map((element) => [contrast(element), element.outerHTML]).filter(([found]) => found < least);
  return [seen.length, faint];
}"""

# Of the visible elements, how many there are, and those that show nothing when they have the focus.
UNMARKED = """(selectors) => {
  const seen = [...document.querySelectorAll(selectors)].filter((element) => element.checkVisibility());
  const unmarked = seen.filter((element) => {
    element.focus();
    return document.activeElement !== element || getComputedStyle(element).outlineStyle !== "solid";
  });
  return [seen.length, unmarked.map((element) => element.outerHTML)];
}"""

pytestmark = needs_browser


@dataclass
class Watched:
    """An open page, and what went wrong or out of it."""

    page: Page
    context: BrowserContext
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def column(self, heading: str) -> list[str]:
        """The texts of a column of the table of contenders, from above."""
        index = self.page.locator("#c1-leaderboard thead th").all_text_contents().index(heading) + 1
        return self.page.locator(f"#c1-leaderboard tbody tr > :nth-child({index})").all_text_contents()

    def heading(self, name: str) -> Locator:
        return self.page.locator("#c1-leaderboard thead th").filter(has=self.page.get_by_text(name, exact=True))


Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    pages = {"page": [made_up(folder / "runs")], "data-size": by_amount(folder / "data-size")}
    for name, analyses in pages.items():
        write_page(analyses, folder / f"{name}.html", command="textclf report runs --format page")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched_browser() as launched:
        yield launched


def open_file(browser: Browser, file: Path, *, width: int = 1200, **options: Any) -> Watched:
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    one = Watched(page, context)
    page.on("console", lambda message: one.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: one.said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (one.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: one.requested.append(request.url))
    page.goto(file.as_uri())
    one.requested.remove(file.as_uri())
    return one


@pytest.fixture
def opened(browser: Browser, files: dict[str, Path]) -> Iterator[Open]:
    """Opens a page; by the end of the test it must have said nothing and asked for nothing but its file."""
    watched: list[Watched] = []

    def open_page(name: str = "page", **options: Any) -> Watched:
        watched.append(open_file(browser, files[name], **options))
        return watched[-1]

    yield open_page
    for one in watched:
        one.context.close()
        assert one.said == []
        assert one.requested == []


@pytest.fixture(scope="module")
def one_page(browser: Browser, files: dict[str, Path]) -> Iterator[Watched]:
    watched = open_file(browser, files["page"])
    yield watched
    watched.context.close()


@pytest.fixture
def shared(one_page: Watched) -> Iterator[Page]:
    """A page that several tests use: each makes the choices that it wants to see, whatever was chosen before."""
    yield one_page.page
    assert one_page.said == []
    assert one_page.requested == []


@pytest.mark.parametrize("name", ["page", "data-size"])
def test_it_opens_without_an_error_or_a_request(opened: Open, name: str) -> None:
    page = opened(name).page
    page.wait_for_timeout(300)
    assert page.title().startswith("textclf: ")


def test_a_click_on_a_heading_sorts_and_another_turns_the_order_round(opened: Open) -> None:
    watched = opened()
    sorted_columns = watched.page.locator("#c1-leaderboard th[aria-sort]")
    assert sorted_columns.all_text_contents() == ["f1"]
    heading = watched.heading("training")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert sorted_columns.all_text_contents() == ["training"]
    cheap_first = watched.column("contender")
    assert cheap_first[:3] == ["majority", "tfidf-logreg", "head-only"]
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert watched.column("contender") == cheap_first[::-1]


def test_the_keyboard_sorts(opened: Open) -> None:
    watched = opened()
    before = watched.column("f1")
    watched.heading("f1").get_by_role("button").focus()
    watched.page.keyboard.press("Enter")
    assert watched.column("f1") == sorted(before)
    assert watched.column("f1") != before


def test_rows_without_a_value_come_last_either_way(opened: Open) -> None:
    watched = opened()
    for _ in range(2):
        watched.heading("FLOPs").get_by_role("button").click()
        values = watched.column("FLOPs")
        assert values[-2:] == ["-", "-"]
        assert "-" not in values[:-2]


def test_the_filter_keeps_rows_with_all_of_its_words(shared: Page) -> None:
    shared.get_by_label("Filter").fill("Freeze n=3")
    assert shared.locator("#c1-leaderboard tbody tr:visible th").all_text_contents() == ["freeze-first-n:n=3"]
    assert shared.locator("[data-count]").text_content() == f"1 of {len(FAKES)} shown"
    shared.get_by_label("Filter").fill("")
    assert shared.locator("#c1-leaderboard tbody tr:visible").count() == len(FAKES)


def test_a_script_in_a_text_is_shown_as_text(shared: Page) -> None:
    quote = shared.locator("[data-examples=mistakes] blockquote", has_text="alert(1)")
    assert quote.text_content() == SCRIPT
    assert quote.locator("script").count() == 0


def test_no_script_can_turn_text_into_markup(opened: Open) -> None:
    watched = opened()
    attempt = "() => { try { document.body.innerHTML = '<p>x'; } catch (error) { return error.name; } }"
    assert watched.page.evaluate(attempt) == "TypeError"
    assert watched.page.locator("h1").count() == 1
    [refusal] = watched.said
    assert "requires 'TrustedHTML' assignment" in refusal
    watched.said.clear()


def test_the_choice_of_a_contender_shows_it_alone(shared: Page) -> None:
    choice = shared.locator("#c1-details").get_by_label("Contender")
    for label in ("head-only", "majority"):
        choice.select_option(label=label)
        worst = shared.locator("#c1-details .note:visible").text_content()
        assert worst is not None
        assert worst.startswith(f"Worst slice of {label}:")
        assert shared.locator("#c1-details .panel:visible").count() == 1


def test_the_choice_of_a_cost_shows_its_plot_alone(shared: Page) -> None:
    shared.get_by_label("Cost").select_option(label="peak memory")
    shown = shared.locator("#c1-cost .panel:visible .chart")
    assert [chart.get_attribute("aria-label") for chart in shown.all()] == ["f1 against peak memory"]


def test_mistakes_are_those_of_the_chosen_contender(shared: Page) -> None:
    part = shared.locator("[data-examples=mistakes]")
    part.get_by_label("Contender").select_option(label="majority")
    assert (part.get_by_role("status").text_content() or "").startswith("majority is wrong on 1")
    for item in part.locator("li").all():
        said = item.locator(".predicted").all_text_contents()
        assert said[0].startswith("true: ")
        assert said[1].startswith("majority: ")
        assert item.locator("b").nth(0).text_content() != item.locator("b").nth(1).text_content()


def test_more_texts_come_when_asked_for_and_take_the_focus(opened: Open) -> None:
    page = opened().page
    part = page.locator("[data-examples=mistakes]")
    part.get_by_label("Contender").select_option(label="majority")
    first = part.locator("li").count()
    part.get_by_role("button", name="More").focus()
    page.keyboard.press("Enter")
    assert part.locator("li").count() == 2 * first
    assert part.locator("li").nth(first).evaluate("element => element === document.activeElement")
    while part.get_by_role("button", name="More").is_visible():
        part.get_by_role("button", name="More").click()
    assert part.locator("li").count() == 30


def test_disagreements_can_be_kept_to_those_where_one_is_right(shared: Page) -> None:
    part = shared.locator("[data-examples=disagreements]")
    part.locator("[data-role=first]").select_option(label="head-only")
    part.locator("[data-role=second]").select_option(label="full")
    for side, right in (("the first is right", "head-only: "), ("the second is right", "full: ")):
        part.locator("[data-role=side]").select_option(label=side)
        assert part.locator("li").count() > 0
        for item in part.locator("li").all():
            assert item.locator(".predicted:has(.is-right)").text_content().startswith(right)  # type: ignore[union-attr]


def test_a_contender_does_not_disagree_with_itself(shared: Page) -> None:
    part = shared.locator("[data-examples=disagreements]")
    part.locator("[data-role=first]").select_option(label="full")
    part.locator("[data-role=second]").select_option(label="full")
    assert part.get_by_role("status").text_content() == "Choose two different contenders."
    assert part.locator("li").count() == 0


def test_what_all_say_of_a_text_can_be_unfolded(shared: Page) -> None:
    item = shared.locator("[data-examples=mistakes] li").first
    item.get_by_text("what all say").click()
    item.locator("details p").last.wait_for()
    assert item.locator("details p").count() == len(FAKES)


def test_a_point_shows_its_values_under_the_pointer(opened: Open) -> None:
    page = opened().page
    point = page.locator("#c1-cost .chart:visible .point").last
    page.locator("#c1-cost").scroll_into_view_if_needed()
    page.wait_for_timeout(200)  # the end of the scrolling would hide what is told
    point.locator(".dot").hover()
    tip = page.get_by_role("tooltip")
    assert tip.text_content() == point.get_attribute("aria-label")
    page.mouse.move(1, 1)
    assert tip.is_hidden()


def test_a_point_shows_its_values_on_focus_until_escape(opened: Open) -> None:
    page = opened().page
    point = page.locator(".chart:visible .point").nth(2)
    point.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    point.focus()
    tip = page.get_by_role("tooltip")
    assert tip.text_content() == point.get_attribute("aria-label")
    assert "95% interval" in (tip.text_content() or "")
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_the_first_tab_stop_skips_to_the_comparison(opened: Open) -> None:
    page = opened().page
    page.keyboard.press("Tab")
    link = page.locator(":focus")
    assert link.text_content() == "Skip to the comparison"
    assert (link.bounding_box() or {"x": -1})["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_focus_can_be_seen_on_every_control(opened: Open) -> None:
    page = opened().page
    page.keyboard.press("Tab")  # from here on the browser knows that the keyboard is used
    seen, unmarked = page.evaluate(UNMARKED, "a, button, select, input, summary")
    assert seen > 20
    assert unmarked == []


@pytest.mark.parametrize("name", ["page", "data-size"])
def test_it_never_scrolls_sideways_as_a_whole(opened: Open, name: str) -> None:
    page = opened(name).page
    for width in (360, 380, 700, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("name", ["page", "data-size"])
def test_texts_stand_out_from_what_they_stand_on(opened: Open, name: str) -> None:
    page = opened(name).page
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        seen, faint = page.evaluate(TOO_FAINT, [TEXTS, LEAST_CONTRAST])
        assert seen > 200
        assert faint == [], scheme


def test_it_is_dark_where_dark_is_preferred(opened: Open) -> None:
    page, colour = opened(color_scheme="dark").page, "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colour) == "rgb(20, 24, 27)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(colour) == "rgb(252, 252, 250)"


def test_paper_has_no_controls_and_fits_the_sheet(opened: Open) -> None:
    page = opened(width=750, color_scheme="dark").page  # about an A4 sheet without its margins
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("select:visible, input:visible, nav:visible").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 750
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.locator("#c1-pairs").is_visible()


def test_without_its_script_all_panels_are_there_under_their_names(opened: Open) -> None:
    page = opened(java_script_enabled=False).page
    assert page.locator("#c1-details .panel:visible .panel-name").all_text_contents().count("majority") == 1
    assert page.locator("#c1-details .panel:visible").count() == len(FAKES)
    assert page.locator("select:visible, input:visible").count() == 0

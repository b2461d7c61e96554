"""The page of a comparison that runs, in a real browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from browsers import launched_browser, needs_browser
from live_trainers import TRAINERS
from playwright.sync_api import Locator, Page, expect

pytestmark = [needs_browser, pytest.mark.slow]

RELOADED = 60_000
"""Milliseconds in which a change must be shown; a worker needs some of them to begin."""


@pytest.mark.parametrize("words", [[], ["--workers", "2"]], ids=["here", "workers"])
def test_the_page_follows_the_comparison_and_becomes_the_final_one(
    words: list[str], plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDER_OF_GATES", str(tmp_path))
    command = [sys.executable, "-m", "textclf_core", "compare", "--plugin-file", str(plugin_file(TRAINERS)), "--live"]
    command += ["--plugin", f"files:path={reviews}", "--try", "gated:number=0..2", "--no-baselines", "--seeds", "1"]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "runs"), *words], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    url = next(line.rsplit(" ", 1)[1].strip() for line in process.stderr if "The page of this comparison" in line)
    messages: list[str] = []
    requests: list[str] = []
    with launched_browser() as browser:
        page = browser.new_page()
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(url)
        expect(page.locator("[data-live=cells] li").first).to_contain_text("gated", timeout=60_000)
        for number in (0, 1):
            (tmp_path / f"{number}-0").touch()
            expect(contenders(page)).to_have_count(number + 1, timeout=RELOADED)
        assert page.title().startswith("2 of 3 cells")
        assert page.locator(".badge").count() == 0
        (tmp_path / "2-0").touch()
        expect(page.locator("#c1-leaderboard")).to_be_visible(timeout=RELOADED)
        assert page.locator("#running").count() == 0
        assert page.locator(".badge.recommended").count() == 1
        assert process.wait(30) == 0
        assert page.content().count("gated:number=2") > 3
    assert (tmp_path / "runs" / "report.html").is_file()
    assert messages == []
    assert {request.removeprefix(url) for request in requests} == {"", "events"}


def test_the_chosen_order_stays_and_a_stopped_command_is_noticed(
    plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDER_OF_GATES", str(tmp_path))
    command = [sys.executable, "-m", "textclf_core", "compare", "--plugin-file", str(plugin_file(TRAINERS)), "--live"]
    command += ["--plugin", f"files:path={reviews}", "--try", "gated:number=0..3", "--no-baselines", "--seeds", "1"]
    process = subprocess.Popen([*command, "--output", str(tmp_path / "runs")], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    url = next(line.rsplit(" ", 1)[1].strip() for line in process.stderr if "The page of this comparison" in line)
    for number in (0, 1):
        (tmp_path / f"{number}-0").touch()
    with launched_browser() as browser:
        page = browser.new_page(viewport={"width": 380, "height": 800})
        page.goto(url)
        expect(contenders(page)).to_have_count(2, timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth") == 380
        heading = page.locator("#running th").first
        for _ in range(2):
            heading.get_by_role("button").click()
        assert contenders(page).all_text_contents() == ["gated:number=1", "gated:number=0"]
        (tmp_path / "2-0").touch()
        expect(contenders(page)).to_have_count(3, timeout=RELOADED)
        assert contenders(page).all_text_contents() == [f"gated:number={number}" for number in (2, 1, 0)]
        process.kill()
        process.wait()
        expect(page.locator("[data-live=status]")).to_contain_text("was stopped", timeout=RELOADED)
        assert contenders(page).count() == 3


def contenders(page: Page) -> Locator:
    """Return the contenders with finished runs."""
    return page.locator("#running .contender")

"""A real browser: Debian's Chromium, without a window and without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

needs_browser = pytest.mark.skipif(
    CHROMIUM is None and "TEXTCLF_REQUIRE_BROWSER" not in os.environ,
    reason="there is no chromium here (Debian: apt install chromium); TEXTCLF_REQUIRE_BROWSER=1 makes this a failure",
)


@contextmanager
def launched_browser() -> Iterator[Browser]:
    """Yield a browser; each launch has a user data folder of its own, thrown away at the end."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM or "/usr/bin/chromium", args=list(FLAGS))
        yield launched
        launched.close()

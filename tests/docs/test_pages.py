"""The commands and the code of the guide do what the guide says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_blocks import PAGES, Runner, blocks_of, hubless_environment
from preloaded import preloaded_textclf

pytestmark = pytest.mark.slow

NOTEBOOK_PAGE = "python.md"  # run by test_notebook.py


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a newcomer."""
    folder = tmp_path_factory.mktemp("newcomer")
    with preloaded_textclf(folder / "command", hubless_environment(folder) | {"OMP_NUM_THREADS": "1"}) as environment:
        yield environment


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != NOTEBOOK_PAGE], ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_in_order(page: Path, environment: dict[str, str], tmp_path: Path) -> None:
    runner = Runner(tmp_path, environment)
    for block in blocks_of(page):
        runner.run(block)

"""The commands and the code of the guide do what the guide says."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_blocks import PAGES, Runner, blocks_of, hubless_environment

pytestmark = pytest.mark.slow

NOTEBOOK_PAGE = "python.md"  # run by test_notebook.py


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != NOTEBOOK_PAGE], ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_in_order(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    runner = Runner(folder, hubless_environment(tmp_path) | {"OMP_NUM_THREADS": "1"})
    for block in blocks_of(page):
        runner.run(block)

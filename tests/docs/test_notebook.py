"""The page on Python is run as a notebook: its blocks are the cells."""

from __future__ import annotations

import nbformat
import pytest
from doc_blocks import ROOT, blocks_of, hubless_environment
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "python.md"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    folder = tmp_path_factory.mktemp("notebook")
    notebook: nbformat.NotebookNode = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    for block in blocks_of(PAGE):
        notebook.cells.append(nbformat.v4.new_code_cell(block.code))  # type: ignore[no-untyped-call]
    environment = hubless_environment(folder) | {
        "OMP_NUM_THREADS": "1",
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment)
    return notebook


def outputs(cell: nbformat.NotebookNode, mime: str) -> str:
    """Return what a cell shows in a format, joined."""
    shown = [output["data"] for output in cell["outputs"] if "data" in output]
    return "\n".join(data[mime] for data in shown if mime in data)


def test_a_run_shows_as_a_table(notebook: nbformat.NotebookNode) -> None:
    html = outputs(notebook.cells[0], "text/html")
    assert "<table>" in html
    assert "f1" in html
    assert "freeze-first-n:n=4 + finetune" in html


def test_its_frame_shows_the_metrics_by_split(notebook: nbformat.NotebookNode) -> None:
    html = outputs(notebook.cells[1], "text/html")
    assert all(word in html for word in ("accuracy", "validation", "test"))


def test_predictions_of_new_texts_show_label_and_score(notebook: nbformat.NotebookNode) -> None:
    [cell] = [cell for cell in notebook.cells if "run.predict(" in cell.source]
    shown = outputs(cell, "text/plain")
    assert "'prediction': '" in shown
    assert "'score': 0." in shown


def test_a_page_has_no_block_that_the_notebook_leaves_out() -> None:
    assert {block.language for block in blocks_of(PAGE)} == {"python"}

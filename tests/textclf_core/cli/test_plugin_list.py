"""The stored list of plugins: read again without importing them, and never when something has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[..., Path]
Lists = Callable[..., tuple[dict[str, str], set[str]]]

SOURCE = """
from dataclasses import dataclass
from textclf_core import Encoder, hookimpl

@dataclass(frozen=True)
class Every:
    '''Freeze every block.'''

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        encoder.freeze(body=True)
"""


@pytest.fixture
def listed(tmp_path: Path) -> Lists:
    """Lists plugins in a process of its own; returns the lines by plugin, and what was imported."""

    def run(*folders: Path, **variables: str) -> tuple[dict[str, str], set[str]]:
        code = (
            "import sys; from textclf_core.cli import main\n"
            "main(['plugins']); print('imported:', *sys.modules)"
        )  # fmt: skip
        environment = {"TEXTCLF_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join(map(str, folders))}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | environment | variables,
            capture_output=True,
            text=True,
            check=True,
        )
        printed, _, imported = done.stdout.partition("imported: ")
        return {line.split()[0]: line for line in printed.splitlines() if line}, set(imported.split())

    return run


def test_a_listing_with_an_encoder_in_an_annotation_imports_no_torch(install: Install, listed: Lists) -> None:
    lines, imported = listed(install("acme-freezing", SOURCE, {"every": "Every"}))
    assert lines["every"].endswith("Freeze every block.")
    assert "acme_freezing" in imported
    assert not imported & {"torch", "transformers", "numpy"}


def test_the_same_list_is_printed_again_without_importing_a_plugin(install: Install, listed: Lists) -> None:
    folder = install("acme-freezing", SOURCE, {"every": "Every"})
    first, _ = listed(folder)
    again, imported = listed(folder)
    assert again == first
    assert not imported & {"acme_freezing", "textclf_plugins", "typer", "pydantic", "importlib.metadata"}


def test_an_edited_plugin_is_listed_as_it_is_now(install: Install, listed: Lists) -> None:
    folder = install("acme-freezing", SOURCE, {"every": "Every"})
    listed(folder)
    (folder / "acme_freezing.py").write_text(SOURCE.replace("every block", "all"))
    assert listed(folder)[0]["every"].endswith("Freeze all.")


def test_a_module_that_a_plugin_imports_counts_too(install: Install, listed: Lists) -> None:
    folder = install("acme-freezing", "from helper import Every\n", {"every": "Every"})
    (folder / "helper.py").write_text(SOURCE)
    listed(folder)
    (folder / "helper.py").write_text(SOURCE.replace("every block", "all"))
    assert listed(folder)[0]["every"].endswith("Freeze all.")


def test_entry_points_that_were_written_again_are_read_again(install: Install, listed: Lists) -> None:
    folder = install("acme-freezing", SOURCE, {"every": "Every"})
    listed(folder)
    [points] = folder.glob("*.dist-info/entry_points.txt")
    points.write_text("[textclf]\nall-of-them = acme_freezing:Every\n")
    assert "all-of-them" in listed(folder)[0]


def test_a_package_that_came_or_went_is_seen(install: Install, listed: Lists) -> None:
    folder = install("acme-freezing", SOURCE, {"every": "Every"})
    assert "every" not in listed()[0]
    assert "every" in listed(folder)[0]
    assert "every" not in listed()[0]


def test_the_allow_list_is_heeded(install: Install, listed: Lists) -> None:
    folder = install("acme-freezing", SOURCE, {"every": "Every"})
    assert "every" in listed(folder)[0]
    assert "every" not in listed(folder, TEXTCLF_PLUGINS="other")[0]


def test_a_broken_plugin_is_tried_again_each_time(install: Install, listed: Lists, tmp_path: Path) -> None:
    folder = install("acme-freezing", f"import late\n{SOURCE}", {"every": "Every"})
    assert "every" not in listed(folder, PYTHONPATH=f"{folder}{os.pathsep}{tmp_path}")[0]
    (tmp_path / "late.py").write_text("")
    assert "every" in listed(folder, PYTHONPATH=f"{folder}{os.pathsep}{tmp_path}")[0]


def test_a_stored_list_that_cant_be_read_or_written_costs_only_time(
    install: Install, listed: Lists, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    folder = install("acme-freezing", SOURCE, {"every": "Every"})
    assert listed(folder)[0] == listed(folder)[0]

"""Tiny runs and comparisons, each with a cache and a folder of its own, for plugins that do what they shouldn't."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent

import pytest

import textclf_core


@pytest.fixture
def base(tiny_checkpoint: Path, reviews: Path) -> list[str]:
    """The tiny data and the tiny model, which every run here takes unless it says otherwise."""
    return [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}"]


@pytest.fixture
def run(base: list[str], tmp_path: Path) -> Callable[..., textclf_core.Run]:
    """Runs plugins beside the base, with those of a plugin file: ``run("full", file=path)``.

    What a plugin here leaves in the cache may be wrong, so no other test shares it.
    """

    def run_once(
        *plugins: str,
        file: Path | None = None,
        beside: Sequence[str] | None = None,
        output: str = "runs",
        **options: object,
    ) -> textclf_core.Run:
        return textclf_core.run(
            [*(base if beside is None else beside), *plugins],
            plugin_files=[file] if file else [],
            output=tmp_path / output,
            cache_dir=tmp_path / "cache",
            quiet=True,
            **options,  # type: ignore[arg-type]
        )

    return run_once


@pytest.fixture
def compare(base: list[str], tmp_path: Path) -> Callable[..., textclf_core.ComparisonResult]:
    """Compares contenders beside the base, without baselines: ``compare("full", "head-only", seeds=2)``."""

    def compare_all(
        *tries: str, file: Path | None = None, plugins: Sequence[str] | None = None, seeds: int = 1, **options: object
    ) -> textclf_core.ComparisonResult:
        return textclf_core.compare(
            tries,
            plugins=base if plugins is None else plugins,
            seeds=seeds,
            baselines=False,
            plugin_files=[file] if file else [],
            output=tmp_path / "runs",
            cache_dir=tmp_path / "cache",
            quiet=True,
            **options,  # type: ignore[arg-type]
        )

    return compare_all


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Returns the lines that plugins wrote with ``note(...)`` of :func:`noting_file`, in their order."""
    path = tmp_path / "log.txt"
    monkeypatch.setenv("SEAM_LOG", str(path))
    return lambda: path.read_text().splitlines() if path.is_file() else []


NOTE = """
import os

def note(*what):
    with open(os.environ["SEAM_LOG"], "a") as stream:
        print(*what, file=stream)

"""


@pytest.fixture
def noting_file(plugin_file: Callable[..., Path], log: Callable[[], list[str]]) -> Callable[[str], Path]:
    """Writes a file with plugins that say in the log what was called: ``note("freeze")``."""
    return lambda source: plugin_file(NOTE + dedent(source))

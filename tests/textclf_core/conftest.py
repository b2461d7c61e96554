"""Packages with plugins, installed for one test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution of one module: its files as pip leaves them, in a folder on the import path."""
    before = set(sys.modules)

    def install_distribution(name: str, source: str, plugins: dict[str, str], version: str = "1.2") -> Path:
        """``plugins`` gives the name of a class of the module for each plugin; returns the folder."""
        folder = tmp_path / "site" / name
        module = name.replace("-", "_")
        metadata = folder / f"{module}-{version}.dist-info"
        metadata.mkdir(parents=True)
        (folder / f"{module}.py").write_text(dedent(source))
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        points = "".join(f"{plugin} = {module}:{cls}\n" for plugin, cls in plugins.items())
        (metadata / "entry_points.txt").write_text(f"[textclf]\n{points}")
        monkeypatch.syspath_prepend(folder)
        return folder

    yield install_distribution
    for module in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]


@pytest.fixture
def plugin_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file with plugins; the imports that every plugin needs are there."""

    def write(source: str, name: str = "mine.py") -> Path:
        path = tmp_path / name
        head = "from dataclasses import dataclass\nfrom textclf_core.hookspecs import hookimpl\n"
        path.write_text(head + dedent(source))
        return path

    return write

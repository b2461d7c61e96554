"""The rooms of the core: what each imports is what docs/architecture.md says, and contracts hold their order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    """Every import of the core, those for types alone included."""
    return grimp.build_graph("textclf_core", cache_dir=None)


@pytest.fixture(scope="module")
def run_time_imports() -> grimp.ImportGraph:
    return grimp.build_graph("textclf_core", cache_dir=None, exclude_type_checking_imports=True)


def room_of(module: str) -> str:
    """Return the room of a module; the package itself is one too."""
    names = module.split(".")
    return names[1] if len(names) > 1 else names[0]


def test_a_room_imports_those_that_the_page_names(imports: grimp.ImportGraph) -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## The rooms")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", page, flags=re.MULTILINE)
    named = {room: set(re.findall(r"`(\w+)`", cell)) for room, cell in rows}
    found: dict[str, set[str]] = {room_of(module): set() for module in imports.modules}
    for module in imports.modules:
        others = map(room_of, imports.find_modules_directly_imported_by(module))
        found[room_of(module)].update(other for other in others if other != room_of(module))
    assert found == named


def test_no_modules_import_each_other_in_a_circle(run_time_imports: grimp.ImportGraph) -> None:
    graph = {module: run_time_imports.find_modules_directly_imported_by(module) for module in run_time_imports.modules}
    TopologicalSorter(graph).prepare()  # raises an error that names the circle


def test_no_rooms_import_each_other_in_a_circle_for_their_types(imports: grimp.ImportGraph) -> None:
    graph: dict[str, set[str]] = {}
    for module in imports.modules:
        for other in map(room_of, imports.find_modules_directly_imported_by(module)):
            if other != room_of(module):
                graph.setdefault(room_of(module), set()).add(other)
    TopologicalSorter(graph).prepare()


def test_the_hooks_import_nothing_of_ours_at_run_time(run_time_imports: grimp.ImportGraph) -> None:
    assert run_time_imports.find_modules_directly_imported_by("textclf_core.hookspecs") == set()


def test_each_file_that_the_page_names_is_there() -> None:
    paths = re.findall(r"`((?:\w+/)+\w+(?:\.py)?|\w+\.py)`", PAGE.read_text(encoding="utf-8"))
    assert "reports/columns.py" in paths
    assert [path for path in paths if not any((base / path).exists() for base in (ROOT, ROOT / "textclf_core"))] == []


BREAKING = {
    "The core imports no plugin": [("textclf_core.pipeline.spec", "textclf_plugins.freezing.full")],
    "Each room stands on those below it": [
        ("textclf_core.data.columns", "textclf_core.training.loss"),  # upwards
        ("textclf_core.cache.rows", "textclf_core.statistics.ranks"),  # a neighbour
        ("textclf_core.training.loss", "textclf_core.reports.rounding"),
    ],
    "A run knows nothing of reports": [("textclf_core.pipeline.context", "textclf_core.reports.rounding")],
    "The hooks' signatures name types and the encoder alone": [("textclf_core.hookspecs", "textclf_core.errors")],
    "A plugin works below the run, as any author's does": [
        ("textclf_plugins.freezing.full", "textclf_core.pipeline.spec"),
    ],
}
"""For each contract, imports that break it."""


def test_an_import_that_a_contract_forbids_is_found(tmp_path: Path) -> None:
    for package in (Path("textclf_core"), Path("plugins/textclf_plugins")):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "textclf_core" / "drawer.py").write_text("", encoding="utf-8")
    for importer, imported in (pair for pairs in BREAKING.values() for pair in pairs):
        [path] = tmp_path.glob(f"**/{importer.replace('.', '/')}.py")
        path.write_text(f"{path.read_text(encoding='utf-8')}\n\nimport {imported}\n", encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((".", "plugins")), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.findall(r"^(.+) (?:KEPT|BROKEN)", done.stdout, flags=re.MULTILINE) == list(BREAKING)
    assert "0 kept" in done.stdout
    for importer, imported in (pair for pairs in BREAKING.values() for pair in pairs):
        assert f"{importer} -> {imported} " in done.stdout
    assert "textclf_core.drawer" in done.stdout  # a room that has no place

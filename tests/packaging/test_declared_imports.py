"""Whatever the packages import, the project declares: as a dependency, or by the extra that brings it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "textclf_core", ROOT / "plugins" / "textclf_plugins")
NOT_AT_RUN_TIME = {"test", "lint", "docs"}


def imported() -> dict[str, set[str]]:
    """Return the third-party packages that are imported anywhere, also for types alone, and the files that do."""
    found: dict[str, set[str]] = {}
    for file in (file for package in PACKAGES for file in package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for top in (name.partition(".")[0] for name in names):
                if top not in sys.stdlib_module_names and top not in {package.name for package in PACKAGES}:
                    found.setdefault(top, set()).add(str(file.relative_to(ROOT)))
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[(]", name.strip())[0]).lower()


def test_every_import_is_declared_and_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {name: texts for name, texts in project["optional-dependencies"].items() if name not in NOT_AT_RUN_TIME}
    declared = {normal(text) for texts in (project["dependencies"], *extras.values()) for text in texts}
    pinned = {normal(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")}
    brought_by = packages_distributions()
    packages = imported()
    assert {"torch", "peft", "filelock"} <= packages.keys()
    faults = [
        f"{top} ({', '.join(sorted(files))})"
        for top, files in sorted(packages.items())
        if not any(normal(name) in declared & pinned for name in brought_by.get(top, [top]))
    ]
    assert not faults, "imported, but not declared in pyproject.toml and pinned in constraints.txt"


def test_what_only_an_extra_brings_is_imported_where_it_is_needed() -> None:
    """The modules of built-in plugins, which `textclf plugins` imports, do without the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    always = {normal(text) for text in project["dependencies"]}
    brought_by = packages_distributions()
    entries = {target.partition(":")[0] for target in project["entry-points"]["textclf"].values()}
    for entry in entries:
        file = ROOT / "plugins" / Path(*entry.split(".")).with_suffix(".py")
        for node in ast.parse(file.read_bytes()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for top in (name.partition(".")[0] for name in names):
                if top in brought_by and top not in sys.stdlib_module_names and not top.startswith("textclf_"):
                    assert any(normal(name) in always for name in brought_by[top]), f"{entry} imports {top}"

"""Every example imports public names of textclf alone, so that it shows what an author can do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import textclf_core
import textclf_core.testing

FOLDER = Path(__file__).parents[2] / "examples"
PUBLIC = {
    "textclf_core": set(textclf_core.__all__),
    "textclf_core.testing": set(textclf_core.testing.__all__),
    # As the guide's page "Write a plugin" names them.
    "textclf_core.data": {"iter_rows"},
    "textclf_core.tasks": {"check_kind"},
    "textclf_core.system.hub": {"cached_dataset", "hub_dataset", "why_unreachable"},
}


@pytest.mark.parametrize("file", sorted(FOLDER.rglob("*.py")), ids=lambda file: file.relative_to(FOLDER).as_posix())
def test_an_example_imports_public_names_alone(file: Path) -> None:
    own = "textclf_imdb"  # the package of the example itself
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (module := node.module or "").startswith("textclf"):
            assert {alias.name for alias in node.names} <= PUBLIC.get(module, set()) or module.startswith(own)
        if isinstance(node, ast.Import):
            assert all(alias.name in PUBLIC for alias in node.names if alias.name.startswith("textclf"))

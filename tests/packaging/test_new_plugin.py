"""What ``textclf plugins new`` writes: for each role a package that installs, passes its tests and is well typed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fresh_environment import FreshEnvironment, build_wheel

from textclf_core.hookspecs import ROLE_OF_HOOK

ROLES = tuple(dict.fromkeys(ROLE_OF_HOOK.values()))
IN_ONE_RUN = ("dataset", "model", "strategy", "postprocessor", "metric", "observer", "reporter")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, textclf: Callable[..., int]) -> Path:
    """A folder with a new package for each role."""
    folder = tmp_path_factory.mktemp("written")
    for role in ROLES:
        assert textclf("plugins", "new", f"new-{role}", "--role", role, "--output", str(folder)) == 0
    return folder


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory, dependencies: Path, wheel: Path, written: Path
) -> FreshEnvironment:
    """The project and the wheels of the new packages, in a fresh environment that borrows the dependencies."""
    copies = shutil.copytree(written, tmp_path_factory.mktemp("built") / "written")
    wheels = [build_wheel(copies / f"textclf-new-{role}", tmp_path_factory.mktemp(f"wheel-{role}")) for role in ROLES]
    return FreshEnvironment.make(tmp_path_factory.mktemp("environment"), dependencies, wheel, *wheels)


@pytest.fixture(scope="module")
def tests(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests of all packages in one folder: each process that imports torch takes seconds to start."""
    folder = tmp_path_factory.mktemp("tests")
    for role in ROLES:
        [test] = (written / f"textclf-new-{role}" / "tests").iterdir()
        shutil.copy(test, folder / f"test_new_{role}.py")
    return folder


@pytest.fixture(scope="module")
def run(
    environment: FreshEnvironment, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A run in which all installed plugins take part that can be in one, and what it prints."""
    output = tmp_path_factory.mktemp("runs")
    plugins = [f"new-{role}:checkpoint={tiny_checkpoint}" if role == "model" else f"new-{role}" for role in IN_ONE_RUN]
    words = [word for plugin in (*plugins, "finetune:epochs=1") for word in ("--plugin", plugin)]
    printed = environment.output("textclf", "run", *words, "--output", output, "--format", "json")
    [directory] = output.iterdir()
    return directory, printed


@pytest.mark.slow
def test_the_tests_of_the_installed_packages_pass(environment: FreshEnvironment, tests: Path) -> None:
    printed = environment.output("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    assert " passed" in printed
    assert "skipped" not in printed


@pytest.mark.slow
def test_the_installed_plugins_take_part_in_a_run(run: tuple[Path, str]) -> None:
    recorded = {plugin["name"] for plugin in json.loads(run[1])["plugins"]}
    assert recorded >= {f"new-{role}" for role in IN_ONE_RUN}


@pytest.mark.slow
def test_the_installed_executor_runs_the_cells_of_the_installed_trainer(
    environment: FreshEnvironment, reviews: Path, tmp_path: Path
) -> None:
    words = ["--try", "new-trainer", "--seeds", "1", "--no-baselines", "--plugin", f"files:path={reviews}"]
    environment.output("textclf", "compare", *words, "--executor", "new-executor", "--output", tmp_path)
    [record] = tmp_path.glob("*/record.json")
    assert "new-trainer" in record.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_installed_exporter_and_engine_take_a_saved_model(
    environment: FreshEnvironment, run: tuple[Path, str], reviews: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "handed-over"
    environment.output("textclf", "export", run[0], folder, "--format", "new-exporter")
    assert (folder / "exports" / "new-exporter" / "weights.safetensors").is_file()
    words = ["--engine", "new-engine", "--input", reviews / "test.csv"]
    assert "prediction" in environment.output("textclf", "predict", folder, *words)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["mypy --strict", "ruff check", "ruff format --check"])
def test_the_packages_are_well_typed_and_formatted(written: Path, tests: Path, command: str) -> None:
    sources = [written / f"textclf-new-{role}" / "src" for role in ROLES]
    settings = written / f"textclf-new-{ROLES[0]}" / "pyproject.toml"  # but for the name, that of every package
    # ruff itself finds the settings of each package.
    # Most of the time goes to reading torch and transformers, which the check of this project has done before.
    cache = Path(__file__).parents[2] / ".mypy_cache"
    mypy = [f"--config-file={settings}", f"--cache-dir={cache}", *sources, tests]
    words = mypy if command.startswith("mypy") else [written]
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), *map(str, words)],
        cwd=tests,
        env=os.environ | {"MYPYPATH": os.pathsep.join(map(str, sources))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("role", ROLES)
def test_a_new_file_is_a_plugin(textclf: Callable[..., int], tmp_path: Path, role: str) -> None:
    assert textclf("plugins", "new", "my-own", "--role", role, "--file", "--output", str(tmp_path)) == 0
    assert textclf("plugins", "show", "my-own", "--plugin-file", str(tmp_path / "my_own.py")) == 0


def test_nothing_is_overwritten(
    textclf: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("plugins", "new", "my-own", "--role", "metric", "--file", "--output", str(tmp_path))
    assert textclf(*words) == 0
    assert textclf(*words) == 2
    assert "my_own.py is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "role", "message"),
    [("My_Plugin", "metric", "is no name for a plugin"), ("mine", "metrik", "Did you mean 'metric'?")],
)
def test_a_wrong_name_or_role_is_refused(
    textclf: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, role: str, message: str
) -> None:
    assert textclf("plugins", "new", name, "--role", role, "--output", str(tmp_path)) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

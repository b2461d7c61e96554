"""What ``textclf plugins new`` writes: for each role a package that installs, passes its tests and is well typed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fresh_environment import FreshEnvironment, build_wheel

from textclf_core.hookspecs import ROLE_OF_HOOK, SAVED_MODEL_ROLES

ROLES = tuple(dict.fromkeys(ROLE_OF_HOOK.values()))
RUN_ROLES = tuple(role for role in ROLES if role not in SAVED_MODEL_ROLES)
OPTIONS = {"model": "checkpoint={checkpoint}"}
BESIDE = {role: ["majority"] for role in ROLES} | {"model": [], "strategy": [], "trainer": []}


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


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_the_tests_of_the_installed_package_pass(
    environment: FreshEnvironment, written: Path, role: str, tmp_path: Path
) -> None:
    tests = Path(shutil.copytree(written / f"textclf-new-{role}" / "tests", tmp_path / "tests"))
    printed = environment.output("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    assert " passed" in printed
    assert "skipped" not in printed


@pytest.mark.slow
@pytest.mark.parametrize("role", RUN_ROLES)
def test_the_installed_plugin_takes_part_in_a_run(
    environment: FreshEnvironment, tiny_checkpoint: Path, reviews: Path, role: str
) -> None:
    plugins = [
        f"new-{role}:checkpoint={tiny_checkpoint}" if role == "model" else f"new-{role}",
        *([] if role == "dataset" else [f"files:path={reviews}"]),
        *([f"hf-model:checkpoint={tiny_checkpoint}"] if role == "strategy" else BESIDE[role]),
    ]
    words = [word for plugin in plugins for word in ("--plugin", plugin)]
    assert f"new-{role}" in environment.output("textclf", "run", *words, "--format", "json") or role == "dataset"


@pytest.mark.slow
def test_the_installed_exporter_and_engine_take_a_saved_model(
    environment: FreshEnvironment, tiny_checkpoint: Path, reviews: Path, tmp_path: Path
) -> None:
    plugins = [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}", "finetune:epochs=1"]
    words = [word for plugin in plugins for word in ("--plugin", plugin)]
    environment.output("textclf", "run", *words, "--output", tmp_path / "runs")
    [run] = (tmp_path / "runs").iterdir()
    folder = tmp_path / "handed-over"
    environment.output("textclf", "export", run, folder, "--format", "new-exporter")
    assert (folder / "exports" / "new-exporter" / "weights.safetensors").is_file()
    words = ["--engine", "new-engine", "--input", reviews / "test.csv"]
    assert "prediction" in environment.output("textclf", "predict", folder, *words)


@pytest.fixture(scope="module")
def types_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy knows of textclf and its dependencies, which takes it a minute to learn."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["mypy --strict src tests", "ruff check", "ruff format --check"])
@pytest.mark.parametrize("role", ROLES)
def test_the_package_is_well_typed_and_formatted(written: Path, types_cache: Path, role: str, command: str) -> None:
    words = command.split()
    done = subprocess.run(
        [sys.executable, "-m", *words, *([f"--cache-dir={types_cache}"] if words[0] == "mypy" else [])],
        cwd=written / f"textclf-new-{role}",
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

"""Fresh environments, in which the project is installed as a user installs it.

Torch and the other dependencies take minutes and gigabytes to install, so a fresh environment borrows those of the
environment that runs the tests; the project itself, and plugins installed beside it, stay hidden.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GROUPS = ("textclf", "textclf.defaults")
PIP = (sys.executable, "-I", "-m", "pip", "--isolated", "--disable-pip-version-check")
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation")
HANGS_AFTER_SECONDS = 1200
"""Far more than anything here takes, even on cores that many share."""


@dataclass(frozen=True)
class FreshEnvironment:
    """A virtual environment of its own."""

    root: Path

    @classmethod
    def make(cls, root: Path, dependencies: Path, *targets: str | Path) -> FreshEnvironment:
        """Return an environment in which pip has installed the targets, and which can import the dependencies.

        Args:
            root: an empty folder.
            dependencies: what :func:`link_dependencies` returned.
            targets: wheels or folders; ``"-e"`` before a folder makes its install editable.
        """
        venv.create(root, symlinks=True)
        [packages] = root.glob("lib/python*/site-packages")
        (packages / "dependencies.pth").write_text(f"{dependencies}\n")
        pip("--python", str(root / "bin" / "python"), "install", *OFFLINE, *map(str, targets))
        return cls(root)

    def run(self, program: str, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, outside the checkout; ``variables`` join those of this process."""
        ours = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "TEXTCLF_PLUGINS")}
        # Byte code would be written through the links.
        settings = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [str(self.root / "bin" / program), *map(str, arguments)],
            cwd=self.root,
            env=ours | settings | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS_AFTER_SECONDS,
        )

    def output(self, program: str, *arguments: str | Path, **variables: str) -> str:
        """Return what a program prints, which must succeed."""
        process = self.run(program, *arguments, **variables)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout


def link_dependencies(folder: Path) -> Path:
    """Return a folder with links to what is installed here, but for distributions that bring plugins of textclf.

    It stays outside the fresh environments, which find it by a .pth file: pip writes into an environment and uninstalls
    from it, and through a link in there it would do so here.
    """
    links = folder / "site-packages"  # dill takes a module by its name only from a folder that is called so
    links.mkdir()
    # An environment may itself borrow packages of another one, by a .pth file.
    for packages in (Path(path) for path in sys.path if Path(path).name == "site-packages"):
        # A .pth file may show the checkout.
        hidden = {"__pycache__", *_plugin_files(packages), *(path.name for path in packages.glob("*.pth"))}
        for path in packages.iterdir():
            if path.name not in hidden and not (links / path.name).exists():
                (links / path.name).symlink_to(path)
    return links


def _plugin_files(packages: Path) -> Iterator[str]:
    """Yield the names, in a folder of packages, that belong to distributions with entry points of textclf."""
    for distribution in importlib.metadata.distributions(path=[str(packages)]):
        if any(point.group in GROUPS for point in distribution.entry_points):
            yield from (file.parts[0] for file in distribution.files or ())


def build_wheel(source: Path, folder: Path) -> Path:
    """Return the wheel that pip builds, in an empty folder, from a project."""
    pip("wheel", *OFFLINE, "--wheel-dir", str(folder), str(source))
    [wheel] = folder.glob("*.whl")
    return wheel


def pip(*arguments: str) -> None:
    """Run pip, without the user's own settings, which must succeed."""
    process = subprocess.run(
        [*PIP, *arguments], capture_output=True, text=True, check=False, timeout=HANGS_AFTER_SECONDS
    )
    assert process.returncode == 0, process.stdout + process.stderr

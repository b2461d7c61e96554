"""Importing a plugin, and loading what it saved, in a process of its own.

Run as ``python -m textclf_core.testing.other_process FOLDER``, it does what ``request.json`` there asks.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from inspect import getsourcefile
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from textclf_core.errors import PluginError

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.testing.subject import Subject
    from textclf_core.types.task import Task

_REQUEST = "request.json"


@dataclass(frozen=True)
class Imported:
    """What importing a plugin did."""

    modules: frozenset[str]
    """All modules that were imported."""
    printed: str


def can_be_imported(cls: type) -> bool:
    """Return whether another process can import a class: not if it is defined in a function."""
    return "<locals>" not in cls.__qualname__


@cache
def imported_in_another_process(cls: type) -> Imported | None:
    """Import a class in a new process; ``None`` if it is defined in a function.

    Raises:
        PluginError: it can't be imported there.
    """
    if not can_be_imported(cls):
        return None
    with TemporaryDirectory() as folder:
        printed = _ask(Path(folder), {"do": "import", **_place(cls)})
        return Imported(frozenset(json.loads((Path(folder) / "modules.json").read_text())), printed)


def scores_in_another_process(subject: Subject, directory: Path, task: Task, rows: Dataset) -> Any:
    """Return the scores of rows by the classifier that a new process loads from a directory.

    Raises:
        PluginError: it can't be loaded there.
    """
    folder = subject.folder()
    rows.save_to_disk(folder / "rows")
    _ask(
        folder,
        {
            "do": "score",
            **_place(subject.cls),
            "options": json.loads(json.dumps(dict(subject.plugin.options), default=str)),
            "directory": str(directory),
            "task": [list(task.label_names), list(task.text_columns), task.kind],
        },
    )
    import numpy as np

    with np.load(folder / "scores.npz") as scores:
        return scores["scores"]


def _place(cls: type) -> dict[str, str]:
    """Return where a class is found: its module, or its file if that is no importable module."""
    file = getsourcefile(cls) or ""
    spec = sys.modules[cls.__module__].__spec__
    importable = cls.__module__ != "__main__" and spec is not None and not cls.__module__.startswith("textclf_plugin_")
    return {"module": cls.__module__ if importable else "", "file": file, "name": cls.__qualname__}


def _ask(folder: Path, request: dict[str, Any]) -> str:
    (folder / _REQUEST).write_text(json.dumps(request), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise PluginError(
            f"in another process it fails: {last}. What it needs must be in its module, its options and what it saves."
        )
    return done.stdout


def _class(request: dict[str, Any]) -> type:
    if request["module"]:
        found: type = attrgetter(request["name"])(importlib.import_module(request["module"]))
        return found
    from textclf_core.plugins import Catalogue

    entries = Catalogue.discover([Path(request["file"])]).entries
    return next(
        cls for cls in (one.find() for one in entries if one.version is None) if cls.__qualname__ == request["name"]
    )


def _score(folder: Path, request: dict[str, Any]) -> None:
    import numpy as np
    from datasets import Dataset

    from textclf_core.testing.subject import Subject, flat
    from textclf_core.types.task import Task

    subject = Subject(_class(request), request["options"])
    labels, columns, kind = request["task"]
    classifier = subject.call(
        "textclf_load_classifier",
        directory=Path(request["directory"]),
        task=Task(tuple(labels), tuple(columns), kind),
        workspace=subject.workspace(),
    )
    np.savez(folder / "scores.npz", scores=flat(classifier.scores(Dataset.load_from_disk(str(folder / "rows")))))


def main() -> None:
    """Do what the request in a folder asks."""
    folder = Path(sys.argv[1])
    request = json.loads((folder / _REQUEST).read_text(encoding="utf-8"))
    if request["do"] == "import":
        if request["module"]:
            importlib.import_module(request["module"])
        else:
            _class(request)
        (folder / "modules.json").write_text(json.dumps(sorted(sys.modules)), encoding="utf-8")
    else:
        _score(folder, request)


if __name__ == "__main__":
    main()

"""Importing a plugin, and loading what it saved, in a process of its own.

Run as ``python -m textclf_core.testing.other_process FOLDER``, it scores what ``request.json`` there names.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from textclf_core.errors import PluginError
from textclf_core.plugins.importing_alone import MODULES_FILE, REQUEST_FILE, find_class, place_of
from textclf_core.system.python import module_command

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.testing.subject import Subject
    from textclf_core.types.task import Task


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
        printed = _ask("textclf_core.plugins.importing_alone", Path(folder), place_of(cls))
        return Imported(frozenset(json.loads((Path(folder) / MODULES_FILE).read_text())), printed)


def scores_in_another_process(subject: Subject, directory: Path, task: Task, rows: Dataset) -> Any:
    """Return the scores of rows by the classifier that a new process loads from a directory.

    Raises:
        PluginError: it can't be loaded there.
    """
    folder = subject.folder()
    rows.save_to_disk(folder / "rows")
    _ask(
        "textclf_core.testing.other_process",
        folder,
        {
            **place_of(subject.cls),
            "options": json.loads(json.dumps(dict(subject.plugin.options), default=str)),
            "directory": str(directory),
            "task": [list(task.label_names), list(task.text_columns), task.kind],
        },
    )
    import numpy as np

    with np.load(folder / "scores.npz") as scores:
        return scores["scores"]


def _ask(module: str, folder: Path, request: dict[str, Any]) -> str:
    (folder / REQUEST_FILE).write_text(json.dumps(request), encoding="utf-8")
    done = subprocess.run(
        module_command(module, str(folder)),
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


def _score(folder: Path) -> None:
    import numpy as np
    from datasets import Dataset

    from textclf_core.testing.subject import Subject, flat
    from textclf_core.types.task import Task

    request = json.loads((folder / REQUEST_FILE).read_text(encoding="utf-8"))
    subject = Subject(find_class(request), request["options"])
    labels, columns, kind = request["task"]
    task = Task(tuple(labels), tuple(columns), kind)
    classifier = subject.load_classifier(Path(request["directory"]), task)
    np.savez(folder / "scores.npz", scores=flat(classifier.scores(Dataset.load_from_disk(str(folder / "rows")))))


if __name__ == "__main__":
    _score(Path(sys.argv[1]))

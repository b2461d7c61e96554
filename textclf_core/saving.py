"""The artifact of a run: a classifier, and the note that says which plugin loads it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.errors import UsageError
from textclf_core.plugins import activate
from textclf_core.records import CLASSIFIER_FILE, MODEL_DIRECTORY, PluginRecord
from textclf_core.task import Task
from textclf_core.workspace import Workspace

if TYPE_CHECKING:
    from textclf_core.classifier import Classifier
    from textclf_core.plugins import Catalogue

_FORMAT = 1


def save_classifier(classifier: Classifier, directory: Path, task: Task, trainer: PluginRecord) -> None:
    """Save a classifier and ``classifier.json``, which names the trainer that loads it, into ``directory``."""
    directory.mkdir()
    classifier.save(directory)
    note: dict[str, Any] = {
        "format": _FORMAT,
        "plugin": trainer.name,
        "distribution": trainer.distribution,
        "version": trainer.version,
        "task": asdict(task),
    }
    (directory / CLASSIFIER_FILE).write_text(json.dumps(note, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_classifier(run: Path, catalogue: Catalogue, device: str = "cpu") -> tuple[Classifier, Task]:
    """Load the classifier of the run in ``run``, and its task.

    Raises:
        UsageError: there is no model there.
        PluginError: the plugin that loads it isn't installed or can't be used.
    """
    directory = run / MODEL_DIRECTORY
    path = directory / CLASSIFIER_FILE
    if not path.is_file():
        raise UsageError(
            f"{run}: no model there (no {MODEL_DIRECTORY}/{CLASSIFIER_FILE}). Give a run, such as runs/ID."
        )
    note = json.loads(path.read_text(encoding="utf-8"))
    if note.get("format") != _FORMAT:
        raise UsageError(
            f"{path}: written by another version of textclf ({note.get('distribution')} {note['version']})."
        )
    task = Task(
        label_names=tuple(note["task"]["label_names"]),
        text_columns=tuple(note["task"]["text_columns"]),
        kind=note["task"]["kind"],
    )
    trainer = activate([note["plugin"]], catalogue, without=("dataset", "metric"))
    classifier: Classifier | None = trainer.hook.textclf_load_classifier(
        directory=directory, task=task, workspace=Workspace(run, device)
    )
    if classifier is None:
        raise UsageError(f"{path}: the installed plugin {note['plugin']!r} can't load a classifier.")
    return classifier, task

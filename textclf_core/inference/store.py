"""The artifact of a run: a classifier, and the note that says which plugin loads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.plugins import ActivePlugins, activate
from textclf_core.plugins.calling import call
from textclf_core.plugins.discovery import plugin_file_of
from textclf_core.plugins.options import options_of
from textclf_core.plugins.specs import PluginSpec
from textclf_core.records.schema import CLASSIFIER_FILE, MODEL_DIRECTORY, PluginRecord
from textclf_core.types.postprocessing import PostprocessedClassifier, Postprocessing, Step, save_steps, step_directory
from textclf_core.types.task import Task
from textclf_core.types.workspace import Workspace

if TYPE_CHECKING:
    from textclf_core.plugins import Catalogue
    from textclf_core.types.classifier import Classifier

Engine = Literal["torch", "onnx", "onnx-int8"]
"""What computes a prediction."""

_FORMAT = 1
_ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def save_classifier(classifier: Classifier, directory: Path, task: Task, trainer: PluginRecord) -> None:
    """Save a classifier and ``classifier.json``, which names the trainer that loads it, into ``directory``."""
    directory.mkdir()
    classifier.save(directory)
    note: dict[str, Any] = {
        "format": _FORMAT,
        "plugin": trainer.name,
        "distribution": trainer.distribution,
        "version": trainer.version,
        "options": {name: trainer.options[name] for name, by in trainer.set_by.items() if by != "default"},
        "task": asdict(task),
    }
    _write_note(note, directory / CLASSIFIER_FILE)


def save_postprocessing(steps: Sequence[Step], plugins: ActivePlugins, directory: Path) -> None:
    """Save the steps beside the classifier in ``directory``, and their plugins' names in its ``classifier.json``."""
    if not steps:
        return
    save_steps(steps, directory)
    path = directory / CLASSIFIER_FILE
    note = json.loads(path.read_text(encoding="utf-8"))
    active = {plugin.name: plugin for plugin in plugins}
    note["postprocessing"] = [
        {
            "plugin": step.plugin,
            "distribution": active[step.plugin].distribution,
            "version": active[step.plugin].version,
        }
        for step in steps
    ]
    _write_note(note, path)


def load_classifier(
    run: Path, catalogue: Catalogue, device: str = "cpu", engine: Engine = "torch"
) -> tuple[Classifier, Task]:
    """Load the classifier of the run in ``run``, and its task.

    Args:
        run: the run's directory, or a folder that ``textclf export`` wrote.
        catalogue: has the plugin that loads it.
        device: a torch device. The engines of ONNX compute on the CPU.
        engine: what is to compute the scores.

    Raises:
        UsageError: there is no model there, or the engine can't compute it or isn't installed.
        PluginError: the plugin that loads it isn't installed or can't be used.
        RunError: the model can't be exported to ONNX.
    """
    _check_engine(engine, device)
    directory = run if (run / CLASSIFIER_FILE).is_file() else run / MODEL_DIRECTORY
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
    for saved in (note, *note.get("postprocessing", ())):
        _check_plugin_file(saved, catalogue)
    named = [step["plugin"] for step in note.get("postprocessing", ())]
    plugins = activate([_loader(note, catalogue), *named], catalogue, without=("dataset", "metric"))
    classifier: Classifier | None = call(
        plugins,
        "textclf_load_classifier",
        optional=True,
        directory=directory,
        task=task,
        workspace=Workspace(run, device),
    )
    if classifier is None:
        raise UsageError(f"{path}: the installed plugin {note['plugin']!r} can't load a classifier.")
    steps = tuple(_load_step(plugins, name, directory, task) for name in named)
    if engine != "torch":
        from textclf_core.inference.onnx.cache import with_onnx

        return with_onnx(classifier, directory, run, engine, steps), task
    return PostprocessedClassifier(classifier, steps, task) if steps else classifier, task


def _load_step(plugins: ActivePlugins, name: str, directory: Path, task: Task) -> Step:
    [plugin] = [plugin for plugin in plugins if plugin.name == name]
    postprocessing: Postprocessing | None = call(
        ActivePlugins([plugin]),
        "textclf_load_postprocessing",
        optional=True,
        directory=step_directory(directory, name),
        task=task,
    )
    if postprocessing is None:
        raise UsageError(f"{directory / CLASSIFIER_FILE}: the installed plugin {name!r} can't load what it saved.")
    return Step(name, postprocessing)


def _check_plugin_file(saved: dict[str, Any], catalogue: Catalogue) -> None:
    """Say which file brings a plugin that loads a part of a classifier, where it isn't among the plugins."""
    file = plugin_file_of(saved["distribution"])
    if file and saved["plugin"] not in {entry.name for entry in catalogue.entries}:
        raise UsageError(
            f"the plugin {saved['plugin']!r}, which loads this model, comes from a file: add --plugin-file {file}."
        )


def _write_note(note: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(note, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _loader(note: dict[str, Any], catalogue: Catalogue) -> PluginSpec:
    """Return the plugin that loads a classifier, with the options that it can't be built without.

    The others are left out: a later version may know them no more, and the classifier has what it needs.
    """
    required = [option.name for option in options_of(catalogue.get(note["plugin"]).cls) if option.required]
    options = note.get("options", {})
    return PluginSpec(note["plugin"], {name: options[name] for name in required if name in options})


def _check_engine(engine: str, device: str) -> None:
    engines = get_args(Engine)
    if engine not in engines:
        raise UsageError(
            f"there is no engine {engine!r}.{did_you_mean(engine, engines)} It takes {', '.join(engines)}."
        )
    if engine == "torch":
        return
    if device != "cpu":
        raise UsageError(
            f"the engine {engine} computes on the CPU, not on the device {device!r}. Use the engine torch."
        )
    if missing := [name for name in _ONNX_PACKAGES if find_spec(name) is None]:
        raise UsageError(f'the engine {engine} needs {", ".join(missing)}: pip install "textclf-core[onnx]".')

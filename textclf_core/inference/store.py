"""The artifact of a run: a saved classifier, and ``classifier.json``, which names the plugin that loads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.errors import RunError, UsageError
from textclf_core.inference.engines import TORCH, device_of, find_engine
from textclf_core.plugins import ActivePlugins, activate
from textclf_core.plugins.calling import call
from textclf_core.plugins.discovery import plugin_file_of
from textclf_core.plugins.hooks import arguments_of
from textclf_core.plugins.options import options_of
from textclf_core.plugins.specs import PluginSpec
from textclf_core.records.remote_runs import fetch_model
from textclf_core.records.schema import CLASSIFIER_FILE, MODEL_DIRECTORY, PluginRecord
from textclf_core.storage.places import shown
from textclf_core.system.model_files import check_model_files, read_json
from textclf_core.tasks.decisions import PostprocessedClassifier
from textclf_core.types.postprocessing import Postprocessing, PostprocessingStep, save_steps, step_directory
from textclf_core.types.task import Task
from textclf_core.types.workspace import Workspace

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.plugins import Catalogue
    from textclf_core.types.classifier import Classifier

_FORMAT = 1


def save_classifier(
    classifier: Classifier, directory: Path, task: Task, trainer: PluginRecord, model: PluginRecord | None = None
) -> None:
    """Save a classifier and ``classifier.json`` into ``directory``.

    Args:
        classifier: the classifier.
        directory: a folder that doesn't exist.
        task: the labels.
        trainer: the plugin that loads the classifier.
        model: the plugin that loads its encoder; without one, that is a plain model of its family.
    """
    directory.mkdir()
    classifier.save(directory)
    note: dict[str, Any] = {"format": _FORMAT, **_note_on(trainer), "task": asdict(task)}
    if model is not None:
        note["model"] = _note_on(model)
    _write_note(note, directory / CLASSIFIER_FILE)


def _note_on(plugin: PluginRecord) -> dict[str, Any]:
    return {
        "plugin": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "options": {name: plugin.options[name] for name, by in plugin.set_by.items() if by != "default"},
    }


def save_postprocessing(
    steps: Sequence[PostprocessingStep], postprocessors: Iterable[PluginRecord], directory: Path
) -> None:
    """Save the steps to the classifier's ``directory``, and their plugins, which load them, to ``classifier.json``."""
    if not steps:
        return
    save_steps(steps, directory)
    path = directory / CLASSIFIER_FILE
    note = json.loads(path.read_text(encoding="utf-8"))
    notes = {plugin.name: _note_on(plugin) for plugin in postprocessors}
    note["postprocessing"] = [notes[step.plugin] for step in steps]
    _write_note(note, path)


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A saved model, loaded.

    Attributes:
        run: the run directory, or the folder of a published model.
        directory: the folder of the model itself.
        classifier: as its trainer loaded it, without its postprocessing.
        steps: its postprocessing.
        task: the labels that it was trained with.
        device: the device that it is on.
    """

    run: Path
    directory: Path
    classifier: Classifier
    steps: tuple[PostprocessingStep, ...]
    task: Task
    device: str

    def with_steps(self, classifier: Classifier) -> Classifier:
        """Return a classifier with the postprocessing of this one."""
        return PostprocessedClassifier(classifier, self.steps, self.task) if self.steps else classifier


def load_classifier(
    run: Path, catalogue: Catalogue, *, device: str = "cpu", engine: str = TORCH
) -> tuple[Classifier, Task]:
    """Load the classifier of a run; return it with its task.

    Args:
        run: the run directory, or a folder that ``textclf export`` wrote.
        catalogue: the available plugins, which must include the one that loads it.
        device: a torch device, or ``auto``, which is one that the engine computes on.
        engine: what computes the scores: ``torch``, or the spec of an engine.

    Raises:
        UsageError: there is no model, device or engine, or the engine doesn't support them or isn't installed.
        PluginError: the plugin that loads it isn't installed or can't be used.
        RunError: the model can't be exported, or the engine computes other scores.
    """
    computing = find_engine(engine, catalogue)
    model = load_model(run, catalogue, device_of(computing, device))
    if computing is None:
        return model.with_steps(model.classifier), model.task
    from textclf_core.inference.exports import computed_by

    return computed_by(computing, model), model.task


def load_model(run: Path, catalogue: Catalogue, device: str) -> LoadedModel:
    """Load the model of a run onto a torch device.

    Raises:
        UsageError: there is no model, or its files aren't whole.
        PluginError: the plugin that loads it isn't installed or can't be used.
    """
    fetch_model(run)
    saved = SavedClassifier.find(run)
    check_model_files(saved.directory)
    for name, distribution in saved.distributions.items():
        _check_plugin_file(name, distribution, catalogue)
    written_by = {name: catalogue.written_by(name, origin) for name, origin in saved.distributions.items()}
    loaders = [
        PluginSpec(written_by[name], saved.options_for(name, catalogue.get(written_by[name]).cls))
        for name in saved.loaders
    ]
    steps_by = [PluginSpec(written_by[name]) for name in saved.postprocessors]
    plugins = activate([*loaders, *steps_by], catalogue, without=("dataset", "metric"))
    with _missing_files_named(saved.directory):
        classifier = saved.load_classifier(plugins, Workspace(run, device))
        steps = tuple(saved.load_step(plugins, name) for name in saved.postprocessors)
    return LoadedModel(
        run=run,
        directory=saved.directory,
        classifier=classifier,
        steps=steps,
        task=saved.task,
        device=device,
    )


@contextmanager
def _missing_files_named(directory: Path) -> Iterator[None]:
    """Raise an error of a plugin that doesn't find a file of a model as one of the model."""
    try:
        yield
    except RunError as error:
        missing = getattr(error.__cause__, "filename", None)
        if not isinstance(error.__cause__, FileNotFoundError) or missing is None:
            raise
        raise UsageError(f"{directory} isn't whole: {missing} is missing. Copy the model again.") from error


@dataclass(frozen=True)
class SavedClassifier:
    """A saved classifier, as described by its ``classifier.json``.

    Attributes:
        directory: where it was saved.
        task: the labels that it was trained with.
        trainer: the name of the plugin that loads it.
        model: the name of the plugin that loads its encoder; ``None`` for a plain model of its family.
        options: the options that were set of these plugins and the postprocessors, by the plugin's name.
        postprocessors: the names of the plugins that load its postprocessing, in order.
        distributions: the distribution of each of these plugins, by the plugin's name.
    """

    directory: Path
    task: Task
    trainer: str
    model: str | None
    options: dict[str, dict[str, Any]]
    postprocessors: tuple[str, ...]
    distributions: dict[str, str]

    @classmethod
    def find(cls, run: Path) -> SavedClassifier:
        """Return the classifier of a run, or of a folder that ``textclf export`` wrote.

        Raises:
            UsageError: there is none, or another version wrote it.
        """
        directory = run if (run / CLASSIFIER_FILE).is_file() else run / MODEL_DIRECTORY
        path = directory / CLASSIFIER_FILE
        if not path.is_file():
            raise UsageError(
                f"{shown(run)} has no model (no {MODEL_DIRECTORY}/{CLASSIFIER_FILE}). Give a run directory, such as "
                "runs/ID."
            )
        note = read_json(path)
        if note.get("format") != _FORMAT:
            raise UsageError(
                f"{path} was written by another version of textclf ({note.get('distribution')} {note['version']}), "
                "whose format this version can't read."
            )
        steps = note.get("postprocessing", [])
        parts = [note, *([note["model"]] if "model" in note else []), *steps]
        return cls(
            directory=directory,
            task=Task(
                label_names=tuple(note["task"]["label_names"]),
                text_columns=tuple(note["task"]["text_columns"]),
                kind=note["task"]["kind"],
            ),
            trainer=note["plugin"],
            model=note["model"]["plugin"] if "model" in note else None,
            options={part["plugin"]: part.get("options", {}) for part in parts},
            postprocessors=tuple(step["plugin"] for step in steps),
            distributions={part["plugin"]: part["distribution"] for part in parts},
        )

    @property
    def loaders(self) -> tuple[str, ...]:
        """The names of the plugins that load the classifier and its encoder."""
        return (self.trainer, *([self.model] if self.model else []))

    def options_for(self, name: str, cls: type) -> dict[str, Any]:
        """Return the required options of a plugin, by which it is built to load what it saved.

        The others are omitted: a later version may no longer have them, and the classifier saved what it needs.
        """
        given = self.options.get(name, {})
        return {
            option.name: given[option.name] for option in options_of(cls) if option.required and option.name in given
        }

    def load_classifier(self, plugins: ActivePlugins, workspace: Workspace) -> Classifier:
        """Load the classifier without its postprocessing.

        Args:
            plugins: plugins that include its loaders.
            workspace: on which device to compute; its ``directory`` is the run's.

        Raises:
            RunError: its trainer can't load a classifier.
        """
        [trainer] = _only(plugins, self.trainer)
        wants_encoder = "encoder" in arguments_of(trainer.instance, "textclf_load_classifier")
        classifier: Classifier = call(
            _only(plugins, self.trainer),
            "textclf_load_classifier",
            directory=self.directory,
            task=self.task,
            workspace=workspace,
            encoder=self._load_encoder(plugins, workspace.device) if wants_encoder else None,
        )
        return classifier

    def _load_encoder(self, plugins: ActivePlugins, device: str) -> Encoder:
        from textclf_core.encoder.saved import load_saved

        if self.model is not None:
            own = _only(plugins, self.model)
            loaded: Encoder | None = call(
                own, "textclf_load_model", optional=True, directory=self.directory, task=self.task
            )
            if loaded is not None:
                model: Any = loaded.model  # to() has no types
                model.to(device).eval()
                return loaded
        return load_saved(self.directory, self.task, device)

    def load_step(self, plugins: ActivePlugins, name: str) -> PostprocessingStep:
        """Load a postprocessing step of the classifier.

        Args:
            plugins: plugins that include its postprocessor.
            name: the name of the postprocessor.

        Raises:
            RunError: the postprocessor can't load it.
        """
        postprocessing: Postprocessing = call(
            _only(plugins, name),
            "textclf_load_postprocessing",
            directory=step_directory(self.directory, name),
            task=self.task,
        )
        return PostprocessingStep(name, postprocessing)


def _only(plugins: ActivePlugins, name: str) -> ActivePlugins:
    return ActivePlugins([plugin for plugin in plugins if plugin.name == name])


def _check_plugin_file(name: str, distribution: str, catalogue: Catalogue) -> None:
    """Refuse a missing plugin that comes from a file, naming the file."""
    file = plugin_file_of(distribution)
    if file and name not in {entry.name for entry in catalogue.entries}:
        raise UsageError(f"the plugin {name!r}, which loads this model, comes from a file: add --plugin-file {file}.")


def _write_note(note: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(note, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

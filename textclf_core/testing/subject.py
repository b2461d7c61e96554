"""The plugin that is checked: its class, built with options, and calls of its hooks on tiny models and data."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from textclf_core.errors import UsageError
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.plugins.calling import call, call_one, errors_of
from textclf_core.plugins.hooks import hooks_of, needs_of, roles_of
from textclf_core.plugins.options import build_plugin, option_names
from textclf_core.types.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.training.encoder_classifier import EncoderClassifier
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Kind, Task
    from textclf_core.types.workspace import Workspace

TINY_RECIPE = {"epochs": 25, "batch_size": 8, "learning_rate": 5e-3}
"""The recipe with which a trainer that inherits ``Recipe`` learns the tiny data, unless options say otherwise."""
ROWS = 64


@dataclass(frozen=True)
class TinyTask:
    """Tiny data of one kind of task."""

    task: Task
    train: Dataset
    validation: Dataset

    @property
    def data(self) -> DatasetDict:
        """``train`` and ``validation``, as hooks get them."""
        from datasets import DatasetDict

        return DatasetDict({"train": self.train, "validation": self.validation})


@dataclass(frozen=True)
class Trained:
    """A trainer's classifier, with what it was trained on."""

    classifier: Classifier
    encoder: Encoder | None
    tiny: TinyTask
    before: dict[str, Any]
    """Copies of the frozen parameters before training."""


@dataclass(frozen=True)
class SavedModel:
    """A saved classifier with a tiny encoder, and what an exporter made of it."""

    tiny: TinyTask
    classifier: EncoderClassifier
    before: EncoderClassifier
    """An equal classifier that no hook gets."""
    directory: Path
    """The export; the folder of the saved model for an engine without an exporter."""
    beside: tuple[str, ...]
    """What was written into the current folder or beside the directory."""

    @property
    def rows(self) -> Dataset:
        """Some rows to score, without their labels."""
        return self.tiny.validation.select(range(8)).remove_columns("label")


class Subject:
    """A plugin under check; its calls are made once and shared by the checks."""

    def __init__(self, cls: type, options: dict[str, object]) -> None:
        self.cls = cls
        self.name = cls.__qualname__.rpartition(".")[2]
        self.hooks = hooks_of(cls)
        self.roles = roles_of(self.hooks)
        self.given = options
        self.printed = ""
        """What its hooks printed to standard output so far."""
        self._folder = TemporaryDirectory(prefix="textclf-check-")
        self._trained: dict[tuple[Kind, int], Trained] = {}
        self._saved: dict[Kind, SavedModel | None] = {}

    @cached_property
    def plugin(self) -> ActivePlugin:
        """The plugin, built with the options.

        Raises:
            UsageError: an option is missing or invalid.
        """
        tiny = TINY_RECIPE if issubclass(self.cls, Recipe) else {}
        instance = build_plugin(self.name, self.cls, {**tiny, **self.given})
        return ActivePlugin(
            name=self.name,
            instance=instance,
            roles=self.roles,
            distribution=self.cls.__module__,
            version=None,
            options={name: getattr(instance, name) for name in option_names(self.cls)},
            set_by={},
            chosen_by="call",
        )

    def call(self, hook: str, **arguments: Any) -> Any:
        """Return the checked result of a hook; for one whose results are all used, the list of them.

        Raises:
            RunError: it failed or returned an invalid result.
        """
        return self.run(lambda: call(ActivePlugins([self.plugin]), hook, optional=True, **arguments))

    def method(self, what: str, function: Callable[[], Any]) -> Any:
        """Return the result of a method of what the plugin returned, such as ``"scores"``.

        Raises:
            RunError: it failed.
        """
        with errors_of(self.plugin, what):
            return self.run(function)

    def run(self, function: Callable[[], Any]) -> Any:
        """Return the result of a function; what it prints is added to :attr:`printed`."""
        output = io.StringIO()
        try:
            with redirect_stdout(output):
                return function()
        finally:
            self.printed += output.getvalue()

    def load_classifier(self, directory: Path, task: Task) -> Classifier:
        """Return what the trainer loads from where its classifier was saved."""
        from textclf_core.encoder.saved import load_saved

        wants_encoder = "encoder" in self.hooks["textclf_load_classifier"]
        classifier: Classifier = self.call(
            "textclf_load_classifier",
            directory=directory,
            task=task,
            workspace=self.workspace(),
            encoder=load_saved(directory, task, "cpu") if wants_encoder else None,
        )
        return classifier

    def load_model(self, directory: Path, task: Task) -> Encoder:
        """Return the model that was saved there: as the plugin loads it, or as a plain model of its family."""
        from textclf_core.encoder.saved import load_saved

        own: Encoder | None = None
        if "textclf_load_model" in self.hooks:
            own = self.call("textclf_load_model", directory=directory, task=task)
        return own or load_saved(directory, task, "cpu")

    def folder(self) -> Path:
        """Return a new empty folder, which is removed with the subject."""
        folder = Path(self._folder.name) / str(len(list(Path(self._folder.name).iterdir())))
        folder.mkdir()
        return folder

    def workspace(self) -> Workspace:
        """Return a workspace with an empty cache of its own."""
        from textclf_core.cache import CacheFolder
        from textclf_core.types.workspace import Workspace

        return Workspace(self.folder(), cache=CacheFolder(self.folder()))

    def tasks(self) -> Iterator[TinyTask]:
        """Yield tiny data of each kind of task that the plugin doesn't refuse."""
        for kind in kinds():
            tiny = tiny_task(kind)
            refuses = "textclf_check_task" in self.hooks and call_one(self.plugin, "textclf_check_task", task=tiny.task)
            if not refuses:
                yield tiny

    def encoder(self, tiny: TinyTask, seed: int = 0, blocks: int = 2) -> Encoder:
        """Return a tiny encoder with a head for a task."""
        from textclf_core.testing.tiny import tiny_encoder

        return tiny_encoder(blocks=blocks, labels=tiny.task.label_names, kind=tiny.task.kind, seed=seed)

    def trained(self, tiny: TinyTask, seed: int = 0, again: bool = False) -> Trained:
        """Train on tiny data, with embeddings and first block frozen if the trainer takes an encoder.

        Args:
            tiny: the data.
            seed: the run's seed.
            again: whether to train anew even if the result is there.
        """
        key = tiny.task.kind, seed
        if again or key not in self._trained:
            self._trained[key] = self._train(tiny, seed)
        return self._trained[key]

    def _train(self, tiny: TinyTask, seed: int) -> Trained:
        from textclf_core.training.plan import TrainingPlan
        from textclf_core.types.progress import Progress

        encoder, before = None, {}
        if needs_of(self.cls).model != "none":
            encoder = self.encoder(tiny, seed)
            encoder = encoder.without_head() if needs_of(self.cls).model == "headless" else encoder
            encoder.freeze(embeddings=True, blocks=[0])
            if "textclf_freeze" in self.hooks:
                self.call("textclf_freeze", encoder=encoder)
            before = copies(encoder, encoder.frozen_names())
        recipe = self.plugin.instance
        seed_everything(seed)
        classifier = self.call(
            "textclf_train",
            encoder=encoder,
            data=tiny.data,
            task=tiny.task,
            seed=seed,
            data_seed=0,
            workspace=self.workspace(),
            progress=Progress(quiet=True),
            plan=TrainingPlan.plain(recipe) if isinstance(recipe, Recipe) else None,
        )
        return Trained(classifier, encoder, tiny, before)

    def classifier(self, tiny: TinyTask, seed: int = 0) -> EncoderClassifier:
        """Return a classifier with a tiny encoder, whose random weights make scores that differ from row to row."""
        from textclf_core.testing.tiny import tiny_encoder
        from textclf_core.training.encoder_classifier import EncoderClassifier

        wide, names, kind = {"initializer_range": 0.4}, tiny.task.label_names, tiny.task.kind
        encoder = tiny_encoder(blocks=1, labels=names, kind=kind, seed=seed, config=wide)
        return EncoderClassifier(encoder, tiny.task, Recipe())

    def saved_models(self) -> Iterator[SavedModel]:
        """Yield a saved model of each kind of task that the exporter, if it is one, doesn't refuse."""
        for kind in kinds():
            if kind not in self._saved:
                self._saved[kind] = self._save(tiny_task(kind))
            if (saved := self._saved[kind]) is not None:
                yield saved

    def _save(self, tiny: TinyTask) -> SavedModel | None:
        classifier, directory = self.classifier(tiny), self.folder() / "export"
        directory.mkdir()
        here = set(Path.cwd().iterdir())
        if "textclf_export" not in self.hooks:
            classifier.save(directory)
        else:
            try:
                self.call("textclf_export", classifier=classifier, task=tiny.task, directory=directory)
            except UsageError:
                return None
        new = (set(Path.cwd().iterdir()) - here) | (set(directory.parent.iterdir()) - {directory})
        beside = tuple(sorted(path.name for path in new))
        return SavedModel(tiny, classifier, self.classifier(tiny), directory, beside)

    def engine(self, classifier: Classifier, task: Task, directory: Path) -> Classifier | None:
        """Return the classifier that an engine computes; ``None`` if it refuses this one."""
        try:
            found: Classifier | None = self.call(
                "textclf_engine", classifier=classifier, task=task, directory=directory
            )
        except UsageError:
            return None
        return found

    def scores(self, classifier: Classifier, rows: Dataset) -> Any:
        """Return a classifier's scores of rows without their labels."""
        return self.method("scores", lambda: classifier.scores(rows.remove_columns("label")))


def kinds() -> tuple[Kind, ...]:
    """Return the kinds of task."""
    from typing import get_args

    from textclf_core.types.task import Kind

    return get_args(Kind)


def tiny_task(kind: Kind) -> TinyTask:
    """Return tiny data of a kind of task."""
    from textclf_core.data import prepare
    from textclf_core.testing.tiny import tiny_data, tiny_topics, tiny_words

    make = {"single-label": tiny_data, "multi-label": tiny_topics, "tokens": tiny_words}[kind]
    prepared = prepare(make(ROWS), 0)
    return TinyTask(prepared.task, prepared.data["train"], prepared.data["validation"])


def copies(encoder: Encoder, names: Any) -> dict[str, Any]:
    """Return copies of parameters by name."""
    return {name: encoder.model.get_parameter(name).detach().clone() for name in names}


def differing(encoder: Encoder, before: dict[str, Any]) -> list[str]:
    """Return the names of the parameters that differ from their copies."""
    import torch

    parameters = dict(encoder.model.named_parameters())
    return [
        name for name, value in before.items() if name not in parameters or not torch.equal(parameters[name], value)
    ]


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch, as the core does before it calls a hook that draws."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def flat(values: Any) -> Any:
    """Return scores or labels of any kind of task as one array; those of a token task are a list of arrays."""
    import numpy as np

    rows = values if isinstance(values, list) else [values]
    return cast("Any", np.concatenate([np.atleast_1d(row) for row in rows]))


def is_pickle(path: Path) -> bool:
    """Return whether a file is a pickle, or one with other files as ``torch.save`` writes it."""
    if zipfile.is_zipfile(path):
        return any(name.endswith(".pkl") for name in zipfile.ZipFile(path).namelist())
    content = path.read_bytes()
    return content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05" and content.endswith(b".")

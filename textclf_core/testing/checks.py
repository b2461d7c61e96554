"""A check of a whole plugin, for the tests of its author."""

from __future__ import annotations

import inspect
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from textclf_core.data import prepare
from textclf_core.errors import PluginError, RunError
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.plugins.calling import call
from textclf_core.plugins.hooks import faults_of_hooks, hooks_of, roles_of
from textclf_core.plugins.options import build_plugin, faults_of_options, options_of
from textclf_core.tasks.decisions import decisions_from
from textclf_core.testing.tiny import LABELS, tiny_data, tiny_encoder
from textclf_core.types.postprocessing import UNDECIDED, PostprocessingStep
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task


def check_plugin(cls: type, **options: object) -> None:
    """Check that a class is a plugin that textclf can list, build and use. One line makes a test of it.

    >>> def test_it_is_a_plugin() -> None:
    ...     check_plugin(FreezeEverySecond, first=1)

    Of every plugin: it would be loaded (its hooks and their arguments are those of this textclf, its needs fit them, it
    is a frozen dataclass whose fields are options of a type that can be set), it has a docstring (its help), each
    option has a help text, the given options are taken, and what the hooks that are called here give back is what a run
    takes. Of a dataset: its data can be used,
    every split tells where its rows came from, and the same data seed gives the same rows. Of a strategy: on a model of
    12 blocks it leaves the head training, in each of the phases that it plans for three epochs too. Of a postprocessor:
    it takes scores of two labels, gives probabilities and label ids, and does the same after it was saved and loaded.

    Args:
        cls: the plugin's class.
        options: values of its options, as ``build_plugin`` takes them. A dataset is loaded with them, twice.

    Raises:
        PluginError: with every fault of the class, or of what its hooks did.
        UsageError: an option is refused.
        DataError: the data set's data can't be used.
    """
    name = cls.__qualname__
    _refuse(name, _faults_of_class(cls))
    plugin = build_plugin(name, cls, options)
    roles = roles_of(hooks_of(cls))
    active = ActivePlugin(
        name=name,
        instance=plugin,
        roles=roles,
        distribution=cls.__module__,
        version=None,
        options={},
        set_by={},
        chosen_by="call",
    )
    checks = {
        "dataset": _faults_of_dataset,
        "strategy": _faults_of_strategy,
        "postprocessor": _faults_of_postprocessor,
    }
    for role, faults_of in checks.items():
        if role in roles:
            try:
                faults = faults_of(ActivePlugins([active]))
            except RunError as error:
                faults = [str(error)]
            _refuse(name, faults)


def _faults_of_class(cls: type) -> list[str]:
    faults = [*faults_of_hooks(cls), *faults_of_options(cls)]
    if faults:
        return faults
    docstring = inspect.getdoc(cls) or ""
    if not docstring or docstring.startswith(f"{cls.__name__}("):  # Python's own, for a dataclass that has none
        faults.append("it has no docstring, which is its help in `textclf plugins`.")
    faults += [
        f'its option {option.name!r} has no help; write Annotated[..., Option("...")] for its type.'
        for option in options_of(cls)
        if not option.help
    ]
    return faults


def _faults_of_dataset(plugins: ActivePlugins) -> list[str]:
    first, again = (call(plugins, "textclf_load_data", data_seed=0) for _ in range(2))
    prepare(first, 0)
    faults = [
        f"the split {name!r} doesn't say where its rows came from; set its info.description."
        for name, split in first.items()
        if not split.info.description
    ]
    faults += [
        f"the split {name!r} had other rows when it was loaded again with the same data_seed."
        for name, split in first.items()
        if name not in again or split[:] != again[name][:]
    ]
    return faults


def _faults_of_strategy(plugins: ActivePlugins) -> list[str]:
    encoder = tiny_encoder(blocks=12, hidden=16)
    call(plugins, "textclf_freeze", encoder=encoder)
    if not any(encoder.part_of(name) == "head" for name in encoder.trainable_names()):
        return ["it froze the head, which starts at random and must train."]
    phases = call(plugins, "textclf_plan", optional=True, encoder=encoder, recipe=Recipe(epochs=3)) or ()
    return [
        f"phase {number} of its plan freezes the head, which starts at random and must train."
        for number, phase in enumerate(phases, start=1)
        if not any(encoder.part_of(name) == "head" for name in {*encoder.trainable_names()} - {*phase.freeze})
    ]


def _faults_of_postprocessor(plugins: ActivePlugins) -> list[str]:
    task = Task(label_names=LABELS)
    validation = tiny_data(128)["validation"]
    likely = np.random.default_rng(0).uniform(0.05, 0.95, size=len(validation)).astype(np.float32)
    scores = np.stack([1 - likely, likely], axis=1)
    [given] = call(plugins, "textclf_postprocess", scores=scores, validation=validation, task=task) or [None]
    if given is None:
        return []
    decisions = decisions_from(scores, [PostprocessingStep("", given)], task)
    rescored, labels = np.asarray(decisions.scores), np.asarray(decisions.labels)
    faults = []
    if rescored.shape != scores.shape or not np.allclose(rescored.sum(axis=1), 1, atol=1e-5):
        faults.append("rescore gave something else than probabilities, (rows, labels).")
    allowed = {*range(task.num_labels), *([UNDECIDED] if given.abstains else [])}
    if labels.shape != (len(scores),) or not set(labels.tolist()) <= allowed:
        faults.append("decide gave something else than a label id for each row (-1 only where abstains is true).")
    with TemporaryDirectory() as folder:
        given.save(Path(folder))
        loaded = call(plugins, "textclf_load_postprocessing", optional=True, directory=Path(folder), task=task)
    if loaded is None:
        return [*faults, "it has no textclf_load_postprocessing, so `textclf predict` can't do what it does."]
    again = decisions_from(scores, [PostprocessingStep("", loaded)], task)
    if not (np.array_equal(again.scores, rescored) and np.array_equal(again.labels, labels)):
        faults.append("saved and loaded, it gives other scores or labels.")
    return faults


def _refuse(name: str, faults: list[str]) -> None:
    if faults:
        raise PluginError(f"{name} isn't a plugin as it should be:" + "".join(f"\n  - {fault}" for fault in faults))

"""The hooks, in the order in which a run calls them. This page is all that a plugin's author needs.

A plugin is a frozen dataclass with a name (its entry point in the group ``textclf``), options (its fields) and
one or more of the hooks below, each marked with :data:`hookimpl`::

    from dataclasses import dataclass
    from typing import Annotated

    from textclf_core import Encoder, Option, hookimpl

    @dataclass(frozen=True, kw_only=True)
    class FreezeFirstN:
        '''Freeze the embeddings and the first N encoder blocks.'''

        n: Annotated[int, Option("Encoder blocks to freeze, counted from the input.", ge=0)] = 10

        @hookimpl
        def textclf_freeze(self, encoder: Encoder) -> None:
            encoder.freeze(embeddings=True, blocks=range(self.n))

An implementation takes just the arguments that it needs, by name. Arguments are only ever added, so a plugin
written today goes on working. "First result" means that plugins are asked in the order in which the user wrote
them, and the first answer that isn't ``None`` is taken; "each in order" means that all of them are called.
What a plugin does is its role, derived from its hooks (:data:`ROLE_OF_HOOK`); a plugin may have several.

Tell the user things through ``logging.getLogger("textclf")``: what is logged at level INFO or above is shown and is
kept in the record's notes. Raise :class:`~textclf_core.errors.DataError` or
:class:`~textclf_core.errors.RunError` with a sentence that says what was wrong, where, and what to do.

Helpers that the built-in plugins use are there for yours: ``textclf_core.hub.hub_dataset``,
``textclf_core.hub.cached_dataset`` and ``textclf_core.hub.why_unreachable`` get data sets from the model hub, or say at
once why they can't; ``textclf_core.data.iter_rows`` reads CSV, TSV, JSON lines, text and Parquet, with errors that name
the line; and in your tests :func:`textclf_core.testing.check_plugin` tries the whole plugin.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:  # these take seconds to import, and `textclf plugins` answers in less than one
    import numpy as np
    from datasets import DatasetDict
    from numpy.typing import NDArray

    from textclf_core.classifier import Classifier
    from textclf_core.encoder import Encoder
    from textclf_core.progress import Progress
    from textclf_core.recipe import Recipe
    from textclf_core.task import Task
    from textclf_core.training.cells import TrainedCell, TrainingCell
    from textclf_core.workspace import Workspace

PROJECT = "textclf"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

ROLE_OF_HOOK = {
    "textclf_load_data": "dataset",
    "textclf_build_model": "model",
    "textclf_freeze": "strategy",
    "textclf_train": "trainer",
    "textclf_compute_metrics": "metric",
}
"""The role that each hook gives to the plugin that implements it."""

EXCLUSIVE_ROLES = ("dataset", "model", "trainer")
"""The roles of which a run has exactly one plugin."""


@hookspec(firstresult=True)
def textclf_load_data(data_seed: int) -> DatasetDict | None:
    """Load the labelled texts. Role: dataset. First result.

    Called once, first of all, before any model is loaded.

    Args:
        data_seed: decides what a data set may choose at random (a sample, a carved split). It is one for a whole
            comparison and independent of the run's seed.

    Returns:
        A ``DatasetDict`` with ``train`` and, where the data have them, ``validation`` and ``test``. Columns:
        ``text`` (string) and ``label`` (``ClassLabel``, whose names become the model's); or ``tokens`` (a list of
        strings, the words) and ``label`` (a list of ``ClassLabel``, one a word). Other columns are carried along. A
        missing validation or test split is carved from train by the core, which says so. Set ``info.description`` of
        each split to say where the rows came from: the record keeps it.

    Raises:
        DataError: the rows can't be had or aren't what they should be.
    """


@hookspec
def textclf_why_not(task: Task) -> str | None:
    """Say why this plugin can't do with a task. Each in order.

    Called after the data are checked, before a model is built; a plugin that can do with every task needs none. A
    metric that nobody chose is left out then, and so, with a note, is a yardstick of a comparison; else the run ends.

    Args:
        task: its kind is ``single-label``, or ``tokens`` where each word has a label.

    Returns:
        A reason, such as ``"it labels whole texts, and here each word has a label"``; ``None`` if it can.
    """


@hookspec(firstresult=True)
def textclf_build_model(task: Task, seed: int) -> Encoder | None:
    """Build the encoder with a fresh classification head. Role: model. First result.

    Called after the data are checked, if the trainer asks for ``encoder``. The core has seeded Python, NumPy
    and torch with ``seed`` just before, so a head initialised here depends on the seed alone.

    Args:
        task: gives the number and the names of the labels.
        seed: the run's seed.

    Returns:
        An ``Encoder`` around the model (with ``id2label`` set from the task) and its tokenizer. The model's head is
        what ``textclf_core.encoder.heads.model_class(task)`` of transformers puts on a body.
    """


@hookspec
def textclf_freeze(encoder: Encoder) -> None:
    """Say which parameters train. Role: strategy. Each in order.

    Every parameter trains when the first strategy is called. Call ``encoder.freeze(...)``; strategies only add to
    what is frozen, so their order doesn't matter unless one asks ``encoder`` what is frozen already.

    Args:
        encoder: the model and its tokenizer; ``encoder.num_blocks`` says how many blocks there are.
    """


@hookspec(firstresult=True)
def textclf_train(
    encoder: Encoder,
    data: DatasetDict,
    task: Task,
    recipe: Recipe,
    seed: int,
    workspace: Workspace,
    progress: Progress,
) -> Classifier | None:
    """Train, and return the classifier. Role: trainer. First result.

    A trainer that doesn't name ``encoder`` gets no model, and a model or strategy chosen beside it is refused.

    Args:
        encoder: the model and its tokenizer, with its strategy's parameters frozen.
        data: ``train`` and ``validation``, checked. There is no test split here: choices are made on validation.
        task: the labels.
        recipe: the trainer's own options, where its dataclass inherits from ``Recipe``.
        seed: decides the order of the examples and the dropout; the core has seeded the generators with it.
        workspace: where to write, and on which device to compute.
        progress: shows long work as a bar on a terminal, as plain lines in a log, and counts what was done.

    Returns:
        A ``Classifier``.

    Raises:
        RunError: training can't go on (a loss that isn't finite).
    """


@hookspec(firstresult=True)
def textclf_train_many(
    encoder: Encoder, data: DatasetDict, task: Task, cells: Sequence[TrainingCell], progress: Progress
) -> Sequence[TrainedCell] | None:
    """Train several cells of a comparison together, where that is faster. First result.

    A trainer may implement it beside ``textclf_train``. Called with cells that differ in nothing but their seeds and
    the recipe's options, if the whole encoder is frozen; each cell's result must be what ``textclf_train`` would give.

    Args:
        encoder: the model and its tokenizer, frozen; its trainable parameters are to be set from each cell's.
        data: ``train`` and ``validation``, as for ``textclf_train``.
        task: the labels.
        cells: each with its recipe, seed, trainable parameters and workspace.
        progress: shows long work.

    Returns:
        What came of each cell, in their order; ``None`` if they have to be trained one by one.
    """


@hookspec(firstresult=True)
def textclf_load_classifier(directory: Path, task: Task, workspace: Workspace) -> Classifier | None:
    """Load a classifier that this trainer's ``Classifier.save(directory)`` wrote. First result.

    Called by ``textclf predict`` on the one plugin that the artifact's ``classifier.json`` names. A trainer
    implements it beside ``textclf_train``.

    Args:
        directory: where the classifier was saved.
        task: the labels, as they were when it was trained.
        workspace: says on which device to compute; its ``directory`` is the run's.

    Returns:
        The ``Classifier``, with the scores that it had before it was saved.
    """


@hookspec
def textclf_compute_metrics(
    references: NDArray[np.int64],
    predictions: NDArray[np.int64],
    scores: NDArray[np.float32],
    task: Task,
) -> dict[str, float]:
    """Score predictions. Role: metric. Each in order; their results are merged, and one name from two is an error.

    Args:
        references: the true label ids, int64, shape (examples,). In a task of tokens, a list of such arrays instead,
            one an example, shape (words,).
        predictions: the predicted label ids, int64, shape (examples,); or a list, as above.
        scores: probabilities, float32, shape (examples, labels); rows sum to 1. Or a list of arrays, (words, labels).
        task: the label names.

    Returns:
        Numbers by name, such as ``{"f1": 0.81}``. Where a number can't be had (no positive example), ``nan``.
    """

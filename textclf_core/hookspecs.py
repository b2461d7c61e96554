"""The hooks, in the order in which a run calls them.

A plugin is a frozen dataclass with a name (its entry point in the group ``textclf``), options (its fields) and one or
more of the hooks below, each marked with :data:`hookimpl`. The guide's page "Write a plugin" has one, and what helps.

An implementation takes just the arguments that it needs, by name. Arguments are only ever added, so a plugin
written today goes on working. "First result" means that plugins are asked in the order in which the user wrote
them, and the first answer that isn't ``None`` is taken; "each in order" means that all of them are called.
``@hookimpl(tryfirst=True)`` and ``trylast=True`` change that order, and ``specname`` the method's name; wrappers are
refused, since each plugin is called by itself. What a plugin does is its role, derived from its hooks
(:data:`ROLE_OF_HOOK`); a plugin may have several.

What is logged to ``logging.getLogger("textclf")`` at level INFO or above is shown and is kept in the record's notes.
Raise :class:`~textclf_core.errors.DataError` or :class:`~textclf_core.errors.RunError` with a sentence that says what
was wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:  # these take seconds to import, and `textclf plugins` answers in less than one
    import numpy as np
    from datasets import Dataset, DatasetDict
    from numpy.typing import NDArray

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.encoder.training_cells import TrainedCell, TrainingCell
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.phases import Change, FinishedEpoch, ParameterGroup, Phase
    from textclf_core.types.postprocessing import Postprocessing
    from textclf_core.types.progress import Progress
    from textclf_core.types.recipe import Recipe
    from textclf_core.types.record import Fact, RunRecord
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace

PROJECT = "textclf"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

ROLE_OF_HOOK = {
    "textclf_load_data": "dataset",
    "textclf_build_model": "model",
    "textclf_adapt": "strategy",
    "textclf_freeze": "strategy",
    "textclf_plan": "strategy",
    "textclf_parameter_groups": "strategy",
    "textclf_interval_finished": "strategy",
    "textclf_epoch_finished": "strategy",
    "textclf_train": "trainer",
    "textclf_postprocess": "postprocessor",
    "textclf_compute_metrics": "metric",
    "textclf_run_finished": "observer",
}
"""The role that each hook gives to the plugin that implements it."""

PLAN_HOOKS = ("textclf_plan", "textclf_parameter_groups", "textclf_interval_finished", "textclf_epoch_finished")
"""The hooks through which a strategy plans training, if the trainer needs ``phases``."""

EXCLUSIVE_ROLES = ("dataset", "model", "trainer")
"""The roles of which a run has exactly one plugin."""


@hookspec(firstresult=True)
def textclf_load_data(data_seed: int) -> DatasetDict | None:
    """Load the labelled texts. Role: dataset. First result.

    Called once, first of all, before any model is loaded.

    Args:
        data_seed: decides what a data set draws at random (a sample, a held-out split); one for a whole comparison.

    Returns:
        A ``DatasetDict`` with ``train`` and, where the data have them, ``validation`` and ``test``. Columns:
        ``text`` (string), or several columns of the feature ``textclf_core.data.TEXT``, read in their order; and
        ``label`` (``ClassLabel``, whose names become the model's, or a list of it where a text may have several
        labels); or ``tokens`` (a list of strings, the words) and ``label`` (a list of ``ClassLabel``, one a word).
        Other columns are carried along. The core holds out a missing split from train, and says so. In
        ``info.description`` each split says where its rows came from: the record keeps it.

    Raises:
        DataError: the rows can't be had or aren't what they should be.
    """


@hookspec
def textclf_check_task(task: Task) -> str | None:
    """Say why this plugin does not support a task. Each in order.

    Called after the data are checked, before a model is built; a plugin that can do with every task needs none. A
    metric that nobody chose is left out then, and so, with a note, is a baseline of a comparison; else the run ends.

    Args:
        task: its kind is ``single-label``, ``multi-label`` (several labels a text) or ``tokens`` (a label a word).

    Returns:
        A reason, such as ``"it labels whole texts, and here each word has a label"``; ``None`` if it can.
    """


@hookspec(firstresult=True)
def textclf_build_model(task: Task, seed: int) -> Encoder | None:
    """Build the encoder with a fresh classification head. Role: model. First result.

    Called after the data are checked, if the trainer needs a model. The core has seeded Python, NumPy
    and torch with ``seed`` just before, so a head initialised here depends on the seed alone.

    Args:
        task: gives the number and the names of the labels.
        seed: the run's seed.

    Returns:
        An ``Encoder`` around the model (with ``id2label`` set from the task) and its tokenizer. The model's head is
        what ``textclf_core.encoder.heads.model_class(task)`` of transformers puts on a body.
    """


@hookspec
def textclf_adapt(
    encoder: Encoder, data: DatasetDict, task: Task, seed: int, workspace: Workspace, progress: Progress
) -> dict[str, Fact] | None:
    """Change modules or weights before training on labels. Role: strategy. Each in order.

    Called once a run, after the model is built and before anything is frozen. The core has seeded Python, NumPy and
    torch with ``seed`` just before each, so what a plugin draws doesn't depend on those before it. Leave every
    parameter training. What takes long and is alike for several runs belongs into ``workspace.reuse``; where
    ``workspace.pilot`` is set, do a few steps and tell ``workspace.meter.skip`` what the others would take.

    Args:
        encoder: the model and its tokenizer. Modules inside its blocks may be replaced by others;
            ``encoder.with_head("masked-lm")`` is another head on the same body.
        data: ``train`` and ``validation``, checked.
        task: the labels, and the columns that hold the text.
        seed: the run's seed.
        workspace: where to write, on which device to compute, what runs share.
        progress: shows long work.

    Returns:
        What the record is to say of it, by name; or ``None``.

    Raises:
        UsageError: the model can't be adapted so.
    """


@hookspec
def textclf_freeze(encoder: Encoder) -> None:
    """Say which parameters train. Role: strategy. Each in order.

    Every parameter trains when the first strategy is called. Call ``encoder.freeze(...)``; strategies only add to
    what is frozen, so their order doesn't matter unless one asks ``encoder`` what is frozen already; one that must see
    what all the others froze is marked ``@hookimpl(trylast=True)``.

    A comparison also calls it on an encoder that nobody adapted, to find out beforehand how many blocks a contender
    leaves frozen: freeze the same blocks there.

    Args:
        encoder: the model and its tokenizer; ``encoder.num_blocks`` says how many blocks there are.
    """


@hookspec(firstresult=True)
def textclf_plan(encoder: Encoder, recipe: Recipe) -> Sequence[Phase] | None:
    """Divide training into phases, each with what it freezes. Role: strategy. First result.

    Called once, after ``textclf_freeze``, if the trainer needs ``phases``. Without an answer there is one phase: the
    recipe's epochs, with what the strategies froze. Two plugins that implement it are refused in one run.

    Args:
        encoder: the model, with its strategies' parameters frozen; they stay frozen in every phase.
        recipe: the trainer's options; a phase without a learning rate of its own takes the recipe's.

    Returns:
        The phases in their order. At each, the trainer freezes what it names, thaws what it doesn't name, takes the
        parameter groups anew, and keeps the optimizer's state of what still trains. Every frozen parameter is hashed
        before and after the phase.

    Raises:
        UsageError: the strategy can't be had on this encoder, or beside what is frozen.
    """


@hookspec(firstresult=True)
def textclf_parameter_groups(encoder: Encoder, recipe: Recipe) -> Sequence[ParameterGroup] | None:
    """Give parameters learning rates of their own, by depth for example. Role: strategy. First result.

    Called as each phase begins, if the trainer needs ``phases``. Two plugins that implement it are refused in one run.

    Args:
        encoder: with what the phase freezes frozen; ``encoder.depth_of`` is a parameter's distance from the input.
        recipe: the trainer's options.

    Returns:
        Groups that share no parameter; those in none train at the phase's own rate. Naming a frozen one does nothing.

    Raises:
        UsageError: the strategy can't be had on this encoder.
    """


@hookspec(firstresult=True)
def textclf_train(
    encoder: Encoder,
    data: DatasetDict,
    task: Task,
    seed: int,
    data_seed: int,
    workspace: Workspace,
    progress: Progress,
    plan: Plan,
) -> Classifier | None:
    """Train, and return the classifier. Role: trainer. First result.

    What a trainer needs it says in its class, ``needs: ClassVar[Needs] = Needs(model="whole", phases=True)``; see
    :class:`~textclf_core.types.needs.Needs`. Epochs, batch size and learning rate are its own options: its dataclass
    inherits from ``Recipe``. One that implements ``textclf_freeze`` too says itself what trains: another strategy
    beside it is refused, unless all that it does is to adapt the model.

    Args:
        encoder: the model and its tokenizer, with its strategy's parameters frozen; without its classification head
            where the trainer needs a ``"headless"`` model, because it brings a head of its own.
        data: ``train`` and ``validation``, checked. There is no test split here: choices are made on validation.
        task: the labels.
        seed: decides the order of the examples and the dropout; the core has seeded the generators with it.
        data_seed: decides which examples a trainer takes that takes some of train alone; one for a whole comparison.
        workspace: where to write, and on which device to compute.
        progress: shows long work as a bar on a terminal, as plain lines in a log, and counts what was done.
        plan: the phases, learning rates and decisions of the plugins that have a say in them, for a trainer that
            needs ``phases``. Beside another, such plugins are refused.

    Returns:
        A ``Classifier``.

    Raises:
        RunError: training can't go on (a loss that isn't finite).
    """


@hookspec
def textclf_interval_finished(encoder: Encoder, gradient_norms: Sequence[Mapping[int, float]]) -> Sequence[str] | None:
    """Say what doesn't train any more, from the next step on. Role: strategy. Each in order; their answers are joined.

    Called after each interval of an epoch but the run's last, if the trainer needs ``phases``: ``Phase.intervals``
    says how many an epoch has, one if nobody sets it. A phase ends where more is frozen. After an epoch's last
    interval it is called before ``textclf_epoch_finished``.

    Args:
        encoder: the model, with what the phase freezes frozen.
        gradient_norms: of each interval so far, the last of them just finished: for each block that trained in it, by
            its depth (1+k for block k), the 1-norm of the sum of the steps' gradients. A run that is resumed gives them
            again, so that a plugin needs no memory of its own. Measured only if a plugin needs ``gradient_norms``.

    Returns:
        Names of parameters, which stay frozen for good; ``None`` for nothing.
    """


@hookspec
def textclf_epoch_finished(encoder: Encoder, epochs: Sequence[FinishedEpoch]) -> Change | None:
    """Say what is different from the next epoch on. Role: strategy. Each in order; their answers are joined.

    Called after each epoch but the last: after its validation and before its checkpoint, if the trainer needs
    ``phases``.

    Args:
        encoder: the model, with what the phase freezes frozen.
        epochs: all so far, the last just finished. A resumed run gives them again, so a plugin needs no memory.

    Returns:
        A ``Change``: an end of training, more to freeze. ``None`` for nothing.
    """


@hookspec(firstresult=True)
def textclf_train_many(
    encoder: Encoder, data: DatasetDict, task: Task, cells: Sequence[TrainingCell], progress: Progress
) -> Sequence[TrainedCell] | None:
    """Train several cells of a comparison jointly, where that is faster. First result.

    A trainer may implement it beside ``textclf_train``. Called with cells that differ in nothing but their seeds and
    the recipe's options, if the whole encoder is frozen and no plugin plans training; each cell's
    result must be what ``textclf_train`` would give.

    Args:
        encoder: the model and its tokenizer, frozen; its trainable parameters are to be set from each cell's.
        data: ``train`` and ``validation``, as for ``textclf_train``.
        task: the labels.
        cells: each with its recipe, seed, trainable parameters and workspace.
        progress: shows long work.

    Returns:
        What came of each cell, in their order; ``None`` if they have to be trained one by one.
    """


@hookspec
def textclf_training_finished(encoder: Encoder, workspace: Workspace) -> None:
    """Take out of the model what was there for training alone. Each in order.

    Called when training is over and what it updated is proved, before the classifier is saved and scored: what is saved
    must load as a plain model of its family. A plugin that put modules in by ``textclf_adapt`` merges them here.

    Args:
        encoder: the trained model; the classifier holds the same.
        workspace: where to write; what lies in its ``directory`` stays with the run.
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
def textclf_postprocess(scores: NDArray[np.float32], validation: Dataset, task: Task) -> Postprocessing | None:
    """Fit on validation what is to be done with a classifier's scores. Role: postprocessor. Each in order.

    Called after training, each with the scores that those before it leave; it takes every trainer's classifier, and is
    saved with it. Before training it is called once with invented scores, so that what it refuses shows early.

    Args:
        scores: the classifier's probabilities for the rows of validation, float32, shape (rows, labels).
        validation: the rows; ``validation["label"]`` are their label ids, or lists of these in a multi-label task.
        task: the labels.

    Returns:
        A ``Postprocessing``: other scores, another choice of the label, or both. ``None`` if nothing is to be done.

    Raises:
        UsageError: it does not support this task.
    """


@hookspec(firstresult=True)
def textclf_load_postprocessing(directory: Path, task: Task) -> Postprocessing | None:
    """Load what this plugin's ``Postprocessing.save(directory)`` wrote. First result.

    Called by ``textclf predict`` on each postprocessor that the artifact's ``classifier.json`` names. A postprocessor
    implements it beside ``textclf_postprocess``.

    Args:
        directory: where it was saved.
        task: the labels, as they were when it was fitted.

    Returns:
        The ``Postprocessing``, which does what it did before it was saved.
    """


@hookspec
def textclf_compute_metrics(
    references: NDArray[np.int64], predictions: NDArray[np.int64], scores: NDArray[np.float32], task: Task
) -> dict[str, float]:
    """Score predictions. Role: metric. Each in order; their results are merged, and one name from two is an error.

    Args:
        references: the true label ids, int64, shape (examples,). In a multi-label task, 1 where an example has a label
            and 0 where not, (examples, labels); in one of tokens, a list of arrays, one an example, shape (words,).
        predictions: the predicted label ids, int64, in the shape of the references. Rows that a classifier
            leaves unanswered are in none of the three arrays; the core tells their share as ``coverage``.
        scores: probabilities, float32, shape (examples, labels); rows sum to 1 unless labels may be several. Or a list
            of arrays, (words, labels).
        task: the label names.

    Returns:
        Numbers by name, such as ``{"f1": 0.81}``. Where a number can't be had (no positive example), ``nan``.
    """


@hookspec
def textclf_run_finished(record: RunRecord, directory: Path) -> None:
    """Tell a tracker of a run that is done. Role: observer. Each in order.

    Called last, when everything else of the run is written. An observer changes nothing of the run: it gets copies,
    what it raises stands in the record's notes, and a comparison doesn't run a finished cell again because of it.

    Args:
        record: what was asked, what was done, what came out.
        directory: a copy of the run's without ``checkpoints``, to read from (``history.jsonl``). It goes when the hook
            returns, so keep no path in it; the run itself will be ``directory.with_name(record.id)``.
    """

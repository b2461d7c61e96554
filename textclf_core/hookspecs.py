"""The hooks, in the order in which a run calls them.

A plugin is a frozen dataclass with a name (its entry point in the group ``textclf``), options (its fields) and one or
more of the hooks below, each marked with :data:`hookimpl`. The guide's page "Write a plugin" shows a complete example.

An implementation takes only the arguments that it needs, by name. Later versions only ever add arguments, so plugins
written today continue to work. "First result" means that plugins are called in the order in which the user wrote
them, and the first result that isn't ``None`` is used; "each in order" means that all of them are called.
``@hookimpl(tryfirst=True)`` and ``trylast=True`` change that order, and ``specname`` allows another method name.
Wrappers are refused, since each plugin is called separately. A plugin's roles are derived from its hooks
(:data:`ROLE_OF_HOOK`); it may have several.

What is logged to ``logging.getLogger("textclf")`` at level INFO or above is shown and added to the record's notes.
Raise :class:`~textclf_core.errors.DataError` or :class:`~textclf_core.errors.RunError` with a message that says what
was wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:  # these take seconds to import, and `textclf plugins` answers in less than one
    import numpy as np
    from datasets import Dataset, DatasetDict
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.optim import Optimizer

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.encoder.training_cells import TrainedCell, TrainingCell
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.execution import CellQueue
    from textclf_core.types.metric import MetricInfo
    from textclf_core.types.needs import NeededModel
    from textclf_core.types.phases import Change, FinishedEpoch, ParameterGroup, Phase
    from textclf_core.types.postprocessing import Postprocessing
    from textclf_core.types.progress import Progress
    from textclf_core.types.recipe import Recipe
    from textclf_core.types.record import Fact, FinishedComparison, RunRecord, StartedRun
    from textclf_core.types.report import ReportColumn, ReportCost, ReportPlot, ReportSection
    from textclf_core.types.task import Task
    from textclf_core.types.training_step import TrainingStep
    from textclf_core.types.workspace import Workspace

API = 1
"""The number of the plugin API; it grows if a hook, an argument or a member of a public type is removed."""

PROJECT = "textclf"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

ROLE_OF_HOOK = {
    "textclf_load_data": "dataset",
    "textclf_build_model": "model",
    "textclf_load_model": "model",
    "textclf_adapt": "strategy",
    "textclf_freeze": "strategy",
    "textclf_plan": "strategy",
    "textclf_parameter_groups": "strategy",
    "textclf_interval_finished": "strategy",
    "textclf_epoch_finished": "strategy",
    "textclf_training_rows": "strategy",
    "textclf_loss": "strategy",
    "textclf_gradient": "strategy",
    "textclf_optimizer": "strategy",
    "textclf_schedule": "strategy",
    "textclf_train": "trainer",
    "textclf_postprocess": "postprocessor",
    "textclf_compute_metrics": "metric",
    "textclf_run_started": "observer",
    "textclf_step_logged": "observer",
    "textclf_epoch_logged": "observer",
    "textclf_run_finished": "observer",
    "textclf_run_failed": "observer",
    "textclf_comparison_finished": "observer",
    "textclf_report": "reporter",
    "textclf_export": "exporter",
    "textclf_engine": "engine",
    "textclf_execute": "executor",
}
"""The role that each hook gives to the plugin that implements it; a trainer's own :data:`SEAM_HOOKS` give it none."""

PLAN_HOOKS = ("textclf_plan", "textclf_parameter_groups", "textclf_interval_finished", "textclf_epoch_finished")
"""The hooks by which a strategy plans training; they are called if the trainer needs ``phases``."""

SEAM_HOOKS = ("textclf_training_rows", "textclf_loss", "textclf_gradient", "textclf_optimizer", "textclf_schedule")
"""The hooks by which a strategy replaces a part of the training steps; they are called if the trainer's ``needs`` has
the name in ``seams`` (``loss`` for ``textclf_loss``). Cells of a comparison with such a plugin are trained one by
one."""

EXCLUSIVE_ROLES = ("dataset", "model", "trainer")
"""The roles of which a run has exactly one plugin."""

SAVED_MODEL_ROLES = ("exporter", "engine")
"""The roles of plugins that work on the saved model of a finished run; no run calls them."""
COMPARISON_ROLES = ("executor",)
"""The roles that no run has: a comparison as a whole does."""


@hookspec
def textclf_check_options(model_needed: NeededModel) -> None:
    """Check what the options refer to (files, packages), as far as that needs neither data nor a task. Each in order.

    Called before all other hooks; in a comparison, for every contender with unfinished cells, before anything is
    trained. It should take seconds at most. A plugin whose options are checked by their annotations alone needs no such
    hook.

    Args:
        model_needed: what the run's trainer gets: the ``"whole"`` model, a ``"headless"`` one because it brings its own
            head, or ``"none"``.

    Raises:
        UsageError: the plugin can't be used with these options, or they would have no effect; the faults of all plugins
            are shown at once.
    """


@hookspec(firstresult=True)
def textclf_load_data(data_seed: int) -> DatasetDict | None:
    """Load the labelled texts. Role: dataset. First result.

    Called once, when the plugins have checked their options.

    Args:
        data_seed: the seed for samples and held-out splits; all runs of a comparison have the same.

    Returns:
        A ``DatasetDict`` with ``train`` and, if the data have them, ``validation`` and ``test``. Columns: ``text``
        (string), or several columns of the feature ``textclf_core.data.TEXT``, which are read in their order; and
        ``label``: a ``ClassLabel``, whose names become the model's labels, or a list of ``ClassLabel`` if a text may
        have several labels; for a label of which it is unknown whether the text has it, the list has
        ``textclf_core.types.indicators.unknown_id(label)``. For a token task: ``tokens`` (a list of strings, the words)
        and ``label`` (a list of ``ClassLabel``, one per word; -100 for a word without a label). Other columns are kept.
        The core holds out a missing split from train and logs it; it keeps the groups of a column on one side, and the
        latest rows for test, if ``textclf_core.data.mark_columns`` has marked a column for that. ``info.description``
        of a split says where its rows come from, and is recorded; without one, the plugin with its options is.

    Raises:
        DataError: the rows can't be loaded or are invalid.
    """


@hookspec
def textclf_check_task(task: Task) -> str | None:
    """Return the reason why this plugin does not support a task, or None. Each in order.

    Called after the data are checked and before a model is built; a plugin that supports every task needs no such
    hook. A metric that the user didn't choose is dropped then, a comparison's baseline is dropped and logged, and for
    any other plugin the run ends with an error.

    Args:
        task: its kind is ``single-label``, ``multi-label`` (several labels per text) or ``tokens`` (a label per word).

    Returns:
        The reason, such as ``"it labels whole texts, and here each word has a label"``; ``None`` if it supports it.
    """


@hookspec(firstresult=True)
def textclf_build_model(task: Task, seed: int) -> Encoder | None:
    """Build the encoder with a fresh classification head. Role: model. First result.

    Called after the data are checked, if the trainer needs a model. The core seeds Python, NumPy and torch with
    ``seed`` just before, so a head initialised here depends only on the seed.

    Args:
        task: gives the number and the names of the labels.
        seed: the run's seed.

    Returns:
        An ``Encoder`` with the model (``id2label`` set from the task) and its tokenizer. Without
        ``textclf_load_model``, the model has the head that the transformers class
        ``textclf_core.encoder.heads.model_class(task)`` adds, so that it can be loaded as a plain model of its family.
    """


@hookspec(firstresult=True)
def textclf_load_model(directory: Path, task: Task) -> Encoder | None:
    """Load a model that this plugin built and a trainer saved. Role: model. First result.

    A plugin that builds a model with modules that transformers doesn't know implements it in addition to
    ``textclf_build_model``. Called in each run to check the saved model, and by ``textclf predict``, before
    ``textclf_load_classifier`` of a trainer that takes the argument ``encoder``. The plugin has the options of the run
    that must be given, and no others: what else it needs to know belongs into the model's configuration.

    Args:
        directory: the folder that ``save_pretrained`` of model and tokenizer wrote.
        task: the labels that it was trained with.

    Returns:
        An ``Encoder`` on the CPU with the saved parameters; ``None`` if the model can be loaded as a plain model of
        its family. :func:`textclf_core.load_saved` loads a class of yours, and checks that all
        parameters match.

    Raises:
        UsageError: the parameters don't match.
    """


@hookspec
def textclf_adapt(
    encoder: Encoder, data: DatasetDict, task: Task, seed: int, workspace: Workspace, progress: Progress
) -> dict[str, Fact] | None:
    """Change modules or weights before training on labels. Role: strategy. Each in order.

    Called once per run, after the model is built and before anything is frozen. The core seeds Python, NumPy and torch
    with ``seed`` before each plugin, so a plugin's random numbers don't depend on those before it. Leave every
    parameter trainable. Wrap work that takes long and is the same for several runs in ``workspace.reuse``. If
    ``workspace.pilot`` is set, do a few steps and pass the estimated seconds of the others to ``workspace.meter.skip``.

    Args:
        encoder: the model and its tokenizer. Modules inside its blocks may be replaced by others;
            ``encoder.with_head("masked-lm")`` returns the same body with another head.
        data: ``train`` and ``validation``, checked.
        task: the labels, and the columns that hold the text.
        seed: the run's seed.
        workspace: the run's directory, device and cache.
        progress: shows the progress of long work.

    Returns:
        Values to add to the record, by name; or ``None``.

    Raises:
        UsageError: the model can't be adapted in this way.
    """


@hookspec
def textclf_freeze(encoder: Encoder) -> None:
    """Freeze parameters. Role: strategy. Each in order.

    All parameters are trainable when the first strategy is called. Call ``encoder.freeze(...)``. Strategies only freeze
    more, so their order doesn't matter unless one reads what is frozen already; mark a strategy that must see what all
    others froze with ``@hookimpl(trylast=True)``.

    A comparison also calls it on an encoder that hasn't been adapted, to find out beforehand how many blocks a
    contender freezes: freeze the same blocks there.

    Args:
        encoder: the model and its tokenizer; ``encoder.num_blocks`` is the number of blocks.
    """


@hookspec(firstresult=True)
def textclf_plan(encoder: Encoder, recipe: Recipe) -> Sequence[Phase] | None:
    """Divide training into phases that freeze different parameters. Role: strategy. First result.

    Called once, after ``textclf_freeze``, if the trainer needs ``phases``. Without a result there is one phase: the
    recipe's epochs, with what the strategies froze. A run with two plugins that implement this hook is refused.

    Args:
        encoder: the model; what the strategies froze stays frozen in every phase.
        recipe: the trainer's options; a phase without its own learning rate uses the recipe's.

    Returns:
        The phases in order. At the start of each, the trainer freezes the parameters that the phase names, unfreezes
        the others, requests the parameter groups again, and keeps the optimizer state of what still trains. Every
        frozen parameter is hashed before and after the phase.

    Raises:
        UsageError: the strategy doesn't work with this encoder, or with what is frozen already.
    """


@hookspec(firstresult=True)
def textclf_parameter_groups(encoder: Encoder, recipe: Recipe) -> Sequence[ParameterGroup] | None:
    """Give groups of parameters their own learning rates, for example by depth. Role: strategy. First result.

    Called at the start of each phase, if the trainer needs ``phases``. A run with two plugins that implement this hook
    is refused.

    Args:
        encoder: the model, frozen as in this phase; ``encoder.depth_of`` is a parameter's distance from the input.
        recipe: the trainer's options.

    Returns:
        Disjoint groups; parameters in no group train at the phase's learning rate. Frozen parameters in a group are
        ignored.

    Raises:
        UsageError: the strategy doesn't work with this encoder.
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

    A trainer declares its needs in its class, ``needs: ClassVar[Needs] = Needs(model="whole", phases=True)``; see
    :class:`~textclf_core.types.needs.Needs`. Epochs, batch size and learning rate are its options, which its dataclass
    inherits from ``Recipe``. A trainer that also implements ``textclf_freeze`` decides itself what trains: any other
    strategy is refused, unless it only adapts the model.

    Args:
        encoder: the model and its tokenizer, with the strategies' parameters frozen; without the classification head
            if the trainer needs a ``"headless"`` model, because it adds its own head.
        data: ``train`` and ``validation``, checked. There is no test split: choices are made on validation.
        task: the labels.
        seed: the seed for the order of the examples and for dropout; the core has seeded the generators with it.
        data_seed: the seed for a trainer that samples from train; all runs of a comparison have the same.
        workspace: where to write, and on which device to compute.
        progress: shows the progress of long work: a bar in a terminal, plain lines in a log.
        plan: the phases, learning rates and decisions of the strategies, for a trainer that needs ``phases``. With any
            other trainer, strategies that plan training are refused.

    Returns:
        A ``Classifier``.

    Raises:
        RunError: training can't continue, for example because a loss isn't finite.
    """


@hookspec(firstresult=True)
def textclf_training_rows(train: Dataset, task: Task, epoch: int, seed: int) -> Dataset | None:
    """Choose or change the rows of an epoch: augmentation, sampling, curricula. Role: strategy. First result.

    Called before each epoch, and once more for the first one, if the trainer's ``needs`` has ``training_rows`` in
    ``seams``. A run with two plugins that implement this hook is refused. The trainer shuffles the rows; its option for
    sampling draws from them. Rows whose tokens were seen before are read from the cache of a frozen prefix; others are
    computed and added to it.

    Args:
        train: the training split, the same in each epoch. Don't change it.
        task: names the text columns.
        epoch: the number of the epoch, from 1.
        seed: the run's seed. A resumed run calls the hook again, so the rows must depend on ``epoch`` and ``seed``
            alone; use ``numpy.random.default_rng([seed, epoch])``.

    Returns:
        The rows, with the columns and features of ``train``, equally many in each epoch, since the learning rate's
        schedule depends on their number: ``train.select(...)``, or ``Dataset.from_dict(..., features=train.features)``.
        ``None`` for ``train`` itself.
    """


@hookspec(firstresult=True)
def textclf_loss(logits: Tensor, labels: Tensor, task: Task, class_counts: Tensor) -> Tensor | None:
    """Return the losses of a batch. Role: strategy. First result.

    Called for each micro-batch and for validation, if the trainer's ``needs`` has ``loss`` in ``seams``. The trainer
    adds the losses up and divides by the number of labels in the whole batch, so the gradient doesn't depend on how the
    batch is divided. A run with two plugins that implement this hook is refused, and so are the trainer's own options
    for the loss.

    Args:
        logits: float32, shape (rows, labels); in a token task (words, labels), the words of all rows.
        labels: int64, shape (rows,): label ids; in a multi-label task zeros and ones, shape (rows, labels); in a token
            task (words,).
        task: the labels.
        class_counts: the number of rows (or words) of train with each label, float32, shape (labels,); in a multi-label
            task (labels, 2), without and with the label.

    Returns:
        One loss for each element of ``labels``, in its shape; ``None`` to leave the loss to the trainer.
    """


@hookspec
def textclf_gradient(encoder: Encoder, step: TrainingStep) -> None:
    """Change the gradient of a step: adversarial steps, consistency losses, sharpness. Role: strategy. Each in order.

    Called after the backward passes of each step, before the gradient is clipped and the optimizer takes its step, if
    the trainer's ``needs`` has ``gradient`` in ``seams``. Parameters may be changed while passes are repeated, and must
    have their values back afterwards.

    Args:
        encoder: the model, whose trainable parameters have their ``grad``.
        step: repeats passes over the step's batch. Each pass is counted in the run's FLOPs.
    """


@hookspec(firstresult=True)
def textclf_optimizer(groups: Sequence[dict[str, Any]], recipe: Recipe) -> Optimizer | None:
    """Build the optimizer. Role: strategy. First result.

    Called at the start of each phase, if the trainer's ``needs`` has ``optimizer`` in ``seams``. The state of
    parameters that go on training is loaded into it by ``load_state_dict``, and is saved in checkpoints, so it consists
    of tensors and numbers. Gradients are clipped already. A run with two plugins that implement this hook is refused.

    Args:
        groups: the trainable parameters as torch optimizers take them: ``params``, ``weight_decay``, and ``factor``, by
            which the learning rate is multiplied.
        recipe: the trainer's options. The trainer sets ``lr`` of each group before each step.

    Returns:
        A ``torch.optim.Optimizer`` of all these parameters, each in a group with its ``factor``; ``None`` for the
        trainer's own.
    """


@hookspec(firstresult=True)
def textclf_schedule(step: int, warmup_steps: int, total_steps: int) -> float | None:
    """Return the learning rate of a step as a fraction of the peak. Role: strategy. First result.

    Called for each step, if the trainer's ``needs`` has ``schedule`` in ``seams``. A phase with its own learning rate
    has its own schedule. A run with two plugins that implement this hook is refused.

    Args:
        step: the number of the step in its schedule, from 1 to ``total_steps``.
        warmup_steps: the number of warm-up steps that the recipe asks for.
        total_steps: the number of steps of the schedule.

    Returns:
        A number from 0 on; ``None`` for linear warm-up and decay.
    """


@hookspec
def textclf_interval_finished(encoder: Encoder, gradient_norms: Sequence[Mapping[int, float]]) -> Sequence[str] | None:
    """Freeze more parameters from the next step on. Role: strategy. Each in order; their results are combined.

    Called after each interval of an epoch except the run's last, if the trainer needs ``phases``; an epoch has
    ``Phase.intervals`` intervals, by default one. If more is frozen, the phase ends. After an epoch's last interval it
    is called before ``textclf_epoch_finished``.

    Args:
        encoder: the model, frozen as in this phase.
        gradient_norms: one mapping per interval so far: for each block that trained in it, by its depth (1+k for block
            k), the 1-norm of the sum of the steps' gradients. A resumed run passes all of them again, so a plugin needs
            no state of its own. Measured only if a plugin needs ``gradient_norms``.

    Returns:
        Names of parameters to freeze for the rest of training; ``None`` for none.
    """


@hookspec
def textclf_epoch_finished(encoder: Encoder, epochs: Sequence[FinishedEpoch]) -> Change | None:
    """Stop training or freeze more after an epoch. Role: strategy. Each in order; their results are combined.

    Called after each epoch except the last, between its validation and its checkpoint, if the trainer needs ``phases``.

    Args:
        encoder: the model, frozen as in this phase.
        epochs: all finished epochs. A resumed run passes all of them again, so a plugin needs no state of its own.

    Returns:
        A ``Change``, which stops training or freezes more; ``None`` for no change.
    """


@hookspec(firstresult=True)
def textclf_train_many(
    encoder: Encoder, data: DatasetDict, task: Task, cells: Sequence[TrainingCell], progress: Progress
) -> Sequence[TrainedCell] | None:
    """Train several cells of a comparison jointly, where that is faster. First result.

    A trainer may implement it in addition to ``textclf_train``. Called with cells that differ only in their seeds and
    the recipe's options, if the whole encoder is frozen and no plugin plans training. Each cell's result must equal
    that of ``textclf_train``.

    Args:
        encoder: the model and its tokenizer, frozen; set its trainable parameters from those of each cell.
        data: ``train`` and ``validation``, as for ``textclf_train``.
        task: the labels.
        cells: each with its recipe, seed, trainable parameters and workspace.
        progress: shows the progress of long work.

    Returns:
        The result of each cell, in the cells' order; ``None`` if they must be trained one by one.
    """


@hookspec
def textclf_training_finished(encoder: Encoder, workspace: Workspace) -> None:
    """Remove from the model what only training needs. Each in order.

    Called after training, when the parameter updates have been checked, and before the classifier is saved and scored.
    The saved model must load as a plain model of its family, so a plugin that added modules in ``textclf_adapt`` merges
    them here.

    Args:
        encoder: the trained model, which the classifier uses too.
        workspace: where to write; files in its ``directory`` stay with the run.
    """


@hookspec(firstresult=True)
def textclf_load_classifier(directory: Path, task: Task, workspace: Workspace, encoder: Encoder) -> Classifier | None:
    """Load a classifier that this trainer's ``Classifier.save(directory)`` wrote. First result.

    Called by ``textclf predict``, only for the plugin that the artifact's ``classifier.json`` names. A trainer
    implements it in addition to ``textclf_train``.

    Args:
        directory: where the classifier was saved.
        task: the labels that it was trained with.
        workspace: on which device to compute; its ``directory`` is the run's.
        encoder: the model that ``encoder.model.save_pretrained`` and ``encoder.tokenizer.save_pretrained`` wrote into
            ``directory``, loaded by the plugin that built it (``textclf_load_model``) or as a plain model of its
            family, on the workspace's device. It is loaded only for an implementation that takes this argument.

    Returns:
        The ``Classifier``, which returns the same scores as before it was saved.
    """


@hookspec
def textclf_postprocess(scores: NDArray[np.float32], validation: Dataset, task: Task) -> Postprocessing | None:
    """Fit the postprocessing of a classifier's scores on validation. Role: postprocessor. Each in order.

    Called after training with any trainer's classifier; each postprocessor gets the scores that the previous one
    returns, and is saved with the classifier. It is also called once before training, with made-up scores, so that a
    task it refuses is reported early.

    Args:
        scores: the classifier's probabilities for the rows of validation, float32, shape (rows, labels).
        validation: the rows; ``validation["label"]`` holds their label ids, or lists of ids in a multi-label task, as
            ``textclf_load_data`` returns them.
        task: the labels.

    Returns:
        A ``Postprocessing``, which changes the scores, the choice of labels, or both; ``None`` to change nothing.

    Raises:
        UsageError: it doesn't support this task.
    """


@hookspec(firstresult=True)
def textclf_load_postprocessing(directory: Path, task: Task) -> Postprocessing | None:
    """Load what this plugin's ``Postprocessing.save(directory)`` wrote. First result.

    Called by ``textclf predict`` for each postprocessor that the artifact's ``classifier.json`` names. A postprocessor
    implements it in addition to ``textclf_postprocess``.

    Args:
        directory: where it was saved.
        task: the labels that it was fitted with.

    Returns:
        The ``Postprocessing``, which behaves as it did before it was saved.
    """


@hookspec
def textclf_describe_metrics(task: Task) -> Sequence[MetricInfo]:
    """Describe metrics of ``textclf_compute_metrics``, so that ``--metric`` can decide by them. Each in order.

    Called before training, and when stored runs are compared. A metric that isn't described is computed and shown, but
    nothing is known of its direction, so that no comparison is decided by it.

    Args:
        task: the label names.

    Returns:
        A ``MetricInfo`` for each metric to decide by. One that is a smooth function of sums over rows, such as a mean,
        gives them as ``sums``. The error of any other is estimated by computing it again without some of the rows: by
        its ``function``, or by ``textclf_compute_metrics`` if it has none.
    """


@hookspec
def textclf_compute_metrics(
    references: NDArray[np.int64],
    predictions: NDArray[np.int64],
    scores: NDArray[np.float32],
    task: Task,
    data: Dataset,
) -> dict[str, float]:
    """Score predictions. Role: metric. Each in order; their results are merged, and equal names are an error.

    Args:
        references: the true label ids, int64, shape (examples,). In a multi-label task zeros and ones, shape (examples,
            labels), and ``NO_LABEL`` of ``textclf_core.types.task`` where one is unknown, which only a plugin with
            ``Needs(known_labels=False)`` gets; in a token task a list of arrays, one per example, shape (words,),
            without the words that have no label.
        predictions: the predicted label ids, int64, of the same shape. Rows that the classifier leaves unanswered
            aren't in any of the three arrays; the core reports the share of the others as ``coverage``.
        scores: probabilities, float32, shape (examples, labels); each row sums to 1, except in a multi-label task. In
            a token task a list of arrays, shape (words, labels).
        task: the label names.
        data: the other columns of the rows, such as ``data["text"]`` or a group.

    Returns:
        Numbers by name, such as ``{"f1": 0.81}``; ``nan`` for a number that isn't defined, for example because no
        example is positive.
    """


@hookspec
def textclf_run_started(run: StartedRun) -> None:
    """Begin to follow a run. Role: observer. Each in order.

    Called when the data are loaded and the model is built, before training. An observer can't change the run: it gets
    copies, its time isn't part of the run's cost, and random numbers that it draws don't change those of training.
    After an exception, which is added to the record's notes, it isn't called again for this run. A comparison calls
    one instance for several runs, some of which train at the same time: keep open files and connections by ``run.id``,
    in a field with ``init=False``, which isn't an option.

    Args:
        run: its id, name, seed, plugins, and the comparison that it belongs to. Pilot runs aren't followed.
    """


@hookspec
def textclf_step_logged(run: StartedRun, step: int, values: Mapping[str, float]) -> None:
    """Log a training step. Role: observer. Each in order.

    Called during training, for a number of steps per epoch, by trainers that log their steps. A resumed run first logs
    the steps and epochs before its checkpoint again.

    Args:
        run: the run, as in ``textclf_run_started``.
        step: the number of the step, from 1.
        values: numbers by name: ``loss``, the mean of its batch, and ``learning_rate``.
    """


@hookspec
def textclf_epoch_logged(run: StartedRun, epoch: int, step: int, values: Mapping[str, float]) -> None:
    """Log a finished epoch. Role: observer. Each in order.

    Called after an epoch's validation, by trainers that log their epochs.

    Args:
        run: the run, as in ``textclf_run_started``.
        epoch: the number of the epoch, from 1.
        step: the number of its last step.
        values: numbers by name: ``train_loss``, ``validation_loss``, ``validation_accuracy``.
    """


@hookspec
def textclf_run_finished(record: RunRecord, directory: Path) -> None:
    """Report a finished run. Role: observer. Each in order.

    Called last, when everything else of the run is written. The rules are those of ``textclf_run_started``. A
    comparison doesn't run a finished cell again because of an observer's exception.

    Args:
        record: the inputs and results of the run.
        directory: a copy of the run directory without ``checkpoints``, to read from (``history.jsonl``). It is removed
            when the hook returns, so don't store a path in it; the run will be at ``directory.with_name(record.id)``.
    """


@hookspec
def textclf_run_failed(run: StartedRun, error: str) -> None:
    """End following a run that has no result. Role: observer. Each in order.

    Called in place of ``textclf_run_finished`` if a run that was started fails or is interrupted.

    Args:
        run: the run, as in ``textclf_run_started``.
        error: the reason.
    """


@hookspec
def textclf_comparison_finished(comparison: FinishedComparison) -> None:
    """Report a finished comparison. Role: observer. Each in order.

    Called once, when all cells have run and the report is made; cells that were finished before count too. An exception
    is logged.

    Args:
        comparison: its records, failed runs, recommendation and report.
    """


@hookspec
def textclf_report() -> Sequence[ReportCost | ReportColumn | ReportPlot | ReportSection]:
    """Add costs, columns, plots and sections to reports. Role: reporter. Each in order.

    Called before a comparison, so that ``--cost`` may name what it adds, and whenever finished runs are reported: by
    the plugins of these runs, with the options that they had, and by those that ``textclf report --plugin`` names. It
    changes no result, so finished cells aren't run again because of it.

    The hook itself only says what there is. The functions in what it returns get the records and results, and are
    called when a report is made. After an exception or an invalid value, which is logged as a warning, the report comes
    without it: a cost is unknown for that run, and a contender of unknown cost is never the cheapest.

    Returns:
        The parts to add, in order. The name of a cost or column, and that of a plot, has lower-case letters, digits,
        ``-`` and ``_``. Two plugins that give one name are an error, as is a name that the report itself uses.
    """


@hookspec(firstresult=True)
def textclf_export(classifier: Classifier, task: Task, directory: Path) -> None:
    """Write a saved model in another format. Role: exporter. First result.

    Called by ``textclf export --format NAME`` and, for a plugin that implements ``textclf_engine`` too, by
    ``textclf predict --engine NAME``, which saves what is written and uses it again until the model, the plugin's code
    or options, or the versions of what it needs change; only for the plugin that the user names. Then the core compares
    the scores of its engine with those of the classifier, on rows of several lengths: if they differ, nothing is saved.

    Args:
        classifier: as its trainer loaded it, without its postprocessing, which the core saves and applies; an
            ``EncoderClassifier`` if the trainer returns one. It is on the CPU, or on the device of ``textclf predict``.
        task: the labels that it was trained with.
        directory: an empty folder to write into, which may be moved afterwards. Write no pickle.

    Raises:
        UsageError: this exporter can't write such a classifier; the message says which one it needs.
        RunError: writing failed.
    """


@hookspec(firstresult=True)
def textclf_engine(classifier: Classifier, task: Task, directory: Path) -> Classifier | None:
    """Return a classifier that computes the scores of a saved model in another way. Role: engine. First result.

    Called by ``textclf predict --engine NAME``, only for the plugin that the user names. Its ``needs`` has the devices
    that it computes on (any, if it names none), the packages that it imports, and whether its scores may differ from
    those of the classifier (``approximate``). How well they agree is measured on the stored predictions of the run when
    the engine is used for the first time, and shown each time.

    Args:
        classifier: as its trainer loaded it, without its postprocessing, which the core applies. Don't change it:
            ``dataclasses.replace(classifier, compute=..., batch_tokens=...)`` of an ``EncoderClassifier`` has another
            function from batches to logits.
        task: the labels that it was trained with.
        directory: what ``textclf_export`` of this plugin wrote; the folder of the saved model if it has no such hook.

    Returns:
        A ``Classifier``, whose scores of a row depend on no other row.

    Raises:
        UsageError: this engine can't compute such a classifier; the message says which one it needs.
    """


@hookspec(firstresult=True)
def textclf_execute(cells: CellQueue, workers: int | None) -> bool | None:
    """Run the cells of a comparison in other processes. Role: executor. First result.

    Called with the unfinished cells, once for each planned look at the results. The executor takes jobs from the queue,
    runs the command of each where it likes, and reports its end, until the queue is done. The core decides which cell
    comes next, shows the live view, reads the results and gives a job whose process died another try. When the hook
    raises (``KeyboardInterrupt`` too), its processes must have ended: what is finished stays, and the same command runs
    the rest.

    Args:
        cells: the queue.
        workers: how many jobs to run at the same time; ``None`` to decide it here.

    Returns:
        ``True`` when the queue is done. Cells that haven't ended by then have failed.
    """

"""The evaluation of a trained classifier: predictions, postprocessing and metrics."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.data import PreparedData
from textclf_core.errors import RunError
from textclf_core.inference.proof import Trained, check_saved
from textclf_core.inference.store import save_classifier, save_postprocessing
from textclf_core.pipeline.postprocessing import fit_steps
from textclf_core.pipeline.recording import plugin_record, postprocessing_records, trainer_of
from textclf_core.plugins import ActivePlugins
from textclf_core.plugins.calling import call_one, errors_of
from textclf_core.plugins.metrics import compute_metrics
from textclf_core.records.predictions import Predictions, check_scores, write_predictions
from textclf_core.records.schema import MODEL_DIRECTORY, PostprocessingRecord
from textclf_core.tasks.decisions import PostprocessedClassifier, decisions_from
from textclf_core.training.parameter_check import ParameterUpdates
from textclf_core.types.postprocessing import PostprocessingStep, may_abstain
from textclf_core.types.workspace import Workspace

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.classifier import Classifier, Scores
    from textclf_core.types.task import Task

_LATENCY_ROWS = 20
_EVALUATED = ("validation", "test")


@dataclass(frozen=True)
class Evaluation:
    """The results of an evaluation: metrics by split and name, postprocessing, and the seconds to score one text."""

    metrics: dict[str, dict[str, float | None]]
    postprocessing: tuple[PostprocessingRecord, ...]
    latency_seconds: float


def evaluate(
    plugins: ActivePlugins,
    classifier: Classifier,
    data: PreparedData,
    workspace: Workspace,
    *,
    updates: ParameterUpdates | None = None,
    prove: bool = True,
) -> Evaluation | None:
    """Save the classifier, predict validation and test, postprocess the scores, and compute the metrics.

    Of several processes, those other than rank 0 only share in predicting, and return ``None``.

    Args:
        plugins: the plugins of the run.
        classifier: the classifier that the trainer returned.
        data: the data of the run.
        workspace: where the classifier and the predictions are saved.
        updates: the changes of the encoder's parameters by training, if there is an encoder.
        prove: whether to load the saved classifier and compare it with the trained one.

    Raises:
        RunError: the scores are invalid, or the saved classifier differs from the trained one.
    """
    meter, trainer = workspace.meter, trainer_of(plugins)
    model = workspace.directory / MODEL_DIRECTORY
    if workspace.rank:
        for name in _EVALUATED:
            classifier.scores(data.data[name])
        return None
    with meter.time("save"), errors_of(trainer, "save"):
        loaders = [plugin_record(plugin) for plugin in plugins.implementing("textclf_load_model")]
        save_classifier(classifier, model, data.task, plugin_record(trainer), next(iter(loaders), None))
    with meter.time("predict"):
        with errors_of(trainer, "scores"):
            scores = {name: classifier.scores(data.data[name]) for name in _EVALUATED}
        for name, of_split in scores.items():
            check_scores(of_split, data.data[name], data.task, name, str(trainer))
    with meter.time("postprocess"):
        steps = fit_steps(plugins, scores["validation"], data.data["validation"], data.task)
        save_postprocessing(steps, map(plugin_record, plugins.implementing("textclf_postprocess")), model)
    if prove:
        trained = Trained(
            classifier=classifier,
            scores=scores["validation"],
            validation=data.data["validation"],
            steps=steps,
            task=data.task,
            frozen=updates.frozen_hashes if updates else {},
        )
        with meter.time("save"), meter.time("save/verify"):
            check_saved(trained, plugins, workspace)
    with meter.time("metrics"):
        stages = [
            {
                name: _predictions(data.data[name], of_split, steps[:taken], data.task)
                for name, of_split in scores.items()
            }
            for taken in range(len(steps) + 1)
        ]
        write_predictions(stages[-1], workspace.directory)
        metrics = [
            {name: _score(plugins, split, data.task, may_abstain(steps[:taken])) for name, split in stage.items()}
            for taken, stage in enumerate(stages)
        ]
    with meter.time("latency"), errors_of(trainer, "scores"):
        latency_seconds = _latency(PostprocessedClassifier(classifier, steps, data.task), data)
    return Evaluation(metrics[-1], postprocessing_records(steps, stages, metrics), latency_seconds)


def check_metrics(plugins: ActivePlugins, task: Task, data: Dataset) -> frozenset[str]:
    """Compute all metrics on made-up predictions, so that errors occur before training.

    Args:
        plugins: the plugins of the run.
        task: the task.
        data: a split, whose columns the metrics may read.

    Returns:
        The names of the metrics.

    Raises:
        RunError: a metric fails, or a plugin describes one that it doesn't compute.
    """
    names = frozenset(_score(plugins, Predictions.invented(task, data), task))
    for plugin in plugins.implementing("textclf_describe_metrics"):
        for info in call_one(plugin, "textclf_describe_metrics", task=task):
            if info.name not in names:
                raise RunError(f"{plugin} describes the metric {info.name!r}, but doesn't compute it.")
    return names


def _predictions(data: Dataset, scores: Scores, steps: tuple[PostprocessingStep, ...], task: Task) -> Predictions:
    decisions = decisions_from(scores, steps, task)
    return Predictions(data, decisions.scores, decisions.labels, task)


def _score(plugins: ActivePlugins, split: Predictions, task: Task, abstains: bool = False) -> dict[str, float | None]:
    """Return the merged metrics of all plugins; ``None`` for a value that isn't finite.

    If a postprocessor abstains, they are the metrics of the rows with a decision, and ``coverage`` is the share of
    these rows.
    """
    values: dict[str, float | None] = {}
    giver: dict[str, str] = {}
    if abstains:
        giver["coverage"], values["coverage"] = "textclf itself", split.coverage
    rows = split.scored_rows
    if not len(rows):
        return values
    for plugin in plugins.implementing("textclf_compute_metrics"):
        given = compute_metrics(plugin, rows, task)
        for name, value in given.items():
            if name in giver:
                raise RunError(f"the plugins {giver[name]} and {plugin.name} both return the metric {name!r}; use one.")
            giver[name] = plugin.name
            values[name] = float(value) if math.isfinite(value) else None
    return values


def _latency(classifier: Classifier, data: PreparedData) -> float:
    """Return the median time in seconds to score a single example of validation."""
    rows = data.data["validation"]
    seconds = []
    for index in range(min(_LATENCY_ROWS, len(rows))):
        row = rows.select([index])
        start = time.perf_counter()
        classifier.scores(row)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

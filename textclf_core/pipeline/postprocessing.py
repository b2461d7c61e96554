"""Fitting the postprocessing of a classifier's scores."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.errors import UsageError
from textclf_core.plugins import ActivePlugins
from textclf_core.plugins.calling import call_one
from textclf_core.tasks import kind_of
from textclf_core.tasks.decisions import decisions_from
from textclf_core.types.postprocessing import PostprocessingStep

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.classifier import Scores
    from textclf_core.types.data import DataRecord
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")


def fit_steps(
    plugins: ActivePlugins, scores: Scores, validation: Dataset, task: Task
) -> tuple[PostprocessingStep, ...]:
    """Fit each postprocessor on the scores that the previous ones return.

    Args:
        plugins: the plugins of the run.
        scores: the classifier's scores of validation, float32, shape (rows, labels).
        validation: the rows.
        task: the labels.

    Raises:
        TextclfError: a plugin doesn't support this task or these scores.
    """
    steps: list[PostprocessingStep] = []
    for plugin in plugins.implementing("textclf_postprocess"):
        given = call_one(
            plugin,
            "textclf_postprocess",
            scores=decisions_from(scores, steps, task).scores,
            validation=validation,
            task=task,
        )
        if given is not None:
            steps.append(PostprocessingStep(plugin.name, given))
    return tuple(steps)


def check_postprocessing(plugins: ActivePlugins, data: DataRecord) -> tuple[PostprocessingStep, ...]:
    """Fit all postprocessors on made-up scores of the labels that validation has, so that errors occur before training.

    Raises:
        TextclfError: a plugin doesn't support the task, needs a label that validation lacks, or can't stand in its
            place among the others.
    """
    from datasets import Dataset

    task = data.task
    counts = next(split.label_counts for split in data.splits if split.name == "validation")
    present = [label for label, name in enumerate(task.label_names) if counts[name]] or [0]
    labels = [present[row % len(present)] for row in range(4 * task.num_labels)]
    likely = np.full((len(labels), task.num_labels), 0.1, dtype=np.float32)
    for row, label in enumerate(labels):
        # For each label, one row is wrong and three are right, with increasing confidence.
        likely[row, (label + (row < task.num_labels)) % task.num_labels] = 0.5 + row / len(labels)
    scores = likely / likely.sum(axis=1, keepdims=True)
    column, own_scores, _ = kind_of(task).invented(labels, scores)
    steps = fit_steps(plugins, own_scores, Dataset.from_dict({"label": column}), task)
    _check_order(steps, own_scores, task)
    return steps


def _check_order(steps: tuple[PostprocessingStep, ...], scores: Scores, task: Task) -> None:
    """Refuse a step that changes the scores after another has chosen labels by them, and two that choose labels.

    Raises:
        UsageError: the steps can't stand in this order.
    """
    chooses: str | None = None
    for number, step in enumerate(steps, start=1):
        before, after = (decisions_from(scores, steps[:count], task).scores for count in (number - 1, number))
        if chooses and any(not np.array_equal(one, other) for one, other in zip(before, after, strict=True)):
            raise UsageError(
                f"{step.plugin!r} changes the scores by which {chooses!r} has chosen the labels before; put "
                f"{step.plugin!r} before {chooses!r}."
            )
        if not isinstance(after, list) and step.postprocessing.decide(after) is not None:
            if chooses:
                raise UsageError(f"{chooses!r} and {step.plugin!r} both choose the labels; leave one out.")
            chooses = step.plugin

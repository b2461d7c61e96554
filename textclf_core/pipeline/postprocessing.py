"""What stands between the scores of a classifier and its decisions: other scores, and the labels chosen."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.plugins import ActivePlugins
from textclf_core.plugins.calling import call_one
from textclf_core.tasks import kind_of
from textclf_core.tasks.decisions import decisions_from
from textclf_core.types.postprocessing import PostprocessingStep

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.classifier import Scores
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")


def fit_steps(
    plugins: ActivePlugins, scores: Scores, validation: Dataset, task: Task
) -> tuple[PostprocessingStep, ...]:
    """Ask each postprocessor what it makes of the scores that those before it leave.

    Args:
        plugins: those of the run.
        scores: the classifier's own scores of validation, float32, (rows, labels).
        validation: the rows.
        task: the labels.

    Raises:
        TextclfError: a plugin does not support this task or these scores.
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


def check_postprocessing(plugins: ActivePlugins, task: Task) -> tuple[PostprocessingStep, ...]:
    """Postprocess invented scores: what a postprocessor refuses shows before training, not after."""
    from datasets import Dataset

    labels = [row % task.num_labels for row in range(4 * task.num_labels)]
    likely = np.full((len(labels), task.num_labels), 0.1, dtype=np.float32)
    for row, label in enumerate(labels):
        # Of each label one row is wrong and three are right, with more and more confidence.
        likely[row, (label + (row < task.num_labels)) % task.num_labels] = 0.5 + row / len(labels)
    scores = likely / likely.sum(axis=1, keepdims=True)
    column, own_scores, _ = kind_of(task).invented(labels, scores)
    return fit_steps(plugins, own_scores, Dataset.from_dict({"label": column}), task)

"""From scores to decisions: all labels are chosen here, with or without postprocessing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.tasks import kind_of
from textclf_core.types.postprocessing import Decisions, PostprocessingStep, save_steps

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.classifier import Classifier, Scores
    from textclf_core.types.task import Task


@dataclass(frozen=True)
class PostprocessedClassifier:
    """A classifier with postprocessing steps, which are applied in order.

    Attributes:
        classifier: the classifier that the trainer returned.
        steps: the postprocessing of its scores.
        task: the labels.
    """

    classifier: Classifier
    steps: tuple[PostprocessingStep, ...]
    task: Task

    def scores(self, data: Dataset) -> Scores:
        """Return the scores after the last step, float32, shape (rows, labels)."""
        return self.decide(data).scores

    def decide(self, data: Dataset) -> Decisions:
        """Return the decisions after the last step."""
        return decisions_from(self.classifier.scores(data), self.steps, self.task)

    def save(self, directory: Path) -> None:
        """Write the classifier, and each step into a folder named after its plugin."""
        self.classifier.save(directory)
        save_steps(self.steps, directory)


def decisions_of(classifier: Classifier, data: Dataset, task: Task) -> Decisions:
    """Return a classifier's decisions on rows, with its postprocessing if it has any."""
    if isinstance(classifier, PostprocessedClassifier):
        return classifier.decide(data)
    return decisions_from(classifier.scores(data), (), task)


def decisions_from(scores: Scores, steps: Iterable[PostprocessingStep], task: Task) -> Decisions:
    """Return the decisions for a classifier's scores after the postprocessing steps.

    This is the only place where labels are chosen from scores. The last step that chooses labels decides; without one,
    the kind of task does (:meth:`~textclf_core.tasks.kind.EvaluationKind.decide`).
    """
    return kind_of(task).decide(scores, steps)

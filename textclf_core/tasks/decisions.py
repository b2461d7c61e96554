"""From scores to decisions: the one way by which labels are chosen, postprocessed or not."""

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
    """A classifier with postprocessing around it; the steps are taken in order.

    Attributes:
        classifier: as its trainer returned it.
        steps: what is done with its scores.
        task: the labels.
    """

    classifier: Classifier
    steps: tuple[PostprocessingStep, ...]
    task: Task

    def scores(self, data: Dataset) -> Scores:
        """Return the scores after the last step: float32, (rows, labels)."""
        return self.decide(data).scores

    def decide(self, data: Dataset) -> Decisions:
        """Return the decisions after the last step."""
        return decisions_from(self.classifier.scores(data), self.steps, self.task)

    def save(self, directory: Path) -> None:
        """Write the classifier as its trainer does, and each step into a folder of its plugin's name."""
        self.classifier.save(directory)
        save_steps(self.steps, directory)


def decisions_of(classifier: Classifier, data: Dataset, task: Task) -> Decisions:
    """Return what a classifier says of rows, postprocessed or not."""
    if isinstance(classifier, PostprocessedClassifier):
        return classifier.decide(data)
    return decisions_from(classifier.scores(data), (), task)


def decisions_from(scores: Scores, steps: Iterable[PostprocessingStep], task: Task) -> Decisions:
    """Return what the steps make of a classifier's own scores. Here, and nowhere else, labels are chosen from scores.

    The last step that decides does; without one it is what the kind of task chooses
    (:meth:`~textclf_core.tasks.kind.EvaluationKind.decide`).
    """
    return kind_of(task).decide(scores, steps)

"""From scores to answers: the one way by which labels are chosen, postprocessed or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.tasks import kind_of
from textclf_core.types.postprocessing import Answers, Step, save_steps

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
    steps: tuple[Step, ...]
    task: Task

    def scores(self, data: Dataset) -> Scores:
        """Return the scores after the last step: float32, (rows, labels)."""
        return self.answers(data).scores

    def answers(self, data: Dataset) -> Answers:
        """Return the answers after the last step."""
        return answers_from(self.classifier.scores(data), self.steps, self.task)

    def save(self, directory: Path) -> None:
        """Write the classifier as its trainer does, and each step into a folder of its plugin's name."""
        self.classifier.save(directory)
        save_steps(self.steps, directory)


def answers_of(classifier: Classifier, data: Dataset, task: Task) -> Answers:
    """Return what a classifier says of rows, postprocessed or not."""
    if isinstance(classifier, PostprocessedClassifier):
        return classifier.answers(data)
    return answers_from(classifier.scores(data), (), task)


def answers_from(scores: Scores, steps: Iterable[Step], task: Task) -> Answers:
    """Return what the steps make of a classifier's own scores. Here, and nowhere else, labels are chosen from scores.

    The last step that decides does; without one it is what the kind of task chooses
    (:meth:`~textclf_core.tasks.kind.EvaluationKind.answers`).
    """
    return kind_of(task).answers(scores, steps)

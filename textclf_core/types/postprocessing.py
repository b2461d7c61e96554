"""What stands between a classifier's scores and its answers: other scores, and the choice of a label from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from textclf_core.types.indicators import THRESHOLD

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.types.classifier import Classifier, Labels, Scores
    from textclf_core.types.task import Task

NO_ANSWER = -1
"""Stands in the place of a label id where a classifier leaves a row unanswered."""


@runtime_checkable
class Postprocessing(Protocol):
    """What a plugin of the role postprocessor makes of scores. ``str()`` of it says in a few words what it set."""

    @property
    def abstains(self) -> bool:
        """Whether :meth:`decide` may leave rows unanswered."""
        ...

    def rescore(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores to go on with: float32 probabilities, (rows, labels), for scores of the same kind."""
        ...

    def decide(self, scores: NDArray[np.float32]) -> NDArray[np.int64] | None:
        """Return the label id for each row of what :meth:`rescore` returned, int64, (rows,); -1 leaves it unanswered.

        In a multi-label task, 1 for each label that a row gets and 0 for the others, (rows, labels). ``None`` leaves
        the choice as it was: that of the step before, or the label with the highest score, or those of a half or more.
        """
        ...

    def save(self, directory: Path) -> None:
        """Write everything that ``textclf_load_postprocessing`` needs into ``directory``, which exists, as JSON."""
        ...


@dataclass(frozen=True)
class Answers:
    """What a classifier says of rows.

    Attributes:
        scores: probabilities, float32, (rows, labels); in a task of tokens a list of arrays, (words, labels).
        labels: the label ids chosen, int64, (rows,); -1 where it gives no answer. In a multi-label task zeros and ones,
            (rows, labels); of words a list of arrays, (words,).
    """

    scores: Scores
    labels: Labels


@dataclass(frozen=True)
class Step:
    """One postprocessing of a classifier, and the name of its plugin."""

    plugin: str
    postprocessing: Postprocessing


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

    The last step that decides does; without one it is the label with the highest score, of equal ones the first, or
    in a multi-label task each label with a score of a half or more. Words get the highest: no step does with their
    scores.
    """
    if isinstance(scores, list):
        return Answers(scores, [_usual(row, task) for row in scores])
    labels: NDArray[np.int64] | None = None
    for step in steps:
        scores = np.asarray(step.postprocessing.rescore(scores), dtype=np.float32)
        decided = step.postprocessing.decide(scores)
        labels = labels if decided is None else np.asarray(decided, dtype=np.int64)
    return Answers(scores, _usual(scores, task) if labels is None else labels)


def _usual(scores: NDArray[np.float32], task: Task) -> NDArray[np.int64]:
    """Return what is chosen where no step decides."""
    chosen = scores >= THRESHOLD if task.kind == "multi-label" else scores.argmax(axis=-1)
    return np.asarray(chosen, dtype=np.int64)


def may_abstain(steps: Iterable[Step]) -> bool:
    """Return whether steps may leave rows unanswered."""
    return any(step.postprocessing.abstains for step in steps)


def save_steps(steps: Iterable[Step], directory: Path) -> None:
    """Write each step into a folder of its own in ``directory``, that of a saved classifier."""
    for step in steps:
        own = step_directory(directory, step.plugin)
        own.mkdir(parents=True)
        step.postprocessing.save(own)


def step_directory(directory: Path, plugin: str) -> Path:
    """Return the folder of a plugin's postprocessing in that of a saved classifier."""
    return directory / "postprocessing" / plugin

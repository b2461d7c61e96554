"""What stands between the scores of a classifier and its decisions: other scores, and the labels chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclf_core.types.classifier import Labels, Scores

UNDECIDED = -1
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
class Decisions:
    """What a classifier says of rows.

    Attributes:
        scores: probabilities, float32, (rows, labels); in a task of tokens a list of arrays, (words, labels).
        labels: the label ids chosen, int64, (rows,); -1 where it gives no answer. In a multi-label task zeros and ones,
            (rows, labels); of words a list of arrays, (words,).
    """

    scores: Scores
    labels: Labels


@dataclass(frozen=True)
class PostprocessingStep:
    """One postprocessing of a classifier, and the name of its plugin."""

    plugin: str
    postprocessing: Postprocessing


def may_abstain(steps: Iterable[PostprocessingStep]) -> bool:
    """Return whether steps may leave rows unanswered."""
    return any(step.postprocessing.abstains for step in steps)


def save_steps(steps: Iterable[PostprocessingStep], directory: Path) -> None:
    """Write each step into a folder of its own in ``directory``, that of a saved classifier."""
    for step in steps:
        own = step_directory(directory, step.plugin)
        own.mkdir(parents=True)
        step.postprocessing.save(own)


def step_directory(directory: Path, plugin: str) -> Path:
    """Return the folder of a plugin's postprocessing in that of a saved classifier."""
    return directory / "postprocessing" / plugin

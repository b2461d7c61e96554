"""Postprocessing: what turns the scores of a classifier into other scores and into decisions."""

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
"""Replaces the label id of a row that a classifier leaves unanswered."""


@runtime_checkable
class Postprocessing(Protocol):
    """Change scores or choose labels, as fitted by a postprocessor plugin.

    ``str()`` of it names what was fitted, and is recorded; a class without ``__str__`` is refused. A step that changes
    scores stands before the one that chooses labels.
    """

    @property
    def abstains(self) -> bool:
        """Whether :meth:`decide` may leave rows unanswered."""
        ...

    def rescore(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the changed scores for given ones, both float32 probabilities of shape (rows, labels)."""
        ...

    def decide(self, scores: NDArray[np.float32]) -> NDArray[np.int64] | None:
        """Return the label id of each row from its rescored scores, int64, shape (rows,); -1 leaves it unanswered.

        In a multi-label task, return zeros and ones of shape (rows, labels). Return ``None`` to keep the decisions of
        the previous step; the first step's are the label with the highest score, or the labels with at least 0.5.
        """
        ...

    def save(self, directory: Path) -> None:
        """Write everything that ``textclf_load_postprocessing`` needs into ``directory``, which exists, as JSON."""
        ...


@dataclass(frozen=True)
class Decisions:
    """The scores and the chosen labels of rows.

    Attributes:
        scores: probabilities, float32, shape (rows, labels); in a token task a list of arrays of shape (words, labels).
        labels: the chosen label ids, int64, shape (rows,); -1 for an unanswered row. In a multi-label task zeros and
            ones of shape (rows, labels); in a token task a list of arrays of shape (words,).
    """

    scores: Scores
    labels: Labels


@dataclass(frozen=True)
class PostprocessingStep:
    """A fitted postprocessing and the name of its plugin."""

    plugin: str
    postprocessing: Postprocessing


def may_abstain(steps: Iterable[PostprocessingStep]) -> bool:
    """Return whether any step may leave rows unanswered."""
    return any(step.postprocessing.abstains for step in steps)


def save_steps(steps: Iterable[PostprocessingStep], directory: Path) -> None:
    """Write each step into its own folder within ``directory``, which holds a saved classifier."""
    for step in steps:
        own = step_directory(directory, step.plugin)
        own.mkdir(parents=True)
        step.postprocessing.save(own)


def step_directory(directory: Path, plugin: str) -> Path:
    """Return the folder of a plugin's postprocessing within that of a saved classifier."""
    return directory / "postprocessing" / plugin

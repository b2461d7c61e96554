"""A postprocessor: scores for texts among which the labels are more or less frequent than in training."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from textclf_core import Option, Task, UsageError, hookimpl

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

RATIOS_FILE = "ratios.json"


@dataclass(frozen=True)
class Ratios:
    """Scores multiplied by a ratio for each label; ``str()`` of it is recorded."""

    ratios: tuple[float, ...]
    abstains = False

    def rescore(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the changed scores, of which each row sums to 1."""
        import numpy as np

        raised = scores.astype(np.float64) * self.ratios
        return (raised / raised.sum(axis=1, keepdims=True)).astype(scores.dtype)

    def decide(self, scores: NDArray[np.float32]) -> None:
        """Leave the decision to the highest score."""

    def save(self, directory: Path) -> None:
        """Write the ratios."""
        (directory / RATIOS_FILE).write_text(json.dumps(self.ratios), encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class ClassShares:
    """Correct the scores for the shares that the labels have where the model is used.

    Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001, theorem 2, for any number of labels: each
    probability is multiplied by the new share over the old one. The old shares are those of validation.
    """

    shares: Annotated[tuple[float, ...], Option("The shares, in the order of the labels; they sum to 1.")]

    def __post_init__(self) -> None:
        """Refuse what aren't shares."""
        if not self.shares or min(self.shares) <= 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError("shares must be above 0 and sum to 1")

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Support one label for each text, and a share for each label."""
        if task.kind != "single-label":
            return "its shares sum to 1, and here a text may have several labels"
        return None

    @hookimpl
    def textclf_postprocess(self, scores: NDArray[np.float32], validation: Dataset, task: Task) -> Ratios:
        """Compute the ratios."""
        import numpy as np

        if len(self.shares) != task.num_labels:
            raise UsageError(
                f"class-shares: there are {task.num_labels} labels ({', '.join(task.label_names)}) and "
                f"{len(self.shares)} shares; give one for each."
            )
        counts = np.bincount(np.asarray(validation["label"]), minlength=task.num_labels)
        if not counts.all():
            missing = ", ".join(name for name, count in zip(task.label_names, counts, strict=True) if not count)
            raise UsageError(f"class-shares: validation has no text of {missing}, so their share in it is unknown.")
        return Ratios(tuple((np.array(self.shares) / (counts / counts.sum())).tolist()))

    @hookimpl
    def textclf_load_postprocessing(self, directory: Path) -> Ratios:
        """Read what ``save`` wrote."""
        return Ratios(tuple(json.loads((directory / RATIOS_FILE).read_text(encoding="utf-8"))))

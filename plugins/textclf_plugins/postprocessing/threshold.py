"""Decision rules other than the highest score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.types.postprocessing import Postprocessing
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Choose labels by another rule than the highest score; without options, by the threshold with the best F1.

    With two labels the second is the positive one; it is predicted where its score is at least a threshold, which is
    fitted on validation. In a multi-label task each label has its own threshold. ``costs`` and ``abstain_below`` use
    the scores as probabilities and fit nothing, so put ``calibration`` before them.
    """

    needs: ClassVar[Needs] = Needs(known_labels=False)

    recall: Annotated[
        float | None,
        Option(
            "Minimum recall of the positive label (in a multi-label task, of each label) on validation; the threshold "
            "is the highest that reaches it.",
            gt=0,
            le=1,
        ),
    ] = None
    costs: Annotated[
        tuple[float, ...] | None,
        Option(
            "The matrix of costs, row by row, true labels as rows and predicted labels as columns: 0,1,5,0 makes a "
            "missed positive five times as costly as a false alarm. The label with the lowest expected cost is chosen."
        ),
    ] = None
    abstain_below: Annotated[
        float | None,
        Option("Give no answer where the highest score is below this. Not supported in comparisons.", gt=0, le=1),
    ] = None

    def __post_init__(self) -> None:
        given = [name for name in ("recall", "costs", "abstain_below") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; give one of them.")

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels tasks."""
        return check_kind(task, "single-label", "multi-label", does="it decides on whole texts")

    @hookimpl
    def textclf_postprocess(self, scores: NDArray[np.float32], validation: Dataset, task: Task) -> Postprocessing:
        """Fit the decision rule on the scores of validation."""
        from textclf_plugins.postprocessing.decisions import decision

        return decision(self, scores, validation["label"], task)

    @hookimpl
    def textclf_load_postprocessing(self, directory: Path) -> Postprocessing:
        """Load the decision rule."""
        from textclf_plugins.postprocessing.decisions import Decision

        return Decision.load(directory)

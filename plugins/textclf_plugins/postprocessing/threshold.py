"""Decisions other than for the highest score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.option import Option

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.types.postprocessing import Postprocessing
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Choose the label otherwise than by the highest score. Without an option: for the best F1 of two labels.

    Of two labels the second one is the positive one; it is the answer from a threshold on, which is fitted on
    validation. Where a text may have several labels, each has a threshold of its own. Costs and ``abstain_below`` take
    the scores at their word and fit nothing, so write ``calibration`` before.
    """

    recall: Annotated[
        float | None,
        Option(
            "Of two labels: find this share of the positive rows of validation, with no more alarms. Of several a "
            "text: of the rows of each.",
            gt=0,
            le=1,
        ),
    ] = None
    costs: Annotated[
        tuple[float, ...] | None,
        Option(
            "What each answer costs, a row a true label and in it a number a predicted one: 0,1,5,0 makes a missed "
            "positive five times as dear as a false alarm. The label with the lowest expected cost is the answer."
        ),
    ] = None
    abstain_below: Annotated[
        float | None,
        Option("Give no answer where the highest score is below this. Comparisons don't take it.", gt=0, le=1),
    ] = None

    def __post_init__(self) -> None:
        given = [name for name in ("recall", "costs", "abstain_below") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} each decide for themselves; give one of them.")

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse labels of words."""
        return check_kind(task, "single-label", "multi-label", does="it decides on whole texts")

    @hookimpl
    def textclf_postprocess(self, scores: NDArray[np.float32], validation: Dataset, task: Task) -> Postprocessing:
        """Fit the threshold, where there is one to fit."""
        from textclf_plugins.postprocessing.decisions import decision

        return decision(self, scores, validation["label"], task)

    @hookimpl
    def textclf_load_postprocessing(self, directory: Path) -> Postprocessing:
        """Load what decides."""
        from textclf_plugins.postprocessing.decisions import Decision

        return Decision.load(directory)

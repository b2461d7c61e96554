"""Calibration by temperature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.needs import Needs

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.types.postprocessing import Postprocessing
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Calibrate the scores: divide the logits by a temperature fitted on validation.

    Temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2). The temperature
    minimises the negative log-likelihood on validation. The logarithms of the scores serve as logits: every classifier
    has them, and they differ from the logits of a softmax only by a constant per row. The label with the highest score
    doesn't change, nor do scores of exactly 0. In a multi-label task the logits of the sigmoids are divided by one
    temperature, so the labels with scores of at least 0.5 don't change.
    """

    needs: ClassVar[Needs] = Needs(known_labels=False)

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels tasks."""
        return check_kind(task, "single-label", "multi-label", does="it calibrates scores of whole texts")

    @hookimpl
    def textclf_postprocess(self, scores: NDArray[np.float32], validation: Dataset, task: Task) -> Postprocessing:
        """Fit the temperature on the scores of validation."""
        from textclf_plugins.postprocessing.temperature import fit_temperature

        return fit_temperature(scores, validation["label"], task)

    @hookimpl
    def textclf_load_postprocessing(self, directory: Path) -> Postprocessing:
        """Load the temperature."""
        from textclf_plugins.postprocessing.temperature import Temperature

        return Temperature.load(directory)

"""Calibration by temperature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.types.postprocessing import Postprocessing
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Make a score mean what it says: divide the logits by a temperature fitted on validation.

    Temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2). The temperature has
    the lowest negative log-likelihood on validation. It works on the logarithms of the scores, which differ from the
    logits of a softmax by a constant in each row and so give the same, and which every classifier has. The label with
    the highest score stays the same; so do scores of exactly 0. Where a text may have several labels, the logits of
    their sigmoids are divided by one temperature, so the labels of a score of a half and more stay the same.
    """

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse labels of words."""
        return check_kind(task, "single-label", "multi-label", does="it calibrates scores of whole texts")

    @hookimpl
    def textclf_postprocess(self, scores: NDArray[np.float32], validation: Dataset, task: Task) -> Postprocessing:
        """Fit the temperature."""
        from textclf_plugins.postprocessing.temperature import fit_temperature

        return fit_temperature(scores, validation["label"], task)

    @hookimpl
    def textclf_load_postprocessing(self, directory: Path) -> Postprocessing:
        """Load the temperature."""
        from textclf_plugins.postprocessing.temperature import Temperature

        return Temperature.load(directory)

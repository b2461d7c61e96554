"""Accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The share of the examples, or of the words where each has a label, whose predicted label is right.

    Of several labels a text all must be right, and no other be predicted (subset accuracy).
    """

    @hookimpl
    def textclf_compute_metrics(
        self,
        references: NDArray[np.int64] | list[NDArray[np.int64]],
        predictions: NDArray[np.int64] | list[NDArray[np.int64]],
    ) -> dict[str, float]:
        """Return ``accuracy``."""
        import numpy as np

        from textclf_plugins.metrics.label_metrics import AccuracyMetric

        if isinstance(references, list) or isinstance(predictions, list):  # of the words of each example
            references, predictions = np.concatenate(references), np.concatenate(predictions)
        return {"accuracy": AccuracyMetric.of(references, predictions)}

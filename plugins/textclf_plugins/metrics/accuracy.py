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
    """The share of the examples whose predicted label is right."""

    @hookimpl
    def textclf_compute_metrics(
        self, references: NDArray[np.int64], predictions: NDArray[np.int64]
    ) -> dict[str, float]:
        """Return ``accuracy``."""
        from textclf_plugins.metrics.label_metrics import AccuracyMetric

        result: dict[str, float] = AccuracyMetric().compute(references=references, predictions=predictions)
        return result

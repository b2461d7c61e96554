"""A metric that decides: Cohen's kappa with weights, for labels in an order, such as one to five stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core import MetricInfo, Option, Task, hookimpl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class WeightedKappa:
    """Agreement beyond chance of labels that have an order: a wrong star next to the right one counts as less wrong.

    1 if all are right, 0 at chance. The labels' order is that of the data's label names.
    """

    weights: Annotated[
        Literal["linear", "quadratic"], Option("How a mistake grows with its distance from the true label.")
    ] = "quadratic"

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse tasks whose texts have other than one label."""
        return None if task.kind == "single-label" else "it compares one label per text"

    @hookimpl
    def textclf_describe_metrics(self) -> list[MetricInfo]:
        """Describe ``weighted_kappa``, whose error is estimated by computing it without some of the rows."""
        return [MetricInfo(name="weighted_kappa", better="higher", low=-1, high=1)]

    @hookimpl
    def textclf_compute_metrics(
        self, references: NDArray[np.int64], predictions: NDArray[np.int64], task: Task
    ) -> dict[str, float]:
        """Return ``weighted_kappa``."""
        from sklearn.metrics import cohen_kappa_score

        labels = list(range(task.num_labels))
        kappa = cohen_kappa_score(references, predictions, labels=labels, weights=self.weights)
        return {"weighted_kappa": float(kappa)}

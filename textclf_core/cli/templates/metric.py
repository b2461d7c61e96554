"""A metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core import Task, hookimpl
from textclf_core.tasks import check_kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class MyPlugin:
    """The share of the predictions that are wrong."""

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse what it can't measure."""
        return check_kind(task, "single-label")

    @hookimpl
    def textclf_compute_metrics(
        self, references: NDArray[np.int64], predictions: NDArray[np.int64]
    ) -> dict[str, float]:
        """Return one number by its name."""
        return {"my_plugin": float((references != predictions).mean())}

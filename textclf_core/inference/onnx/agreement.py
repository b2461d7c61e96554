"""Comparison of an engine's scores with the stored scores of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from textclf_core.records.predictions import read_predictions
from textclf_core.records.schema import PREDICTIONS_FILE
from textclf_core.tasks import kind_of
from textclf_core.tasks.decisions import decisions_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task

_SPLIT = "validation"

# Enough rows to find a difference of a tenth of a percent, few enough not to delay the first prediction for long.
_MOST_ROWS = 2000


@dataclass(frozen=True)
class Agreement:
    """The agreement of an engine's scores with those of torch.

    Attributes:
        split: the split whose rows were scored.
        rows: the number of rows, or of words in a token task.
        same_labels: the number of rows (or words) with the same label, or the same set of labels.
        largest_difference: the largest difference between two scores of the same label and row.
        mean_difference: the mean, over the rows, of the largest difference in each row.
    """

    split: str
    rows: int
    same_labels: int
    largest_difference: float
    mean_difference: float

    def __str__(self) -> str:
        return (
            f"agrees with torch on {self.same_labels:,} of {self.rows:,} labels of {self.split}; scores differ by at "
            f"most {self.largest_difference:.2g} (mean {self.mean_difference:.2g})"
        )


def agreement_with_stored(classifier: Classifier, task: Task, run: Path) -> Agreement | None:
    """Score validation, or 2,000 rows spread evenly over it, and compare with the run's stored scores.

    Returns ``None`` if the folder ``run`` has no stored predictions, as for a model that was copied out of its run.
    """
    from datasets import Dataset

    if not (run / PREDICTIONS_FILE).is_file():
        return None
    stored = read_predictions(run).filter(pc.field("split") == _SPLIT)
    rows = np.linspace(0, len(stored) - 1, min(len(stored), _MOST_ROWS)).astype(int)
    stored = stored.take(rows).select([*task.text_columns, "prediction", "scores"])
    found = decisions_of(classifier, Dataset(stored.select(list(task.text_columns))), task)
    kind = kind_of(task)
    wanted_labels = kind.label_ids(stored["prediction"].to_pylist())
    return _compare(
        kind.stored_scores(stored["scores"]), kind.flat(found.scores), kind.flat(found.labels), wanted_labels
    )


def _compare(
    wanted: NDArray[np.float32],
    scores: NDArray[np.float32],
    labels: NDArray[np.int64],
    wanted_labels: NDArray[np.int64],
) -> Agreement:
    differences = np.abs(scores - wanted).max(axis=1)
    return Agreement(
        split=_SPLIT,
        rows=len(scores),
        same_labels=int((labels == wanted_labels).reshape(len(scores), -1).all(axis=1).sum()),
        largest_difference=float(differences.max()),
        mean_difference=float(differences.mean()),
    )

"""Comparison of an engine's scores with those of torch: of made-up rows, and of the rows that a run stored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from textclf_core.errors import RunError
from textclf_core.plugins.calling import errors_of
from textclf_core.records.predictions import check_scores, read_predictions
from textclf_core.records.schema import PREDICTIONS_FILE
from textclf_core.tasks import kind_of
from textclf_core.tasks.decisions import decisions_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.plugins import ActivePlugin
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task

_SPLIT = "validation"

# Enough rows to find a difference of a tenth of a percent, few enough not to delay the first prediction for long.
_MOST_ROWS = 2000

# Texts of several shapes: an export may have fixed a dimension that should vary. Each group is scored by itself.
_SHAPES = (("a",), ("a b", "a b"), ("a b c d", "a", "a " * 30))
_TOLERANCE = 1e-4


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


def refuse_other_scores(engine: ActivePlugin, computed: Classifier, classifier: Classifier, task: Task) -> None:
    """Compare an engine's scores of made-up rows with those of the classifier that it was made from.

    Raises:
        RunError: they aren't probabilities of the right shape, or they differ by more than rounding and the engine
            doesn't declare that it is approximate.
    """
    from datasets import Dataset

    kind = kind_of(task)
    for texts in _SHAPES:
        rows = Dataset.from_dict({name: [kind.as_row(text) for text in texts] for name in task.text_columns})
        with errors_of(engine, "scores"):
            scores = computed.scores(rows)
        check_scores(scores, rows, task, "made-up rows", f"the engine {engine.name}")
        difference = float(np.abs(kind.flat(scores) - kind.flat(classifier.scores(rows))).max())
        if difference > _TOLERANCE and not engine.needs.approximate:
            raise RunError(
                f"{engine} computes other scores than the model: for {len(texts)} rows of at most "
                f"{max(len(text.split()) for text in texts)} words they differ by {difference:.2g}, and at most "
                f"{_TOLERANCE:g} is allowed, unless it declares Needs(approximate=True). Use the engine torch."
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

"""The decision rules of ``threshold``."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import precision_recall_curve

from textclf_core.errors import DataError, UsageError
from textclf_core.tasks import kind_of
from textclf_core.types.indicators import THRESHOLD
from textclf_core.types.postprocessing import UNDECIDED
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.types.task import Task
    from textclf_plugins.postprocessing.threshold import Threshold

logger = logging.getLogger("textclf")

_FILE = "decision.json"


@dataclass(frozen=True)
class Cut:
    """For two labels: the second if its score is at least a threshold, else the first."""

    label: str
    threshold: float

    def labels(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the chosen label ids: int64, (rows,)."""
        return np.asarray(scores[:, 1] >= self.threshold, dtype=np.int64)

    def __str__(self) -> str:
        return f"minimum score: {self.label} {self.threshold:.4g}"


@dataclass(frozen=True)
class Cuts:
    """For a multi-label task: each label whose score is at least the label's threshold.

    SCut of Yang 2001, "A Study on Thresholding Strategies for Text Categorization": the thresholds are fitted
    independently, so they maximise the F1 of each label and thereby its macro average.
    """

    names: Sequence[str]
    thresholds: Sequence[float]

    def labels(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return 1 for each label that is assigned and 0 for the others: int64, (rows, labels)."""
        return np.asarray(scores >= np.array(self.thresholds), dtype=np.int64)

    def __str__(self) -> str:
        each = [f"{name} {value:.4g}" for name, value in zip(self.names, self.thresholds, strict=True)]
        return f"minimum scores: {', '.join(each)}"


@dataclass(frozen=True)
class LeastCost:
    """The label with the lowest expected cost (Elkan 2001, "The Foundations of Cost-Sensitive Learning", equation 1).

    ``costs[true][predicted]`` is the cost of a prediction.
    """

    costs: tuple[tuple[float, ...], ...]

    def labels(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the chosen label ids: int64, (rows,)."""
        return np.asarray((scores.astype(np.float64) @ np.array(self.costs)).argmin(axis=1), dtype=np.int64)

    def __str__(self) -> str:
        return "the label with the lowest expected cost"


@dataclass(frozen=True)
class Confident:
    """The label with the highest score, if that is at least ``abstain_below``, else no answer.

    Chow 1970, "On Optimum Recognition Error and Reject Tradeoff".
    """

    abstain_below: float

    def labels(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the chosen label ids: int64, (rows,); -1 for no answer."""
        return np.where(scores.max(axis=1) >= np.float32(self.abstain_below), scores.argmax(axis=1), UNDECIDED)

    def __str__(self) -> str:
        return f"no answer below a score of {self.abstain_below:g}"


Rule = Cut | Cuts | LeastCost | Confident
_RULES: dict[str, type[Rule]] = {"cut": Cut, "cuts": Cuts, "least cost": LeastCost, "confident": Confident}


@dataclass(frozen=True)
class Decision:
    """A rule that chooses labels from scores and doesn't change the scores."""

    rule: Rule

    @property
    def abstains(self) -> bool:
        """Whether rows may stay unanswered."""
        return isinstance(self.rule, Confident)

    def rescore(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores unchanged."""
        return scores

    def decide(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the chosen labels: label ids, int64, (rows,), or zeros and ones, (rows, labels)."""
        return self.rule.labels(scores)

    def save(self, directory: Path) -> None:
        """Write the rule and its numbers."""
        [name] = [name for name, cls in _RULES.items() if isinstance(self.rule, cls)]
        text = json.dumps({"rule": name, **asdict(self.rule)}, ensure_ascii=False)
        (directory / _FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Decision:
        """Read what :meth:`save` wrote."""
        values = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        return cls(_RULES[values.pop("rule")](**values))

    def __str__(self) -> str:
        return str(self.rule)


def decision(options: Threshold, scores: NDArray[np.float32], labels: Sequence[Any], task: Task) -> Decision:
    """Fit the decision rule that the options describe.

    Args:
        options: the plugin.
        scores: the probabilities of validation, float32, (rows, labels).
        labels: the label ids of validation, (rows,), or lists of them.
        task: the labels.

    Raises:
        UsageError: the options don't fit the task.
        DataError: validation has no row of the positive label, where a threshold is fitted.
    """
    kind = kind_of(task)
    if kind.independent_labels:
        return Decision(_cuts(options, scores, kind.label_array(labels), task))
    if options.costs is not None:
        return Decision(LeastCost(_matrix(options.costs, task)))
    if options.abstain_below is not None:
        return Decision(Confident(options.abstain_below))
    if task.num_labels != 2:
        raise UsageError(
            f"threshold: a threshold needs two labels, but this task has {task.num_labels} "
            f"({', '.join(task.label_names)}). Give costs or abstain_below."
        )
    truth = np.asarray(labels) == 1
    if not truth.any():
        raise DataError(f"threshold: validation has no row of {task.label_names[1]!r}, so no threshold can be fitted.")
    return Decision(Cut(task.label_names[1], _threshold(truth, scores[:, 1], options.recall)))


def _cuts(options: Threshold, scores: NDArray[np.float32], labels: NDArray[np.int64], task: Task) -> Cuts:
    if options.costs is not None or options.abstain_below is not None:
        given = "costs" if options.costs is not None else "abstain_below"
        raise UsageError(
            f"threshold: {given} chooses exactly one label per text, but this task is multi-label. Leave it out, for "
            "the best F1 of each label, or give recall."
        )
    found = (labels == 1).any(axis=0)
    if unseen := [name for name, seen in zip(task.label_names, found, strict=True) if not seen]:
        logger.info("threshold: validation has no row of %s, so its threshold stays %g", ", ".join(unseen), THRESHOLD)
    thresholds = (
        _threshold(truth[truth != NO_LABEL] == 1, of_label[truth != NO_LABEL], options.recall) if seen else THRESHOLD
        for truth, of_label, seen in zip(labels.T, scores.T, found, strict=True)
    )
    return Cuts(task.label_names, tuple(thresholds))


def _threshold(truth: NDArray[np.bool_], scores: NDArray[np.float32], recall: float | None) -> float:
    """Return the highest threshold with the given recall, or without one the threshold with the best F1.

    Among thresholds with the same F1, it is the one nearest to 0.5. It lies halfway between the adjacent scores, so
    that rounding doesn't change the label of a row.
    """
    precisions, recalls, thresholds = precision_recall_curve(truth, scores.astype(np.float64))
    precisions, recalls = precisions[:-1], recalls[:-1]  # the last entries belong to no threshold
    halfway = (thresholds + np.concatenate([[0.0], thresholds[:-1]])) / 2
    if recall is not None:
        return float(halfway[recalls >= recall].max())
    f1 = 2 * precisions * recalls / np.maximum(precisions + recalls, np.finfo(np.float64).tiny)
    best = halfway[f1 >= f1.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])


def _matrix(costs: tuple[float, ...], task: Task) -> tuple[tuple[float, ...], ...]:
    size = task.num_labels
    if len(costs) != size**2:
        raise UsageError(
            f"threshold: costs needs {size**2} numbers for the labels {', '.join(task.label_names)}: for each true "
            f"label the cost of each prediction, in this order; got {len(costs)}."
        )
    return tuple(costs[row * size : (row + 1) * size] for row in range(size))

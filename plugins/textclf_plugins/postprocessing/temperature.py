"""What ``calibration`` fits."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from textclf_core.tasks import kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

_FILE = "temperature.json"
_LOWEST, _HIGHEST = 0.05, 20.0
_NEAR_A_BOUND = 1e-4


@dataclass(frozen=True)
class Temperature:
    """Scores whose logarithms are divided by a temperature: above 1 it makes them less sure, below 1 surer.

    Where a text may have ``several`` labels, each is a row of its own: the label's score, and what is left to 1.
    """

    temperature: float
    several: bool = False

    abstains = False

    def rescore(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return softmax(log scores / temperature), float32, (rows, labels); of several, the sigmoid of logits / it."""
        of_rows = _yes_and_no(scores) if self.several else scores
        scaled = np.exp(_log_scaled(_log(of_rows), 1 / self.temperature)).astype(np.float32)
        return scaled[:, 1].reshape(scores.shape) if self.several else scaled

    def decide(self, scores: NDArray[np.float32]) -> None:
        """Leave the choice as it was."""

    def save(self, directory: Path) -> None:
        """Write the temperature."""
        (directory / _FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Temperature:
        """Read what :meth:`save` wrote."""
        return cls(**json.loads((directory / _FILE).read_text(encoding="utf-8")))

    def __str__(self) -> str:
        at_a_bound = " (its bound)" if self.temperature in (_LOWEST, _HIGHEST) else ""
        return f"temperature {self.temperature:.4g}{at_a_bound}"


def fit_temperature(scores: NDArray[np.float32], labels: Sequence[Any], task: Task) -> Temperature:
    """Return the temperature from 0.05 to 20 with the lowest negative log-likelihood.

    The likelihood has one peak in the inverse of the temperature. Where the true label of every row has the highest
    score it has none, for lower is always better: the temperature is 1 then, and a note says so. Where the peak lies
    outside the range the temperature is the range's end, and a warning says so.

    Args:
        scores: probabilities, (rows, labels).
        labels: the label ids, (rows,), or lists of them.
        task: the labels.
    """
    kind = kind_of(task)
    several = kind.independent_labels
    logs = _log(_yes_and_no(scores) if several else scores)
    truth = kind.label_array(labels).ravel()
    rows = np.arange(len(truth))
    # A score of 0 stays 0 at any temperature, so such a row tells nothing of it.
    known = np.isfinite(logs[rows, truth])
    logs, truth, rows = logs[known], truth[known], rows[: known.sum()]
    others = np.where(np.arange(logs.shape[1]) == truth[:, None], -np.inf, logs).max(axis=1)
    if (logs[rows, truth] > others).all():
        logger.info("calibration: every row of validation is right, which tells no temperature; scores stay")
        return Temperature(1.0, several)

    def loss(log_inverse: float) -> float:
        return float(-_log_scaled(logs, np.exp(log_inverse))[rows, truth].mean())

    found = minimize_scalar(
        loss, bounds=(-np.log(_HIGHEST), -np.log(_LOWEST)), method="bounded", options={"xatol": 1e-6}
    )
    temperature = float(np.exp(-found.x))
    for bound, further, why in (
        (_LOWEST, "lower", "the scores are far less sure than they could be"),
        (_HIGHEST, "higher", "the scores tell nearly nothing of the labels"),
    ):
        # The search closes in on a bound and never reaches it.
        if math.isclose(temperature, bound, rel_tol=_NEAR_A_BOUND):
            logger.warning(
                "calibration: the temperature stopped at its bound, %g, and a %s one would fit the %d labels of "
                "validation better: %s. Don't take the scores for probabilities.",
                bound,
                further,
                len(truth),
                why,
            )
            return Temperature(bound, several)
    return Temperature(temperature, several)


def _yes_and_no(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the score of not having a label and of having it, (rows * labels, 2)."""
    return np.stack([1 - scores.ravel(), scores.ravel()], axis=1)


def _log(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):  # log 0 is -inf, and stays so
        return np.asarray(np.log(scores.astype(np.float64)))


def _log_scaled(logs: NDArray[np.float64], inverse: float) -> NDArray[np.float64]:
    scaled = logs * inverse
    return np.asarray(scaled - logsumexp(scaled, axis=1, keepdims=True))

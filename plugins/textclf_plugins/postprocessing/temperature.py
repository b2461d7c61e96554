"""The temperature that ``calibration`` fits."""

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
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

_FILE = "temperature.json"
_LOWEST, _HIGHEST = 0.05, 20.0
_NEAR_A_LIMIT = 1e-4


@dataclass(frozen=True)
class Temperature:
    """Scores whose logarithms are divided by a temperature: above 1 the scores get less extreme, below 1 more.

    In a multi-label task (``several``), each score p is treated as the distribution (1 - p, p).
    """

    temperature: float
    several: bool = False

    abstains = False

    def rescore(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return softmax(log scores / temperature), float32, (rows, labels); if multi-label, sigmoid(logits / it)."""
        of_rows = _yes_and_no(scores) if self.several else scores
        scaled = np.exp(_log_scaled(_log(of_rows), 1 / self.temperature)).astype(np.float32)
        return scaled[:, 1].reshape(scores.shape) if self.several else scaled

    def decide(self, scores: NDArray[np.float32]) -> None:
        """Return ``None``: the choice of labels doesn't change."""

    def save(self, directory: Path) -> None:
        """Write the temperature."""
        (directory / _FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Temperature:
        """Read what :meth:`save` wrote."""
        return cls(**json.loads((directory / _FILE).read_text(encoding="utf-8")))

    def __str__(self) -> str:
        at_a_limit = " (a limit of the search)" if self.temperature in (_LOWEST, _HIGHEST) else ""
        return f"temperature {self.temperature:.4g}{at_a_limit}"


def fit_temperature(scores: NDArray[np.float32], labels: Sequence[Any], task: Task) -> Temperature:
    """Return the temperature from 0.05 to 20 with the lowest negative log-likelihood.

    The likelihood has a single maximum in the inverse of the temperature. Where the true label of every row has the
    highest score it has no maximum, since a lower temperature is always better; the temperature is 1 then, which is
    logged. Where the maximum is outside the range, the temperature is the range's limit, with a warning.

    Args:
        scores: probabilities, float32, (rows, labels).
        labels: the label ids, (rows,), or lists of them.
        task: the labels.
    """
    kind = kind_of(task)
    several = kind.independent_labels
    logs = _log(_yes_and_no(scores) if several else scores)
    truth = kind.label_array(labels).ravel()
    logs, truth = logs[truth != NO_LABEL], truth[truth != NO_LABEL]
    rows = np.arange(len(truth))
    # A score of 0 stays 0 at any temperature, so such a row has no information about the temperature.
    known = np.isfinite(logs[rows, truth])
    logs, truth, rows = logs[known], truth[known], rows[: known.sum()]
    others = np.where(np.arange(logs.shape[1]) == truth[:, None], -np.inf, logs).max(axis=1)
    if (logs[rows, truth] > others).all():
        logger.info(
            "calibration: every prediction for validation is correct, so no temperature can be fitted; scores don't "
            "change"
        )
        return Temperature(1.0, several)

    def loss(log_inverse: float) -> float:
        return float(-_log_scaled(logs, np.exp(log_inverse))[rows, truth].mean())

    found = minimize_scalar(
        loss, bounds=(-np.log(_HIGHEST), -np.log(_LOWEST)), method="bounded", options={"xatol": 1e-6}
    )
    temperature = float(np.exp(-found.x))
    for limit, which, why in (
        (_LOWEST, "lower", "the scores are far too low for how often they are correct"),
        (_HIGHEST, "upper", "the scores have almost no information about the labels"),
    ):
        # The search converges to a limit without reaching it.
        if math.isclose(temperature, limit, rel_tol=_NEAR_A_LIMIT):
            logger.warning(
                "calibration: the temperature fitted to the %d labels of validation is the %s limit of the search, %g: "
                "%s. Don't use the scores as probabilities.",
                len(truth),
                which,
                limit,
                why,
            )
            return Temperature(limit, several)
    return Temperature(temperature, several)


def _yes_and_no(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distributions (1 - p, p) of the scores p, float32, (rows * labels, 2)."""
    return np.stack([1 - scores.ravel(), scores.ravel()], axis=1)


def _log(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):  # log 0 is -inf, as intended
        return np.asarray(np.log(scores.astype(np.float64)))


def _log_scaled(logs: NDArray[np.float64], inverse: float) -> NDArray[np.float64]:
    scaled = logs * inverse
    return np.asarray(scaled - logsumexp(scaled, axis=1, keepdims=True))

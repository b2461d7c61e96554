"""scikit-learn's logistic regression, as weights and an intercept a label."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

logger = logging.getLogger("textclf")

C_GRID = (0.1, 1.0, 10.0, 100.0)
"""The inverses of the regularisation that are tried where none is given."""


@dataclass(frozen=True)
class LinearHead:
    """A linear map from features to the labels' logits.

    ``weights`` is float64, (labels, features), ``intercept`` float64, (labels,).
    """

    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]

    def probabilities(self, features: Any) -> NDArray[np.float32]:
        """Return the softmax of the logits, float32, (rows, labels), of an array or a sparse matrix of features."""
        return np.asarray(softmax(features @ self.weights.T + self.intercept, axis=1), dtype=np.float32)


@dataclass(frozen=True)
class FittedHead:
    """A head, and the iterations of the solver, of all fits together, that it took to find it."""

    head: LinearHead
    iterations: int


def fit_logistic(
    name: str,
    features: Any,
    labels: Sequence[int],
    validation_features: Any,
    validation_labels: Sequence[int],
    num_labels: int,
    c: float | None,
) -> FittedHead:
    """Fit a multinomial logistic regression with an L2 penalty.

    Args:
        name: the plugin, for the note that says what was chosen.
        features: of train, an array or a sparse matrix, (rows, features).
        labels: label ids of train.
        validation_features: of validation; not looked at where ``c`` is given.
        validation_labels: label ids of validation.
        num_labels: how many labels the task has; one that train never has gets no probability.
        c: the inverse of the regularisation; if ``None``, the one of :data:`C_GRID` with the highest accuracy on
            validation, the smallest of those equally good.
    """
    fitted = [_fit(features, labels, num_labels, value) for value in ([c] if c else C_GRID)]
    if len(fitted) == 1:
        return fitted[0]
    truth = np.asarray(validation_labels)
    accuracies = [float((one.head.probabilities(validation_features).argmax(axis=1) == truth).mean()) for one in fitted]
    best = int(np.argmax(accuracies))
    logger.info("%s: c=%g has the highest accuracy on validation, %.4f", name, C_GRID[best], accuracies[best])
    return FittedHead(fitted[best].head, sum(one.iterations for one in fitted))


def _fit(features: Any, labels: Sequence[int], num_labels: int, c: float) -> FittedHead:
    model = LogisticRegression(C=c, max_iter=1000).fit(features, np.asarray(labels))
    weights, intercept = model.coef_, model.intercept_
    if len(weights) == 1:  # two labels: the logit of the second against the first
        weights, intercept = np.vstack([-weights, weights]) / 2, np.hstack([-intercept, intercept]) / 2
    all_weights = np.zeros((num_labels, weights.shape[1]))
    all_intercepts = np.full(num_labels, -np.inf)
    all_weights[model.classes_], all_intercepts[model.classes_] = weights, intercept
    return FittedHead(LinearHead(all_weights, all_intercepts), int(np.sum(model.n_iter_)))

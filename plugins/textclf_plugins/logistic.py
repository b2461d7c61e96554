"""scikit-learn's logistic regression, as weights and one intercept per label."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from textclf_core.tasks import kind_of
from textclf_core.tasks.decisions import decisions_from
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

C_GRID = (0.1, 1.0, 10.0, 100.0)
"""The values tried for the inverse of the regularisation strength, where none is given."""


@dataclass(frozen=True)
class LinearHead:
    """A linear map from features to the labels' logits.

    ``weights`` is float64, (labels, features), ``intercept`` float64, (labels,). ``task`` determines how the logits
    become probabilities.
    """

    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]
    task: Task

    def probabilities(self, features: Any) -> NDArray[np.float32]:
        """Return the softmax of the logits (in a multi-label task the sigmoid), float32, (rows, labels).

        Args:
            features: an array or a sparse matrix, (rows, features).
        """
        logits = features @ self.weights.T + self.intercept
        return np.asarray(kind_of(self.task).probabilities(logits), dtype=np.float32)


@dataclass(frozen=True)
class FittedHead:
    """A head, and the number of solver iterations, summed over all fits."""

    head: LinearHead
    iterations: int


def fit_logistic(
    name: str,
    features: Any,
    labels: Sequence[Any],
    validation_features: Any,
    validation_labels: Sequence[Any],
    task: Task,
    c: float | None,
) -> FittedHead:
    """Fit a multinomial logistic regression with an L2 penalty; in a multi-label task one for each label (one vs rest).

    That of a label is fitted to the rows of which it is known whether they have it.

    Args:
        name: the plugin's name, for the log line that gives the chosen ``c``.
        features: the features of train, an array or a sparse matrix, (rows, features).
        labels: the column ``label`` of train.
        validation_features: the features of validation; unused where ``c`` is given.
        validation_labels: the column ``label`` of validation.
        task: the labels; a label absent from train gets probability 0.
        c: the inverse of the regularisation strength; if ``None``, the value of :data:`C_GRID` with the highest
            accuracy on validation, the smallest of those equally good. In a multi-label task the accuracy is over
            all decisions, one per row and label, except unknown ones.
    """
    kind = kind_of(task)
    known = kind.label_array(labels)
    fit = _fit_one_vs_rest if kind.independent_labels else _fit
    fitted = [fit(features, known, task, value) for value in ([c] if c else C_GRID)]
    if len(fitted) == 1:
        return fitted[0]
    truth = kind.label_array(validation_labels)
    scores = [one.head.probabilities(validation_features) for one in fitted]
    labelled = truth != NO_LABEL
    accuracies = [float(np.mean(decisions_from(of_one, (), task).labels == truth, where=labelled)) for of_one in scores]
    best = int(np.argmax(accuracies))
    logger.info("%s: c=%g has the highest accuracy on validation, %.4f", name, C_GRID[best], accuracies[best])
    return FittedHead(fitted[best].head, sum(one.iterations for one in fitted))


def _fit_one_vs_rest(features: Any, labels: NDArray[np.int64], task: Task, c: float) -> FittedHead:
    weights, intercept = np.zeros((task.num_labels, features.shape[1])), np.zeros(task.num_labels)
    iterations = 0
    for label, of_label in enumerate(labels.T):
        rows = np.flatnonzero(of_label != NO_LABEL)
        having = of_label[rows]
        if len(set(having)) < 2:  # every row of train has the label, or none has, or all are unknown
            intercept[label] = np.inf if having.any() else -np.inf
            continue
        model = LogisticRegression(C=c, max_iter=1000).fit(
            features if len(rows) == len(labels) else features[rows], having
        )
        weights[label], intercept[label] = model.coef_[0], model.intercept_[0]
        iterations += int(model.n_iter_[0])
    return FittedHead(LinearHead(weights, intercept, task), iterations)


def _fit(features: Any, labels: NDArray[np.int64], task: Task, c: float) -> FittedHead:
    model = LogisticRegression(C=c, max_iter=1000).fit(features, labels)
    weights, intercept = model.coef_, model.intercept_
    if len(weights) == 1:  # two labels: the logit of the second against the first
        weights, intercept = np.vstack([-weights, weights]) / 2, np.hstack([-intercept, intercept]) / 2
    all_weights = np.zeros((task.num_labels, weights.shape[1]))
    all_intercepts = np.full(task.num_labels, -np.inf)
    all_weights[model.classes_], all_intercepts[model.classes_] = weights, intercept
    return FittedHead(LinearHead(all_weights, all_intercepts, task), int(np.sum(model.n_iter_)))

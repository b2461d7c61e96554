"""The classifier of ``tfidf-logreg``, saved without pickle."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.task import Task

logger = logging.getLogger("textclf")

_VOCABULARY = "vocabulary.json"
_WEIGHTS = "weights.safetensors"
_C_GRID = (0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True)
class TfidfClassifier:
    """A multinomial logistic regression on TF-IDF features.

    ``weights`` is float64, (labels, words), and ``intercept`` float64, (labels,).
    """

    vectorizer: TfidfVectorizer
    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]
    task: Task

    def scores(self, data: Dataset) -> NDArray[np.float32]:
        """Return the softmax of the linear scores: float32, (rows, labels)."""
        linear = self.vectorizer.transform(_texts(data, self.task)) @ self.weights.T + self.intercept
        return np.asarray(softmax(linear, axis=1), dtype=np.float32)

    def save(self, directory: Path) -> None:
        """Write the vocabulary as JSON, idf and weights as safetensors."""
        words = {word: int(index) for word, index in self.vectorizer.vocabulary_.items()}
        note = {"ngrams": self.vectorizer.ngram_range[1], "vocabulary": words}
        (directory / _VOCABULARY).write_text(json.dumps(note, ensure_ascii=False), encoding="utf-8")
        arrays = {"idf": self.vectorizer.idf_, "weights": self.weights, "intercept": self.intercept}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, directory / _WEIGHTS)

    @classmethod
    def load(cls, directory: Path, task: Task) -> TfidfClassifier:
        """Read what :meth:`save` wrote."""
        note = json.loads((directory / _VOCABULARY).read_text(encoding="utf-8"))
        arrays = load_file(directory / _WEIGHTS)
        vectorizer = _vectorizer(note["ngrams"], note["vocabulary"])
        vectorizer.idf_ = arrays["idf"]
        return cls(vectorizer, arrays["weights"], arrays["intercept"], task)


def fit_tfidf(train: Dataset, validation: Dataset, task: Task, ngrams: int, c: float | None) -> TfidfClassifier:
    """Fit the classifier; without ``c`` the one of the grid with the highest accuracy on validation is kept."""
    vectorizer = _vectorizer(ngrams)
    features = vectorizer.fit_transform(_texts(train, task))
    fitted = [_fit(vectorizer, features, train["label"], task, value) for value in ([c] if c else _C_GRID)]
    if len(fitted) == 1:
        return fitted[0]
    labels = np.asarray(validation["label"])
    accuracies = [float((model.scores(validation).argmax(axis=1) == labels).mean()) for model in fitted]
    best = int(np.argmax(accuracies))
    logger.info("tfidf-logreg: c=%g has the highest accuracy on validation, %.4f", _C_GRID[best], accuracies[best])
    return fitted[best]


def _fit(vectorizer: TfidfVectorizer, features: object, labels: list[int], task: Task, c: float) -> TfidfClassifier:
    model = LogisticRegression(C=c, max_iter=1000).fit(features, np.asarray(labels))
    weights, intercept = model.coef_, model.intercept_
    if len(weights) == 1:  # two labels: the logit of the second against the first
        weights, intercept = np.vstack([-weights, weights]) / 2, np.hstack([-intercept, intercept]) / 2
    # A label that train never has gets no probability.
    all_weights = np.zeros((task.num_labels, weights.shape[1]))
    all_intercepts = np.full(task.num_labels, -np.inf)
    all_weights[model.classes_], all_intercepts[model.classes_] = weights, intercept
    return TfidfClassifier(vectorizer, all_weights, all_intercepts, task)


def _vectorizer(ngrams: int, vocabulary: dict[str, int] | None = None) -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, ngrams), sublinear_tf=True, vocabulary=vocabulary)


def _texts(data: Dataset, task: Task) -> list[str]:
    return [" ".join(row) for row in zip(*(data[column] for column in task.text_columns), strict=True)]

"""The classifier of ``tfidf-logreg``, saved without pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer

from textclf_plugins.logistic import LinearHead, fit_logistic

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray

    from textclf_core.types.task import Task

_VOCABULARY = "vocabulary.json"
_WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class TfidfClassifier:
    """A logistic regression on TF-IDF features: multinomial, or in a multi-label task one per label."""

    vectorizer: TfidfVectorizer
    head: LinearHead
    task: Task

    def scores(self, data: Dataset) -> NDArray[np.float32]:
        """Return the softmax (in a multi-label task the sigmoid) of the linear scores: float32, (rows, labels)."""
        return self.head.probabilities(self.vectorizer.transform(_texts(data, self.task)))

    def save(self, directory: Path) -> None:
        """Write the vocabulary as JSON, idf and weights as safetensors."""
        words = {word: int(index) for word, index in self.vectorizer.vocabulary_.items()}
        note = {"ngrams": self.vectorizer.ngram_range[1], "vocabulary": words}
        (directory / _VOCABULARY).write_text(json.dumps(note, ensure_ascii=False), encoding="utf-8")
        arrays = {"idf": self.vectorizer.idf_, "weights": self.head.weights, "intercept": self.head.intercept}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, directory / _WEIGHTS)

    @classmethod
    def load(cls, directory: Path, task: Task) -> TfidfClassifier:
        """Read what :meth:`save` wrote."""
        note = json.loads((directory / _VOCABULARY).read_text(encoding="utf-8"))
        arrays = load_file(directory / _WEIGHTS)
        vectorizer = _vectorizer(note["ngrams"], note["vocabulary"])
        vectorizer.idf_ = arrays["idf"]
        return cls(vectorizer, LinearHead(arrays["weights"], arrays["intercept"], task), task)


def fit_tfidf(train: Dataset, validation: Dataset, task: Task, ngrams: int, c: float | None) -> TfidfClassifier:
    """Fit the classifier; without ``c``, choose the value of the grid with the highest accuracy on validation."""
    vectorizer = _vectorizer(ngrams)
    features = vectorizer.fit_transform(_texts(train, task))
    fitted = fit_logistic(
        "tfidf-logreg",
        features,
        train["label"],
        vectorizer.transform(_texts(validation, task)),
        validation["label"],
        task,
        c,
    )
    return TfidfClassifier(vectorizer, fitted.head, task)


def _vectorizer(ngrams: int, vocabulary: dict[str, int] | None = None) -> TfidfVectorizer:
    return TfidfVectorizer(ngram_range=(1, ngrams), sublinear_tf=True, vocabulary=vocabulary)


def _texts(data: Dataset, task: Task) -> list[str]:
    return [" ".join(row) for row in zip(*(data[column] for column in task.text_columns), strict=True)]

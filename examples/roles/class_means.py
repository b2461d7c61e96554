"""A trainer without an encoder: the nearest mean of the classes' word weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from textclf_core import Option, Task, hookimpl

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset, DatasetDict
    from numpy.typing import NDArray

WORDS_FILE = "words.json"
WEIGHTS_FILE = "weights.npz"


@dataclass(frozen=True)
class NearestMean:
    """Scores by the cosine of a text's tf-idf weights with the mean of each class.

    Attributes:
        columns: the names of the text columns.
        words: each word's place.
        idf: float64, shape (words,).
        means: of length 1, float64, shape (labels, words).
        sharpness: what the cosines are multiplied by before the softmax.
    """

    columns: tuple[str, ...]
    words: dict[str, int]
    idf: NDArray[np.float64]
    means: NDArray[np.float64]
    sharpness: float

    def scores(self, data: Dataset) -> NDArray[np.float32]:
        """Return probabilities, float32, shape (rows, labels), in the data's order."""
        import numpy as np
        from scipy.special import softmax

        cosines = weighted(texts_of(data, self.columns), self.words, self.idf) @ self.means.T
        return np.asarray(softmax(self.sharpness * cosines, axis=1), dtype=np.float32)

    def save(self, directory: Path) -> None:
        """Write everything as JSON and as arrays, which nothing needs to be executed for."""
        import numpy as np

        content = {"columns": self.columns, "words": self.words, "sharpness": self.sharpness}
        (directory / WORDS_FILE).write_text(json.dumps(content), encoding="utf-8")
        np.savez(directory / WEIGHTS_FILE, idf=self.idf, means=self.means)


@dataclass(frozen=True, kw_only=True)
class ClassMeans:
    """The class whose mean tf-idf weights are nearest.

    Rocchio's classifier, as in Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, section
    14.2, with cosines.
    """

    sharpness: Annotated[float, Option("The cosines' factor before the softmax.", gt=0, search=(1.0, 100.0))] = 10.0

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Support one label for each text."""
        return None if task.kind == "single-label" else "it gives each text the label of one mean"

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task) -> NearestMean:
        """Compute the means of train."""
        import numpy as np
        from sklearn.feature_extraction.text import TfidfVectorizer

        texts = texts_of(data["train"], task.text_columns)
        vectorizer = TfidfVectorizer().fit(texts)
        words = {word: int(place) for word, place in vectorizer.vocabulary_.items()}
        weights = weighted(texts, words, vectorizer.idf_)
        labels = np.asarray(data["train"]["label"])
        means = np.stack([np.asarray(weights[labels == label].sum(axis=0)).ravel() for label in range(task.num_labels)])
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        means = means / np.where(lengths > 0, lengths, 1)
        return NearestMean(task.text_columns, words, vectorizer.idf_, means, self.sharpness)

    @hookimpl
    def textclf_load_classifier(self, directory: Path) -> NearestMean:
        """Read what ``save`` wrote."""
        import numpy as np

        content = json.loads((directory / WORDS_FILE).read_text(encoding="utf-8"))
        with np.load(directory / WEIGHTS_FILE) as arrays:
            return NearestMean(
                tuple(content["columns"]), content["words"], arrays["idf"], arrays["means"], content["sharpness"]
            )


def texts_of(data: Dataset, columns: tuple[str, ...]) -> list[str]:
    """Return the rows' texts, those of several columns joined."""
    return [" ".join(str(row[name]) for name in columns) for row in data]


def weighted(texts: list[str], words: dict[str, int], idf: NDArray[np.float64]) -> Any:
    """Return the tf-idf weights, a sparse matrix of shape (texts, words) with rows of length 1."""
    from scipy.sparse import diags
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.preprocessing import normalize

    counts = CountVectorizer(vocabulary=words).transform(texts).astype(float)
    return normalize(counts @ diags(idf))

"""The part of a kind of task that reports use, all from stored predictions: tables, page, plots and model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from textclf_core.tasks.entities import Mode
    from textclf_core.types.classifier import Labels, Scores


@dataclass(frozen=True)
class ClassCounts:
    """The numbers of correct predictions, of predictions and of references of one class: rows, words or entities."""

    label: str
    right: int
    predicted: int
    true: int


@dataclass(frozen=True)
class SeedDecisions:
    """A contender's predictions for the test split, by seed.

    Attributes:
        names: each run's stored column ``prediction``.
        scores: each run's scores, float32, (rows or words, labels).
    """

    names: Sequence[Sequence[Any]]
    scores: Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class ExampleViews:
    """The true and the predicted labels of each row of the test split, to be shown as text.

    Attributes:
        names: texts for labels, such as ``politics; sports`` for a set of them.
        truth: the true label's index in ``names``, int64, (rows,).
        labels: the indices of the contenders' labels, int64, (contenders, rows).
        confidence: the contenders' confidences, float64, (contenders, rows).
        wrong_seeds: the number of a contender's seeds with a wrong label, int64, (contenders, rows).
    """

    names: tuple[str, ...]
    truth: NDArray[np.int64]
    labels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    wrong_seeds: NDArray[np.int64]


class ReportKind(Protocol):
    """The part of a kind of task that reports use."""

    @property
    def pipeline(self) -> str:
        """The task's name in transformers and on the hub."""
        ...

    @property
    def pipeline_options(self) -> str:
        """Further arguments of a transformers pipeline that returns all labels: ``, top_k=None``."""
        ...

    @property
    def labelled(self) -> str:
        """The object of "to label", before the label names: ``each word of a text with one of``."""
        ...

    @property
    def class_rows(self) -> str:
        """The unit of the counts of a class: ``rows`` or ``entities``."""
        ...

    @property
    def class_rows_in_test(self) -> str:
        """The heading of their number in a model card."""
        ...

    @property
    def matrix_row(self) -> str:
        """The beginning of a confusion matrix's caption, before ``row is a true class``: ``A``, or ``Words: a``."""
        ...

    @property
    def each_prediction(self) -> str:
        """What follows the word "predictions" if they aren't those of rows: ``for words``."""
        ...

    def labels_of_split(self, rows: int, label_counts: Mapping[str, int]) -> int:
        """Return the number of rows, or words, that have labels in a split."""
        ...

    def label_ids(self, names: Sequence[Any]) -> NDArray[np.int64]:
        """Return stored names as label ids, int64, (rows,), -1 for none; zeros and ones, (rows, labels); (words,).

        Among the names of several labels, an :class:`~textclf_core.types.indicators.UnknownLabel` gives ``NO_LABEL``.
        """
        ...

    def stored_scores(self, column: pa.ChunkedArray) -> NDArray[np.float32]:
        """Return a stored column of scores, float32, (rows, labels), or of all words of all rows, (words, labels)."""
        ...

    def answers(self, true: Sequence[Any], names: Sequence[Any]) -> Labels:
        """Return stored names as labels in the form for metrics, without words that have no true label.

        Args:
            true: the stored names of the true labels.
            names: these, or those of the predictions.
        """
        ...

    def answer_scores(self, true: Sequence[Any], column: pa.ChunkedArray) -> Scores:
        """Return a stored column of scores in the form for metrics, without words that have no true label."""
        ...

    def confusion(self, true: Sequence[Any], predicted: Sequence[Any]) -> NDArray[np.int64]:
        """Return the confusion matrix of stored names, int64, (classes, classes); rows are true classes.

        Independent labels have a matrix each, (labels, 2, 2), as in scikit-learn's ``multilabel_confusion_matrix``.
        """
        ...

    def counts_by_class(self, true: Sequence[Any], predicted: Sequence[Any], mode: Mode) -> tuple[ClassCounts, ...]:
        """Return the counts of each class, by stored names: in the order of the labels, or of the types of entities."""
        ...

    def example_views(
        self, true: Sequence[Any], contenders: Sequence[SeedDecisions], texts: Sequence[Sequence[Any]], mode: Mode
    ) -> ExampleViews:
        """Return what the report's lists of texts show.

        Args:
            true: the stored names of the true labels.
            contenders: the predictions of each contender.
            texts: the stored values of each text column.
            mode: how to read sequences of tags that their scheme doesn't allow.
        """
        ...

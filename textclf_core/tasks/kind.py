"""What the rest of the engine asks of a kind of task.

Four protocols, by who asks; a kind is one frozen dataclass that gives all of them (:class:`TaskKind`). "Labels" are the
values of the column ``label`` of a split: label ids, or lists of them; "names" are those of a stored column: label
names, or lists of them. Texts that are labelled as a whole share :class:`~textclf_core.tasks.whole_texts.WholeTexts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from textclf_core.statistics import Metric
    from textclf_core.tasks.entities import Mode
    from textclf_core.types.classifier import Classifier, Labels, Scores
    from textclf_core.types.postprocessing import Decisions, PostprocessingStep
    from textclf_core.types.task import Task


class DataKind(Protocol):
    """What the preparation of the data asks, and plugins that say what they are made for."""

    @property
    def task(self) -> Task:
        """The task."""
        ...

    @property
    def what_has_labels(self) -> str:
        """What each text or word has, as the end of a sentence: ``a text may have several``."""
        ...

    @property
    def plugins_do_instead(self) -> str:
        """What a plugin that isn't made for this kind does, as the beginning of that sentence."""
        ...

    @property
    def no_rows_per_label(self) -> str | None:
        """Why no number of rows of each label can be sampled, as a sentence's beginning; ``None`` if it can."""
        ...

    @property
    def independent_labels(self) -> bool:
        """Whether each label is a yes or no of its own, so that none is taken for another."""
        ...

    def label_faults(self, data: Mapping[str, Dataset]) -> list[str]:
        """Return what is wrong with the labels of the splits, a sentence each; log what is merely unusual."""
        ...

    def without_nulls(self, split: Dataset) -> Dataset:
        """Return the split with an empty text, or word, where there was none."""
        ...

    def texts(self, split: Dataset) -> list[tuple[str, ...]]:
        """Return the texts of each row, or its words."""
        ...

    def names(self, labels: Sequence[Any]) -> list[Any]:
        """Return the name of each row's label, or the list of its labels' names; of a set of them, by their ids."""
        ...

    def label_counts(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Return how many rows have each label, or how many words, int64, (labels,)."""
        ...

    def label_shares(self, labels: Sequence[Any]) -> NDArray[np.float64]:
        """Return the share of the rows that has each label, or of the words, float64, (labels,)."""
        ...

    def strata(self, labels: Sequence[Any]) -> list[int]:
        """Return the group of each row that rows are sampled by, so that a sample has the whole's proportions."""
        ...


class Places(Protocol):
    """Where what has a label stands in a batch: each row once, or the first sub-token of each word."""

    @property
    def count(self) -> int:
        """How many have a label."""
        ...

    def put(self, values: NDArray[np.float32], rows: Sequence[int], into: NDArray[np.float32]) -> None:
        """Put what a batch gave for its rows, (rows, labels) or (rows, tokens, labels), into (count, labels)."""
        ...


class TrainingKind(Protocol):
    """What tokenizing, the encoder's head and its training ask. Tensors are on the device of the model."""

    @property
    def auto_model(self) -> str:
        """The class of transformers that puts the task's head on a body."""
        ...

    @property
    def problem_type(self) -> str | None:
        """The task as a model's configuration names it: pipelines turn logits into scores by it."""
        ...

    @property
    def token_columns(self) -> Mapping[str, str]:
        """Columns of lists, one value a token, that :meth:`encode` gives besides the tokenizer's, and their dtype."""
        ...

    def encode(self, tokenizer: PreTrainedTokenizerBase, columns: Sequence[list[Any]]) -> dict[str, list[Any]]:
        """Return the tokens of rows, whole, with ``special_tokens_mask``, given the values of each text column.

        Raises:
            UsageError: the tokenizer can't read such rows.
        """
        ...

    def tokenized_labels(
        self, labels: Sequence[Any], tokenized: Mapping[str, list[Any]], feature: Any
    ) -> tuple[list[Any], Any]:
        """Return the labels as tokenized rows hold them, and their feature.

        Args:
            labels: of the rows.
            tokenized: the other columns of the tokenized rows, truncated.
            feature: of the labels as they come.
        """
        ...

    def training_labels(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return the labels of tokenized rows: int64, (rows,), or zeros and ones, (rows, labels), or (words,)."""
        ...

    def loss_terms(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return how many terms of the loss each tokenized row has, int64, (rows,)."""
        ...

    def class_counts(self, labels: Tensor) -> Tensor:
        """Return how many terms of the loss are of each class, float64, (classes,), or of several labels (labels, 2).

        Args:
            labels: those of train, as :meth:`training_labels` gives them.
        """
        ...

    def class_weights(self, given: Tensor) -> Tensor:
        """Return one weight a label in the shape of :meth:`class_counts`, float64."""
        ...

    def loss(
        self,
        logits: Tensor,
        labels: Tensor,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
    ) -> Tensor:
        """Return the sum of the losses of all that has a label, a float32 scalar: see :class:`training.loss.Loss`.

        Args:
            logits: float32, (rows, labels), or (rows, tokens, labels).
            labels: int64, in the form of a batch's.
            class_weights: float32, in the shape of :meth:`class_counts`; ``None`` for 1.
            label_smoothing: what the other classes get of a label's share.
            focal_gamma: the focus on what is hard.
        """
        ...

    def right(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return whether each row, or word, gets its right label, or all of them: bool, (rows,).

        Args:
            logits: (rows, labels).
            labels: as :meth:`training_labels` gives them.
        """
        ...

    def with_label(self, values: NDArray[Any], tokenized: Dataset) -> NDArray[Any]:
        """Return the values of what has a label, in the order of :meth:`training_labels`.

        Args:
            values: one for each of the :meth:`places`.
            tokenized: the rows as tokens.
        """
        ...

    def places(self, tokenized: Dataset) -> Places:
        """Return where in their batches that stands which the classifier scores."""
        ...

    def scores(self, logits: NDArray[np.float32], tokenized: Dataset, data: Dataset) -> Scores:
        """Return the probabilities of rows, as a classifier gives them.

        Args:
            logits: of what :meth:`places` has, float32, (count, labels).
            tokenized: the rows as tokens.
            data: the rows.
        """
        ...

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of logits of one classifier of whole texts, both float64, (rows, labels)."""
        ...

    def unseen(self, tokenized: Dataset, data: Dataset) -> str | None:
        """Return a note on what has a label and no token, being cut off or empty; ``None`` if there is nothing."""
        ...


class EvaluationKind(Protocol):
    """What evaluation, metrics and prediction ask."""

    def label_array(self, labels: Sequence[Any]) -> Any:
        """Return labels as metrics take them: int64, (rows,); zeros and ones, (rows, labels); a list of (words,)."""
        ...

    def flat(self, values: Any) -> NDArray[Any]:
        """Return labels or scores of all rows as one array, their words one after the other: (rows, ...)."""
        ...

    def invented(self, labels: Sequence[int], scores: NDArray[np.float32]) -> tuple[list[Any], Scores, Labels]:
        """Return rows that have one of ``labels`` each as the task has them, to try metrics and postprocessors on.

        Args:
            labels: label ids.
            scores: of them, float32, (labels, labels of the task).

        Returns:
            The column ``label``; the scores; the labels as right predictions.
        """
        ...

    def repeated(self, scores: NDArray[np.float32], data: Dataset) -> Scores:
        """Return the same scores, (labels,), for every row, or word."""
        ...

    def scores_fault(self, scores: Scores, data: Dataset) -> str | None:
        """Return what scores of ``data`` must be, and what came, if these are no such; ``None`` if they are.

        Whether all are finite isn't looked at.
        """
        ...

    def scored(self, references: Labels, values: Any) -> Any:
        """Return the labels or scores that metrics count: of all rows, but not of words without a label."""
        ...

    def decide(self, scores: Scores, steps: Iterable[PostprocessingStep]) -> Decisions:
        """Return what the steps make of a classifier's scores; labels are chosen by the last step that does so."""
        ...

    def decided(self, predictions: Labels) -> NDArray[np.bool_]:
        """Return whether each row has an answer: bool, (rows,)."""
        ...

    def auto_average(self) -> str:
        """Return the average of F1 where none is asked for."""
        ...

    def check_average(self, average: str) -> str | None:
        """Return why precision, recall and F1 can't be averaged so, as the rest of a sentence; ``None`` if they can."""
        ...

    @property
    def more_averages(self) -> tuple[str, ...]:
        """The averages that stand beside the one that was asked for."""
        ...

    def averaged_labels(self, references: NDArray[np.int64], predictions: NDArray[np.int64]) -> Sequence[int] | None:
        """Return the label ids that scikit-learn is to average over; ``None`` if it finds them itself."""
        ...

    def prediction_columns(self, references: Labels, predictions: Labels, scores: Scores) -> dict[str, pa.Array]:
        """Return the columns of stored predictions: ``label``, ``prediction``, ``scores``, and what a kind adds."""
        ...

    def readable(self, value: object) -> Any:
        """Return a cell to predict as the column of a data set holds it; ``None`` if it isn't a text.

        Args:
            value: the cell; ``None`` for a missing text, which is an empty one.
        """
        ...

    @property
    def predicted_types(self) -> Mapping[str, pa.DataType]:
        """The columns that :meth:`predicted` gives, with their types."""
        ...

    def predicted(self, classifier: Classifier, texts: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
        """Yield the predictions of each row, by column.

        Args:
            classifier: a trained classifier.
            texts: the readable values of the task's text columns.
        """
        ...

    def as_row(self, text: str) -> Any:
        """Return a text as the column of a row holds it."""
        ...


@dataclass(frozen=True)
class ClassCounts:
    """How many of one class were found rightly, were predicted, and are there: rows, words or entities."""

    label: str
    right: int
    predicted: int
    true: int


@dataclass(frozen=True)
class SeedDecisions:
    """What a contender's runs, one a seed, say of the test split.

    Attributes:
        names: each run's stored column ``prediction``.
        scores: each run's scores, float32, (rows or words, labels).
    """

    names: Sequence[Sequence[Any]]
    scores: Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class ExampleViews:
    """What there is to say of each row of the test split, and what contenders say.

    Attributes:
        names: what stands for a label, such as ``politics; sports`` for a set of them.
        truth: the true one's index in ``names``, int64, (rows,).
        labels: contenders' indices, int64, (contenders, rows).
        confidence: contenders' confidences, float64, (contenders, rows).
        wrong_seeds: how many of a contender's seeds are wrong, int64, (contenders, rows).
    """

    names: tuple[str, ...]
    truth: NDArray[np.int64]
    labels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    wrong_seeds: NDArray[np.int64]


class ReportKind(Protocol):
    """What reports ask: tables, page, plots and model card, all from stored predictions."""

    @property
    def pipeline(self) -> str:
        """The name that transformers and the hub have for the task."""
        ...

    @property
    def pipeline_options(self) -> str:
        """What a pipeline of transformers is told besides, to give all that the model says: ``, top_k=None``."""
        ...

    @property
    def labelled(self) -> str:
        """What is labelled with the label names that follow: ``each word of a text with one of``."""
        ...

    @property
    def class_rows(self) -> str:
        """What the scores of a class are counted in: ``rows`` or ``entities``."""
        ...

    @property
    def class_rows_in_test(self) -> str:
        """The heading of their number in a model card."""
        ...

    @property
    def matrix_row(self) -> str:
        """How the caption of a confusion matrix begins: ``A``, or ``Words: a``, before ``row is a true class``."""
        ...

    @property
    def each_prediction(self) -> str:
        """What a prediction is of, behind the word, if not of a row: ``for words``."""
        ...

    def labels_of_split(self, rows: int, label_counts: Mapping[str, int]) -> int:
        """Return how many a split has of what a label is given to: rows or words."""
        ...

    def label_ids(self, names: Sequence[Any]) -> NDArray[np.int64]:
        """Return stored names as label ids, int64, (rows,), -1 for none; zeros and ones, (rows, labels); (words,)."""
        ...

    def stored_scores(self, column: pa.ChunkedArray) -> NDArray[np.float32]:
        """Return a stored column of scores, float32, (rows, labels), or of all words of all rows, (words, labels)."""
        ...

    def metric(self, name: str, average: str) -> Metric:
        """Return what ``f1`` or ``accuracy`` means.

        Args:
            name: one of the two.
            average: of F1, as the run's plugin was told: ``auto`` if it wasn't.

        Raises:
            UsageError: the labels have no F1.
        """
        ...

    def references(self, metric: Metric, true: Sequence[Any], mode: Mode) -> NDArray[np.int64]:
        """Return what a metric takes for references, int64, (rows,), or (rows, labels).

        Args:
            metric: what is measured.
            true: the stored names of the true labels.
            mode: how sequences of tags are read that their scheme doesn't allow.
        """
        ...

    def outcomes(self, metric: Metric, true: Sequence[Any], predicted: Sequence[Any], mode: Mode) -> NDArray[np.int64]:
        """Return what a metric takes for a run's predictions, int64, in the shape of the references."""
        ...

    def confusion(self, true: Sequence[Any], predicted: Sequence[Any]) -> NDArray[np.int64]:
        """Return how often each class was taken for each, by their stored names: int64, (classes, classes).

        A row is a true class. Of independent labels none is taken for another: there is a matrix for each, (labels, 2,
        2), not to have it before having it, as scikit-learn's ``multilabel_confusion_matrix``.
        """
        ...

    def counts_by_class(self, true: Sequence[Any], predicted: Sequence[Any], mode: Mode) -> tuple[ClassCounts, ...]:
        """Return the counts of each class, by stored names: in the order of the labels, or of the types of entities."""
        ...

    def example_views(
        self, true: Sequence[Any], contenders: Sequence[SeedDecisions], texts: Sequence[Sequence[Any]], mode: Mode
    ) -> ExampleViews:
        """Return what the lists of texts show.

        Args:
            true: the stored names of the true labels.
            contenders: what each says.
            texts: the stored values of each text column.
            mode: how sequences of tags are read that their scheme doesn't allow.
        """
        ...


class TaskKind(DataKind, TrainingKind, EvaluationKind, ReportKind, Protocol):
    """All that a kind of task decides."""

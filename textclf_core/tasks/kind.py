"""The interface of a kind of task, :class:`TaskKind`: one protocol for each part of the engine that uses it.

A kind is a frozen dataclass that implements all four; that of reports is in
:mod:`~textclf_core.tasks.report_kind`. "Labels" are values of the column ``label`` of a split: label ids, or lists of
them; "names" are values of a stored column: label names, or lists of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from textclf_core.tasks.report_kind import ReportKind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from textclf_core.types.classifier import Classifier, Labels, Scores
    from textclf_core.types.postprocessing import Decisions, PostprocessingStep
    from textclf_core.types.task import Task


class DataKind(Protocol):
    """The part that is used to prepare data, and by plugins that support only some kinds."""

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
        """What a plugin that doesn't support this kind does, as the beginning of that sentence."""
        ...

    @property
    def no_rows_per_label(self) -> str | None:
        """Why a number of rows per label can't be sampled, as a sentence's beginning; ``None`` if it can."""
        ...

    @property
    def independent_labels(self) -> bool:
        """Whether a text may have any number of the labels."""
        ...

    def label_faults(self, data: Mapping[str, Dataset]) -> list[str]:
        """Return the faults of the splits' labels, each as a sentence; log what is merely unusual."""
        ...

    def without_nulls(self, split: Dataset) -> Dataset:
        """Return the split with missing texts or words replaced by empty ones."""
        ...

    def texts(self, split: Dataset) -> list[tuple[str, ...]]:
        """Return the texts of each row, or its words."""
        ...

    def names(self, labels: Sequence[Any]) -> list[Any]:
        """Return the name of each row's label, or the list of its labels' names, in the order of ids if it is a set."""
        ...

    def label_counts(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Return the number of rows, or words, with each label, int64, (labels,)."""
        ...

    def label_shares(self, labels: Sequence[Any]) -> NDArray[np.float64]:
        """Return the share of the rows, or words, that have each label, float64, (labels,)."""
        ...

    def unknown_entries(self, labels: Sequence[Any]) -> NDArray[np.bool_]:
        """Return whether it is unknown that each row has each label, bool, (rows, labels).

        It may be if a text may have several labels. Such entries have no part in loss, counts and metrics.
        """
        ...

    def strata(self, labels: Sequence[Any]) -> list[int]:
        """Return the stratum of each row, for stratified sampling."""
        ...


class Places(Protocol):
    """The places in a batch that have labels: each row once, or the first sub-token of each word."""

    @property
    def count(self) -> int:
        """The number of places."""
        ...

    def put(self, values: NDArray[np.float32], rows: Sequence[int], into: NDArray[np.float32]) -> None:
        """Copy a batch's values, (rows, labels) or (rows, tokens, labels), to its rows' places, (count, labels)."""
        ...


class TrainingKind(Protocol):
    """The part that is used to tokenize, to build the head and to train. Tensors are on the device of the model."""

    @property
    def auto_model(self) -> str:
        """The class of transformers for a body with the task's head."""
        ...

    @property
    def problem_type(self) -> str | None:
        """``problem_type`` of the model's configuration, by which pipelines compute scores from logits."""
        ...

    @property
    def token_columns(self) -> Mapping[str, str]:
        """The columns that :meth:`encode` adds to the tokenizer's: lists with one value per token; and their dtypes."""
        ...

    def encode(self, tokenizer: PreTrainedTokenizerBase, columns: Sequence[list[Any]]) -> dict[str, list[Any]]:
        """Return the tokens of rows, not truncated, with ``special_tokens_mask``, given the values of each text column.

        Raises:
            UsageError: the tokenizer can't read such rows.
        """
        ...

    def tokenized_labels(
        self, labels: Sequence[Any], tokenized: Mapping[str, list[Any]], feature: Any
    ) -> tuple[list[Any], Any]:
        """Return the labels in the form of tokenized rows, and their feature.

        Args:
            labels: the labels of the rows.
            tokenized: the other columns of the tokenized rows, truncated.
            feature: the feature of ``labels``.
        """
        ...

    def training_labels(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return the labels of tokenized rows: int64, (rows,), or zeros and ones, (rows, labels), or (words,).

        Of zeros and ones, ``NO_LABEL`` stands for an unknown one.
        """
        ...

    def loss_terms(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return the number of terms of the loss of each tokenized row, int64, (rows,)."""
        ...

    def class_counts(self, labels: Tensor) -> Tensor:
        """Return the number of terms of the loss of each class, float64, (classes,); if multi-label, (labels, 2).

        Args:
            labels: the labels of train, from :meth:`training_labels`.
        """
        ...

    def class_weights(self, given: Tensor) -> Tensor:
        """Return one weight per label in the shape of :meth:`class_counts`, float64."""
        ...

    def losses(
        self,
        logits: Tensor,
        labels: Tensor,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
    ) -> Tensor:
        """Return the losses of all rows or words, float32, in the shape of the labels: see ``EncoderTraining``.

        In a token task, they are flat, and may leave out words without a label.

        Args:
            logits: float32, (rows, labels), or (rows, tokens, labels).
            labels: int64, as in a batch.
            class_weights: float32, in the shape of :meth:`class_counts`; ``None`` for 1.
            label_smoothing: the share of a label that is spread over all classes.
            focal_gamma: the exponent of the focal loss; 0 for cross-entropy.
        """
        ...

    def right(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return whether the prediction of each row, or word, is correct (all of its known labels): bool, (rows,).

        Args:
            logits: (rows, labels).
            labels: from :meth:`training_labels`.
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
        """Return the places in batches that the classifier scores."""
        ...

    def scores(self, logits: NDArray[np.float32], tokenized: Dataset, data: Dataset) -> Scores:
        """Return the scores of rows, as a classifier returns them.

        Args:
            logits: the logits at the :meth:`places`, float32, (count, labels).
            tokenized: the tokenized rows.
            data: the rows.
        """
        ...

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of logits, both float64, (rows, labels)."""
        ...

    def unseen(self, tokenized: Dataset, data: Dataset) -> str | None:
        """Return a note on words with a label but no token (truncated or empty); ``None`` if there are none."""
        ...


class EvaluationKind(Protocol):
    """The part that is used to evaluate and to predict."""

    def label_array(self, labels: Sequence[Any]) -> Any:
        """Return labels in the form for metrics: int64, (rows,); zeros and ones, (rows, labels); a list of (words,).

        Of zeros and ones, ``NO_LABEL`` stands for an unknown one.
        """
        ...

    def flat(self, values: Any) -> NDArray[Any]:
        """Return labels or scores of all rows as one array, (rows, ...), or (words, ...)."""
        ...

    def invented(self, labels: Sequence[int], scores: NDArray[np.float32]) -> tuple[list[Any], Scores, Labels]:
        """Return rows with one of ``labels`` each, in the task's form, to try metrics and postprocessors on.

        Args:
            labels: label ids.
            scores: their scores, float32, (labels, labels of the task).

        Returns:
            The column ``label``, the scores, and the labels as predictions.
        """
        ...

    def repeated(self, scores: NDArray[np.float32], data: Dataset) -> Scores:
        """Return the same scores, (labels,), for every row or word."""
        ...

    def scores_fault(self, scores: Scores, data: Dataset) -> str | None:
        """Return the expected and the found form of scores of ``data``; ``None`` if the form is right.

        It isn't checked whether scores are finite.
        """
        ...

    def scored(self, references: Labels, values: Any) -> Any:
        """Return the labels or scores that metrics count: of all rows, but not of words without a label."""
        ...

    def decide(self, scores: Scores, steps: Iterable[PostprocessingStep]) -> Decisions:
        """Return the decisions after all postprocessing steps; the last step that chooses labels decides."""
        ...

    def decided(self, predictions: Labels) -> NDArray[np.bool_]:
        """Return whether each row has an answer: bool, (rows,)."""
        ...

    def auto_average(self) -> str:
        """Return the default average of F1."""
        ...

    def check_average(self, average: str) -> str | None:
        """Return why an average of F1 isn't supported, as the rest of a sentence; ``None`` if it is."""
        ...

    @property
    def more_averages(self) -> tuple[str, ...]:
        """The averages that are computed besides the chosen one."""
        ...

    def prediction_columns(self, references: Labels, predictions: Labels, scores: Scores) -> dict[str, pa.Array]:
        """Return the columns of stored predictions: ``label``, ``prediction``, ``scores``, and those of the kind."""
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
        """Return a text as a value of the text column."""
        ...


class TaskKind(DataKind, TrainingKind, EvaluationKind, ReportKind, Protocol):
    """The whole interface of a kind of task."""

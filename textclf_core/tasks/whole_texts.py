"""What the two kinds of task share that label whole texts."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.errors import RunError, TextclfError, UsageError
from textclf_core.tasks.arrays import other_than
from textclf_core.types.postprocessing import Decisions, PostprocessingStep
from textclf_core.types.unicode import valid_text

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from textclf_core.types.classifier import Labels, Scores
    from textclf_core.types.task import Task


@dataclass(frozen=True)
class WholeTexts:
    """The part of a kind that doesn't depend on the number of labels per text; see :mod:`~textclf_core.tasks.kind`."""

    task: Task

    auto_model = "AutoModelForSequenceClassification"
    pipeline = "text-classification"
    matrix_row = "A"
    class_rows = "rows"
    class_rows_in_test = "test rows"

    # Data

    def without_nulls(self, split: Dataset) -> Dataset:
        """Return the split with missing texts replaced by empty ones, since tokenizers refuse ``None``."""
        for name in self.task.text_columns:
            if split.data.column(name).null_count:
                filled = ["" if text is None else text for text in split[name][:]]
                split = split.remove_columns(name).add_column(name, filled, feature=split.features[name])
        return split

    def texts(self, split: Dataset) -> list[tuple[str, ...]]:
        """Return the texts of each row."""
        return list(zip(*(split[name][:] for name in self.task.text_columns), strict=True))

    def label_shares(self, labels: Sequence[Any]) -> NDArray[np.float64]:
        """Return the share of rows with each label, float64, shape (labels,)."""
        return np.asarray(self.label_counts(labels) / len(labels))

    def label_counts(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Return the number of rows with each label, int64, shape (labels,)."""
        raise NotImplementedError

    def unknown_entries(self, labels: Sequence[Any]) -> NDArray[np.bool_]:
        """Return ``False`` for each row and label."""
        return np.broadcast_to(np.False_, (len(labels), self.task.num_labels))

    def labels_of_split(self, rows: int, label_counts: Mapping[str, int]) -> int:
        """Return the number of rows."""
        return rows

    # Training

    @property
    def token_columns(self) -> Mapping[str, str]:
        """The further columns of tokenized rows: none."""
        return {}

    def encode(self, tokenizer: PreTrainedTokenizerBase, columns: Sequence[list[Any]]) -> dict[str, list[Any]]:
        """Return each row's texts as tokens: two as a pair, more joined by the separator token.

        Raises:
            UsageError: there are more than two texts, and the tokenizer has no separator token.
        """
        return _encode(tokenizer, *columns) if len(columns) <= 2 else _encode_joined(tokenizer, columns)

    def training_labels(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return the column ``label``, int64, shape (rows,) or (rows, labels)."""
        return np.array(tokenized["label"], dtype=np.int64)

    def loss_terms(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return the number of loss terms of each row, int64, shape (rows,): 1."""
        return np.ones(len(tokenized), dtype=np.int64)

    def with_label(self, values: NDArray[Any], tokenized: Dataset) -> NDArray[Any]:
        """Return the values, since every row has a label."""
        return values

    def places(self, tokenized: Dataset) -> RowPlaces:
        """Return the places of the rows: each row is one place."""
        return RowPlaces(len(tokenized))

    def unseen(self, tokenized: Dataset, data: Dataset) -> str | None:
        """Return ``None``, since a truncated text keeps its label."""
        return None

    # Evaluation

    def flat(self, values: Any) -> NDArray[Any]:
        """Return the values unchanged."""
        return np.asarray(values)

    def repeated(self, scores: NDArray[np.float32], data: Dataset) -> Scores:
        """Return the same scores for every row, shape (rows, labels)."""
        return np.tile(scores, (len(data), 1))

    def scores_fault(self, scores: Scores, data: Dataset) -> str | None:
        """Return what is wrong with scores; ``None`` if they are numbers for each row and label."""
        wanted = (len(data), self.task.num_labels)
        came = other_than(scores, wanted)
        return f"must be a float32 array of shape {wanted}, not {came}." if came else None

    def scored(self, references: Labels, values: Any) -> Any:
        """Return the values, since every row is scored."""
        return values

    def decide(self, scores: Scores, steps: Iterable[PostprocessingStep]) -> Decisions:
        """Return the decisions after all steps, applied in order; the last step that chooses labels decides."""
        scores = np.asarray(scores)
        labels: NDArray[np.int64] | None = None
        for step in steps:
            scores, decided = self._processed(step, scores)
            labels = labels if decided is None else decided
        return Decisions(scores, self.chosen(scores) if labels is None else labels)

    def _processed(
        self, step: PostprocessingStep, scores: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
        """Return the scores and the labels that a step returns, both checked.

        Raises:
            RunError: the step failed, or returned invalid scores or labels.
        """
        rescored = _called(step, lambda: step.postprocessing.rescore(scores))
        came = other_than(rescored, scores.shape)
        if came or not np.isfinite(rescored).all():
            raise RunError(
                f"rescore of {step.plugin!r} must return finite scores of shape {scores.shape}, not "
                f"{came or 'NaN or infinite numbers'}."
            )
        rescored = np.asarray(rescored, dtype=np.float32)
        decided = _called(step, lambda: step.postprocessing.decide(rescored))
        if decided is None:
            return rescored, None
        labels, usual = np.asarray(decided), self.chosen(rescored)
        low = -1 if step.postprocessing.abstains and usual.ndim == 1 else 0
        high = self.task.num_labels - 1 if usual.ndim == 1 else 1
        fits = labels.shape == usual.shape and labels.dtype.kind in "iub"
        if not fits or not ((low <= labels) & (labels <= high)).all():
            raise RunError(
                f"decide of {step.plugin!r} must return whole numbers from {low} to {high} of shape {usual.shape}, not "
                f"{reprlib.repr(labels.tolist())}."
            )
        return rescored, labels.astype(np.int64)

    def chosen(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the labels to use if no step chooses them."""
        raise NotImplementedError

    def readable(self, value: object) -> str | None:
        """Return the text; a missing one is empty."""
        if value is None:
            return ""
        return valid_text(value) if isinstance(value, str) else None

    def as_row(self, text: str) -> str:
        """Return the text."""
        return text

    # Reports

    def stored_scores(self, column: Any) -> NDArray[np.float32]:
        """Return a stored column of scores, float32, shape (rows, labels)."""
        flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat, dtype=np.float32).reshape(-1, self.task.num_labels)

    def label_ids(self, names: Sequence[Any]) -> NDArray[np.int64]:
        """Return stored names as label ids."""
        raise NotImplementedError

    def auto_average(self) -> str:
        """Return ``macro``, the mean over labels."""
        return "macro"

    def answers(self, true: Sequence[Any], names: Sequence[Any]) -> NDArray[np.int64]:
        """Return stored names as label ids."""
        return self.label_ids(names)

    def answer_scores(self, true: Sequence[Any], column: Any) -> NDArray[np.float32]:
        """Return a stored column of scores."""
        return self.stored_scores(column)


@dataclass(frozen=True)
class RowPlaces:
    """The places of whole texts: each row is scored once."""

    count: int

    def put(self, values: NDArray[np.float32], rows: Sequence[int], into: NDArray[np.float32]) -> None:
        """Copy a batch's scores, shape (rows, labels), to its rows in the array of all rows."""
        into[rows] = values


def _encode(tokenizer: PreTrainedTokenizerBase, *columns: list[str], special: bool = True) -> dict[str, list[Any]]:
    # With `verbose` it would warn of texts longer than the model's limit; they are truncated later.
    return dict(
        tokenizer(
            *columns,
            add_special_tokens=special,
            return_attention_mask=True,
            return_special_tokens_mask=True,
            verbose=False,
        )
    )


def _encode_joined(tokenizer: PreTrainedTokenizerBase, columns: Sequence[list[str]]) -> dict[str, list[Any]]:
    """Return the texts of more than two columns as one input, joined by the separator token.

    Raises:
        UsageError: the tokenizer has no separator token.
    """
    separator = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    if separator is None:
        raise UsageError(
            f"the tokenizer {type(tokenizer).__name__} has no separator token, so it can't join {len(columns)} text "
            "columns. Join them in the data, or name two."
        )
    [of_one_token] = _encode(tokenizer, ["a"])["special_tokens_mask"]
    closing = of_one_token[::-1].index(0)  # the number of special tokens after a text
    encoded = _encode(tokenizer, columns[0])
    for column in columns[1:]:
        further = _encode(tokenizer, column, special=False)
        for row, ids in enumerate(further["input_ids"]):
            end = len(encoded["input_ids"][row]) - closing
            added = {
                "input_ids": [separator, *ids],
                "special_tokens_mask": [1, *further["special_tokens_mask"][row]],
                "attention_mask": [1] * (len(ids) + 1),
                "token_type_ids": [0] * (len(ids) + 1),
            }
            for name, values in encoded.items():
                values[row][end:end] = added[name]
    return encoded


def _called(step: PostprocessingStep, call: Callable[[], Any]) -> Any:
    """Return the result of a step's method.

    Raises:
        RunError: the method failed.
    """
    try:
        return call()
    except TextclfError:
        raise
    except (Exception, SystemExit) as error:
        raise RunError(f"the postprocessing of {step.plugin!r} failed: {type(error).__name__}: {error}") from error

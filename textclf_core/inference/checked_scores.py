"""Scores of rows to predict: checked, with a count of the texts that are longer than the model reads."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.encoder.tokenizing_classifier import Tokenizing
from textclf_core.errors import RunError
from textclf_core.tasks import kind_of
from textclf_core.tasks.decisions import PostprocessedClassifier

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.types.classifier import Classifier, Scores
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

# A text has at most about as many tokens as bytes, besides the special tokens.
_SPECIAL_TOKENS = 16


@dataclass
class CheckedClassifier:
    """A classifier whose scores are checked.

    Attributes:
        classifier: the classifier.
        task: its task.
        rows: the number of rows scored so far.
        truncated: how many of them are longer than the classifier reads.
    """

    classifier: Classifier
    task: Task
    rows: int = 0
    truncated: int = 0

    def scores(self, data: Dataset) -> Scores:
        """Return the classifier's scores.

        Raises:
            RunError: they aren't numbers for each row and label.
        """
        scores = self.classifier.scores(data)
        if fault := kind_of(self.task).scores_fault(scores, data):
            raise RunError(f"the scores of the model {fault}")
        for number, row in enumerate(scores, self.rows + 1):
            if not np.isfinite(row).all():
                raise RunError(
                    f"row {number}: the model's scores are no numbers (NaN or infinite), so there is no prediction. "
                    "Its weights are damaged, or its training diverged: copy the model again, or train a new one."
                )
        self.rows += len(data)
        if isinstance(self.classifier, Tokenizing):
            self.truncated += _truncated(self.classifier, data, self.task)
        return scores

    def save(self, directory: Path) -> None:
        """Write the classifier."""
        self.classifier.save(directory)

    def log_truncated(self) -> None:
        """Log how many texts were truncated, if any."""
        if self.truncated and isinstance(self.classifier, Tokenizing):
            logger.warning(
                "the model reads at most %d tokens: %d of %d texts are longer, and it neither reads nor labels the "
                "rest of them (truncation=%s)",
                _longest(self.classifier),
                self.truncated,
                self.rows,
                self.classifier.tokenization.truncation,
            )


def checked(classifier: Classifier, task: Task) -> tuple[Classifier, CheckedClassifier]:
    """Return a classifier with the same postprocessing whose scores are checked, and the part that checks them."""
    if isinstance(classifier, PostprocessedClassifier):
        inner = CheckedClassifier(classifier.classifier, task)
        return PostprocessedClassifier(inner, classifier.steps, task), inner
    inner = CheckedClassifier(classifier, task)
    return inner, inner


def _longest(classifier: Tokenizing) -> int:
    return classifier.tokenization.length or classifier.encoder.longest_input


def _truncated(classifier: Tokenizing, data: Dataset, task: Task) -> int:
    """Return how many rows have more tokens than the classifier reads; only long ones are tokenized for it."""
    columns = [data[name][:] for name in task.text_columns]
    least = _longest(classifier) - _SPECIAL_TOKENS
    long = [index for index, row in enumerate(zip(*columns, strict=True)) if sum(map(_size, row)) > least]
    if not long:
        return 0
    flags = np.asarray(classifier.tokenize(data.select(long))["truncated"][:], dtype=bool)
    return int(flags.reshape(len(long), -1).any(axis=1).sum())


def _size(text: str | Sequence[Any]) -> int:
    """Return the number of bytes of a text or of words."""
    return len(text.encode("utf-8", "replace")) if isinstance(text, str) else sum(map(_size, text))

"""The kind ``single-label``: texts with one label each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.tasks.decisions import decisions_of
from textclf_core.tasks.label_checks import named_split
from textclf_core.tasks.report_kind import ClassCounts, ExampleViews, SeedDecisions
from textclf_core.tasks.whole_texts import WholeTexts
from textclf_core.types.postprocessing import UNDECIDED

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor

    from textclf_core.tasks.entities import Mode
    from textclf_core.types.classifier import Classifier, Labels, Scores

_MOST_FAULTS = 5


@dataclass(frozen=True)
class SingleLabel(WholeTexts):
    """The kind ``single-label``; see :mod:`~textclf_core.tasks.kind`. Labels are int64, shape (rows,)."""

    what_has_labels = "each text has a label"
    plugins_do_instead = "it labels something else than whole texts"
    no_rows_per_label = None
    independent_labels = False
    problem_type = "single_label_classification"
    pipeline_options = ""
    labelled = "a text with one of"
    each_prediction = ""
    more_averages = ()

    # Data

    def label_faults(self, data: Mapping[str, Dataset]) -> list[str]:
        """Return the faults of the labels: rows without a label, a single label, labels that don't occur in train."""
        faults = []
        in_train: set[int] = set()
        for name, split in data.items():
            labels = split["label"][:]
            if not labels:
                faults.append(f"{named_split(data, name)} has no rows")
                continue
            unlabelled = [index for index, label in enumerate(labels) if label is None or label < 0]
            if unlabelled:
                faults.append(
                    f"{named_split(data, name)}: {len(unlabelled)} rows have no label; the first is row "
                    f"{unlabelled[0] + 1}"
                )
            present = {label for label in labels if label is not None and label >= 0}
            if name == "train":
                in_train = present
                if len(present) == 1:
                    only = self.task.label_names[present.pop()]
                    faults.append(
                        f"{named_split(data, name)}: every row has the label {only!r}; a classifier needs two"
                    )
                    in_train = set(range(self.task.num_labels))  # so that this fault is reported once
                continue
            beyond = sorted(present - in_train)
            for label in beyond[:_MOST_FAULTS]:
                faults.append(
                    f"{named_split(data, name)}: {labels.count(label)} rows have the label "
                    f"{self.task.label_names[label]!r}, which doesn't occur in train; the first is row "
                    f"{labels.index(label) + 1}"
                )
            if (more := len(beyond) - _MOST_FAULTS) > 0:
                faults.append(f"{named_split(data, name)}: {more} more labels don't occur in train")
        return faults

    def names(self, labels: Sequence[Any]) -> list[Any]:
        """Return the name of each row's label."""
        return [self.task.label_names[label] for label in labels]

    def label_counts(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Return the number of rows with each label, int64, shape (labels,)."""
        return np.bincount(np.asarray(labels, dtype=np.int64), minlength=self.task.num_labels)

    def strata(self, labels: Sequence[Any]) -> list[int]:
        """Return the labels as strata."""
        return list(labels)

    # Training

    def tokenized_labels(
        self, labels: Sequence[Any], tokenized: Mapping[str, list[Any]], feature: Any
    ) -> tuple[list[Any], Any]:
        """Return the label ids and their feature."""
        return self.label_array(labels).tolist(), feature

    def class_counts(self, labels: Tensor) -> Tensor:
        """Return the number of rows with each label, float64, shape (labels,)."""
        import torch

        return torch.bincount(labels, minlength=self.task.num_labels).double()

    def class_weights(self, given: Tensor) -> Tensor:
        """Return the weights unchanged."""
        return given

    def losses(
        self,
        logits: Tensor,
        labels: Tensor,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
    ) -> Tensor:
        """Return the cross-entropy of each row; labels are int64, shape (rows,)."""
        from textclf_core.tasks.losses import loss_of_one_label

        return loss_of_one_label(logits, labels, class_weights, label_smoothing, focal_gamma)

    def right(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return whether the label has the highest logit, bool, shape (rows,)."""
        return logits.argmax(-1) == labels

    def scores(self, logits: NDArray[np.float32], tokenized: Dataset, data: Dataset) -> Scores:
        """Return the softmax of the logits, float32, shape (rows, labels)."""
        import torch

        return torch.softmax(torch.from_numpy(logits), dim=-1).numpy()

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the softmax of the logits, float64, shape (rows, labels)."""
        from scipy.special import softmax

        return np.asarray(softmax(logits, axis=1))

    # Evaluation

    def label_array(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Return label ids, int64, shape (rows,)."""
        return np.asarray(labels, dtype=np.int64)

    def invented(self, labels: Sequence[int], scores: NDArray[np.float32]) -> tuple[list[Any], Scores, Labels]:
        """Return one row per label."""
        return list(labels), scores, self.label_array(labels)

    def chosen(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the label with the highest score (the first of equal ones), int64, shape (rows,)."""
        return np.asarray(scores.argmax(axis=-1), dtype=np.int64)

    def decided(self, predictions: Labels) -> NDArray[np.bool_]:
        """Return whether each row has a label instead of -1, bool, shape (rows,)."""
        return np.asarray(np.asarray(predictions) != UNDECIDED)

    def auto_average(self) -> str:
        """Return ``binary`` for two labels, ``macro`` for more."""
        return "binary" if self.task.num_labels == 2 else "macro"

    def check_average(self, average: str) -> str | None:
        """Return why an average isn't defined; ``None`` if it is.

        ``samples`` needs a multi-label task, and ``binary`` a task with two labels.
        """
        if average == "samples":
            return "average=samples needs texts that may have several labels, and these have one."
        if average == "binary" and self.task.num_labels != 2:
            return (
                f"average=binary needs a task with two labels, and this one has {self.task.num_labels} "
                f"({', '.join(self.task.label_names)}). Use macro, micro or weighted."
            )
        return None

    def prediction_columns(self, references: Labels, predictions: Labels, scores: Scores) -> dict[str, pa.Array]:
        """Return the columns ``label`` and ``prediction`` (names; null for an unanswered row) and ``scores``."""
        import pyarrow as pa

        def named(labels: Labels) -> pa.Array:
            ids = np.asarray(labels)
            return pa.array(self.task.label_names).take(pa.array(ids, mask=ids == UNDECIDED))

        return {
            "label": named(references),
            "prediction": named(predictions),
            "scores": pa.array(list(np.asarray(scores, dtype=np.float32)), type=pa.list_(pa.float32())),
        }

    @property
    def predicted_types(self) -> Mapping[str, pa.DataType]:
        """The columns ``prediction`` and ``score``."""
        import pyarrow as pa

        return {"prediction": pa.string(), "score": pa.float64()}

    def predicted(self, classifier: Classifier, texts: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
        """Yield ``prediction``, a label name or ``None``, and ``score``, its probability.

        The score of an unanswered row is the highest probability. Scores are rounded to six digits.
        """
        from datasets import Dataset

        decisions = decisions_of(classifier, Dataset.from_dict(dict(texts)), self.task)
        for label, scores in zip(decisions.labels, decisions.scores, strict=True):
            decided = label != UNDECIDED
            yield {
                "prediction": self.task.label_names[label] if decided else None,
                "score": round(float(scores[label] if decided else scores.max()), 6),
            }

    # Reports

    def label_ids(self, names: Sequence[Any]) -> NDArray[np.int64]:
        """Return label ids, int64, shape (rows,); -1 for a row without a name."""
        ids = {name: index for index, name in enumerate(self.task.label_names)}
        return np.array([UNDECIDED if name is None else ids[name] for name in names], dtype=np.int64)

    def confusion(self, true: Sequence[Any], predicted: Sequence[Any]) -> NDArray[np.int64]:
        """Return the confusion matrix, int64, shape (labels, labels): rows are true labels, columns predicted ones."""
        from textclf_core.statistics.confusion import confusion_matrix

        return confusion_matrix(self.label_ids(true), self.label_ids(predicted), classes=self.task.num_labels)

    def counts_by_class(self, true: Sequence[Any], predicted: Sequence[Any], mode: Mode) -> tuple[ClassCounts, ...]:
        """Return the numbers of correct, predicted and true rows of each label."""
        return counts_of_confusion(self.confusion(true, predicted), self.task.label_names)

    def example_views(
        self, true: Sequence[Any], contenders: Sequence[SeedDecisions], texts: Sequence[Sequence[Any]], mode: Mode
    ) -> ExampleViews:
        """Return each contender's label with the highest mean score over its seeds, and that score as confidence.

        If a postprocessor chooses the labels, it is the label that most seeds predict.
        """
        truth = self.label_ids(true)
        labels, confidence, wrong = [], [], []
        for contender in contenders:
            predictions = np.stack([self.label_ids(names) for names in contender.names])
            means = np.asarray(np.mean(contender.scores, axis=0, dtype=np.float64))
            chosen = _majority_labels(predictions, contender.scores, means)
            labels.append(chosen)
            confidence.append(np.take_along_axis(means, chosen[:, None], axis=1)[:, 0])
            wrong.append((predictions != truth).sum(axis=0))
        return ExampleViews(
            self.task.label_names, truth, np.stack(labels), np.stack(confidence), np.stack(wrong)
        )  # fmt: skip


def _majority_labels(
    predictions: NDArray[np.int64], scores: Sequence[NDArray[np.float32]], means: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the label of each row that most seeds predict (in a tie, the more probable one), int64, shape (rows,)."""
    if all((of_seed.argmax(axis=1) == own).all() for of_seed, own in zip(scores, predictions, strict=True)):
        return np.asarray(means.argmax(axis=1))
    votes = np.stack([(predictions == label).sum(axis=0) for label in range(means.shape[1])], axis=1)
    return np.asarray((votes + means / 2).argmax(axis=1))


def counts_of_confusion(matrix: NDArray[np.int64], names: Sequence[str]) -> tuple[ClassCounts, ...]:
    """Return each class's counts from a confusion matrix of shape (classes, classes), whose rows are true classes."""
    right, predicted, true = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    return tuple(
        ClassCounts(name, int(right[index]), int(predicted[index]), int(true[index]))
        for index, name in enumerate(names)
    )

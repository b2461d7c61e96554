"""The kind ``multi-label``: texts with any number of labels, from none to all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.tasks.decisions import decisions_of
from textclf_core.tasks.label_checks import tell_untrained_labels
from textclf_core.tasks.report_kind import ClassCounts, ExampleViews, SeedDecisions
from textclf_core.tasks.whole_texts import WholeTexts
from textclf_core.types.indicators import (
    THRESHOLD,
    UnknownLabel,
    indicators,
    label_of,
    label_set_names,
    unknown_id,
    without_unknown,
)
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor

    from textclf_core.tasks.entities import Mode
    from textclf_core.types.classifier import Classifier, Labels, Scores


@dataclass(frozen=True)
class MultiLabel(WholeTexts):
    """The kind ``multi-label``; see :mod:`~textclf_core.tasks.kind`.

    Labels are zeros and ones, int64, shape (rows, labels), with ``NO_LABEL`` where it is unknown whether a text has a
    label: such an entry has no part in loss, counts and metrics.
    """

    what_has_labels = "a text may have several"
    plugins_do_instead = "it gives each text one label"
    no_rows_per_label = "a text may have several labels"
    independent_labels = True
    problem_type = "multi_label_classification"
    pipeline_options = ", top_k=None"
    labelled = "a text with any of"
    each_prediction = " for each label"
    more_averages = ("micro", "macro", "samples")

    # Data

    def label_faults(self, data: Mapping[str, Dataset]) -> list[str]:
        """Return the faults of the labels: rows without a list, invalid labels, or the same labels in every row.

        So is a label that has unknown entries in train, and no row that is known not to have it: to predict it always
        would then be right. A label that occurs only in validation or test is logged, but isn't a fault: rare labels
        may do so.
        """
        task = self.task
        faults = [] if task.num_labels > 1 else ["there is one label only; a multi-label task needs two or more"]
        in_train: set[int] = set()
        for name, split in data.items():
            rows = split["label"][:]
            if not rows:
                faults.append(f"{name} has no rows")
                continue
            wrong = [
                index
                for index, row in enumerate(rows)
                if row is None
                or any(label is None or (label < 0 and label_of(label)[0] >= task.num_labels) for label in row)
            ]
            if wrong:
                faults.append(f"{name}: {len(wrong)} rows have no list of labels; the first is row {wrong[0] + 1}")
                continue
            counts = Counter(chain.from_iterable(map(set, rows)))
            present = {label for label in counts if label >= 0}
            if name == "train":
                in_train = present
                unknown = {label: counts[unknown_id(label)] for label in range(task.num_labels)}
                always = [label for label in present if counts[label] + unknown[label] == len(rows)]
                if len(always) == len(present):
                    faults.append("train: every row has the same labels; a classifier needs rows that differ")
                elif never := [task.label_names[label] for label in sorted(always) if unknown[label]]:
                    faults.append(
                        f"train: no row is known not to have the label {', '.join(never)}, where it isn't unknown; "
                        "write 0 for a label that a text doesn't have"
                    )
            else:
                tell_untrained_labels(name, present - in_train, task)
        return faults

    def names(self, labels: Sequence[Any]) -> list[Any]:
        """Return the names of each row's labels, without repetitions, in the order of their ids.

        Those of which it is unknown whether the row has them come first, each as an ``UnknownLabel``.
        """
        named: dict[int, str | UnknownLabel] = {}
        for id, name in enumerate(self.task.label_names):
            named |= {id: name, unknown_id(id): UnknownLabel(name)}
        return [[named[label] for label in sorted(set(row))] for row in labels]

    def label_counts(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Return the number of rows with each label, int64, shape (labels,)."""
        return np.asarray((self.label_array(labels) == 1).sum(axis=0))

    def label_shares(self, labels: Sequence[Any]) -> NDArray[np.float64]:
        """Return the share of the rows that have each label, of those where it is known, float64, shape (labels,)."""
        known = len(labels) - self.unknown_entries(labels).sum(axis=0)
        return np.asarray(self.label_counts(labels) / np.maximum(known, 1))

    def unknown_entries(self, labels: Sequence[Any]) -> NDArray[np.bool_]:
        """Return whether it is unknown that each row has each label, bool, shape (rows, labels)."""
        return np.asarray(self.label_array(labels) == NO_LABEL)

    def strata(self, labels: Sequence[Any]) -> list[int]:
        """Return each row's rarest label, since a sample is most likely to miss that one.

        Sechidis et al. ("On the Stratification of Multi-Label Data", ECML PKDD 2011, section 3.2) also distribute rows
        by label, the rarest first. Texts without a label form a stratum.
        """
        counts = Counter(chain.from_iterable(labels))
        none = self.task.num_labels
        return [
            min((label for label in row if label >= 0), key=lambda label: (counts[label], label), default=none)
            for row in labels
        ]

    # Training

    def tokenized_labels(
        self, labels: Sequence[Any], tokenized: Mapping[str, list[Any]], feature: Any
    ) -> tuple[list[Any], Any]:
        """Return zeros, ones and ``NO_LABEL`` for each row, and their feature."""
        from datasets import List, Value

        return self.label_array(labels).tolist(), List(Value("int64"))

    def loss_terms(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return the number of known entries of each row, int64, shape (rows,)."""
        return np.asarray((self.training_labels(tokenized) != NO_LABEL).sum(axis=-1))

    def class_counts(self, labels: Tensor) -> Tensor:
        """Return the number of rows known to be without and with each label, float64, shape (labels, 2)."""
        import torch

        return torch.stack([(labels == value).double().sum(dim=0) for value in (0, 1)], dim=-1)

    def class_weights(self, given: Tensor) -> Tensor:
        """Return weights of shape (labels, 2): 1 for the absence of a label, the given weight for its presence."""
        import torch

        return torch.stack([torch.ones_like(given), given], dim=-1)

    def losses(
        self,
        logits: Tensor,
        labels: Tensor,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
    ) -> Tensor:
        """Return the binary loss of each entry, 0 where it is unknown; labels are int64, shape (rows, labels)."""
        import torch

        from textclf_core.tasks.losses import weighted_loss

        # The softmax of (0, z) is (sigmoid(-z), sigmoid(z)).
        of_two = torch.stack([torch.zeros_like(logits), logits], dim=-1)
        return weighted_loss(of_two, labels, class_weights, label_smoothing, focal_gamma)

    def right(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return whether all known labels of a row are right, bool, shape (rows,)."""
        return (((logits >= 0) == (labels == 1)) | (labels == NO_LABEL)).all(dim=-1)

    def scores(self, logits: NDArray[np.float32], tokenized: Dataset, data: Dataset) -> Scores:
        """Return the sigmoid of the logits, float32, shape (rows, labels)."""
        import torch

        return torch.sigmoid(torch.from_numpy(logits)).numpy()

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sigmoid of the logits, float64, shape (rows, labels)."""
        from scipy.special import expit

        return np.asarray(expit(logits))

    # Evaluation

    def label_array(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Return zeros, ones and ``NO_LABEL``, int64, shape (rows, labels)."""
        return indicators(labels, self.task.num_labels)

    def invented(self, labels: Sequence[int], scores: NDArray[np.float32]) -> tuple[list[Any], Scores, Labels]:
        """Return one row per label, which has that label only."""
        rows = [[label] for label in labels]
        return rows, scores, self.label_array(rows)

    def chosen(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return 1 for each label with a score of at least 0.5, int64, shape (rows, labels)."""
        return np.asarray(scores >= THRESHOLD, dtype=np.int64)

    def decided(self, predictions: Labels) -> NDArray[np.bool_]:
        """Return True for every row, since having no label is a decision too; bool, shape (rows,)."""
        return np.ones(len(predictions), dtype=np.bool_)

    def check_average(self, average: str) -> str | None:
        """Return why an average isn't defined; ``None`` if it is. ``binary`` needs a single positive label."""
        if average == "binary":
            return "average=binary needs texts with one label, and these may have several."
        return None

    def prediction_columns(self, references: Labels, predictions: Labels, scores: Scores) -> dict[str, pa.Array]:
        """Return the columns ``label`` and ``prediction`` (lists of names) and ``scores``.

        If there are unknown labels, ``unknown_labels`` has their names.
        """
        import pyarrow as pa

        def named(labels: NDArray[np.int64]) -> pa.Array:
            return pa.array(label_set_names(labels, self.task.label_names), pa.list_(pa.string()))

        true, unknown = np.asarray(references), np.asarray(references) == NO_LABEL
        columns = {
            "label": named(true),
            "prediction": named(np.asarray(predictions)),
            "scores": pa.array(list(np.asarray(scores, dtype=np.float32)), type=pa.list_(pa.float32())),
        }
        return columns | ({"unknown_labels": named(unknown.astype(np.int64))} if unknown.any() else {})

    @property
    def predicted_types(self) -> Mapping[str, pa.DataType]:
        """The column ``labels``."""
        import pyarrow as pa

        return {"labels": pa.list_(pa.struct([("label", pa.string()), ("score", pa.float64())]))}

    def predicted(self, classifier: Classifier, texts: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
        """Yield ``labels``: a list of dicts with ``label`` and ``score``, the highest score first.

        Scores are rounded to six digits. A text without labels has an empty list.
        """
        from datasets import Dataset

        decisions = decisions_of(classifier, Dataset.from_dict(dict(texts)), self.task)
        for chosen, scores in zip(decisions.labels, decisions.scores, strict=True):
            ordered = sorted(chosen.nonzero()[0], key=lambda label: -scores[label])
            yield {
                "labels": [
                    {"label": self.task.label_names[label], "score": round(float(scores[label]), 6)}
                    for label in ordered
                ]
            }

    # Reports

    def label_ids(self, names: Sequence[Any]) -> NDArray[np.int64]:
        """Return zeros, ones and ``NO_LABEL``, int64, shape (rows, labels)."""
        ids: dict[str | UnknownLabel, int] = {}
        for index, name in enumerate(self.task.label_names):
            ids |= {name: index, UnknownLabel(name): unknown_id(index)}
        return indicators([[ids[name] for name in row] for row in names], self.task.num_labels)

    def confusion(self, true: Sequence[Any], predicted: Sequence[Any]) -> NDArray[np.int64]:
        """Return each label's confusion matrix, int64, shape (labels, 2, 2): absence is class 0, presence class 1.

        Rows of which it is unknown whether they have a label aren't in its matrix.
        """
        from textclf_core.statistics.confusion import confusion_matrix

        of_labels = zip(self.label_ids(true).T, self.label_ids(predicted).T, strict=True)
        return np.stack(
            [
                confusion_matrix(of_one[of_one != NO_LABEL], found[of_one != NO_LABEL], classes=2)
                for of_one, found in of_labels
            ]
        )

    def counts_by_class(self, true: Sequence[Any], predicted: Sequence[Any], mode: Mode) -> tuple[ClassCounts, ...]:
        """Return the numbers of correct, predicted and true rows of each label."""
        return tuple(
            ClassCounts(name, right=int(hit), predicted=int(alarm + hit), true=int(missed + hit))
            for name, ((_, alarm), (missed, hit)) in zip(
                self.task.label_names, self.confusion(true, predicted), strict=True
            )
        )

    def example_views(
        self, true: Sequence[Any], contenders: Sequence[SeedDecisions], texts: Sequence[Sequence[Any]], mode: Mode
    ) -> ExampleViews:
        """Return the decisions with each set of labels as one label, such as ``politics; sports``.

        A text gets the labels that most of a contender's seeds predict; in a tie, the mean score decides. The
        confidence is the lowest over all labels, predicted or not, since one wrong label makes the set wrong. A label
        of which it is unknown whether the text has it isn't in any set, since it makes none wrong.
        """
        ids: dict[str, int] = {}

        def index(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
            texts = ["; ".join(names) or "no label" for names in label_set_names(chosen, self.task.label_names)]
            return np.array([ids.setdefault(text, len(ids)) for text in texts], dtype=np.int64)

        with_unknown = self.label_ids(true)
        references = without_unknown(with_unknown, with_unknown)
        truth = index(references)
        labels, confidence, wrong = [], [], []
        for contender in contenders:
            predictions = np.stack([without_unknown(self.label_ids(names), with_unknown) for names in contender.names])
            means = np.mean(contender.scores, axis=0, dtype=np.float64)
            share = predictions.mean(axis=0)
            chosen = np.where(share == 0.5, means >= THRESHOLD, share > 0.5).astype(np.int64)
            labels.append(index(chosen))
            of_label = np.where(chosen == 1, means, 1 - means)
            confidence.append(np.where(with_unknown == NO_LABEL, 1.0, of_label).min(axis=1))
            wrong.append((predictions != references).any(axis=2).sum(axis=0))
        return ExampleViews(tuple(ids), truth, np.stack(labels), np.array(confidence), np.stack(wrong))

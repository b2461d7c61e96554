"""The part of the kind ``tokens`` that reports use: words with a label each, or the entities that the labels tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.tasks.entities import EntityCounts, Mode, Scheme, count_entities, entity_types, scheme_of, spans_of
from textclf_core.tasks.report_kind import ClassCounts, ExampleViews, SeedDecisions
from textclf_core.tasks.scored_words import has_label, labelled_values
from textclf_core.tasks.single_label import counts_of_confusion
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from textclf_core.types.task import Task


@dataclass(frozen=True)
class TokenReports:
    """See :mod:`~textclf_core.tasks.report_kind`."""

    task: Task

    pipeline = "token-classification"
    pipeline_options = ""
    labelled = "each word of a text with one of"
    class_rows_in_test = "in test"
    matrix_row = "Words: a"
    each_prediction = " for words"

    @property
    def scheme(self) -> Scheme | None:
        """The tagging scheme of the labels; ``None`` if they aren't entity tags."""
        return scheme_of(self.task.label_names)

    def names(self, labels: Sequence[Any]) -> list[Any]:
        """Return the names of the labels of each row's words; ``None`` for a word without one."""
        return [[self.task.label_names[label] if has_label(label) else None for label in row] for row in labels]

    def labels_of_split(self, rows: int, label_counts: Mapping[str, int]) -> int:
        """Return the number of words."""
        return sum(label_counts.values())

    @property
    def class_rows(self) -> str:
        """``entities`` if the labels are entity tags, else ``rows``."""
        return "entities" if self.scheme else "rows"

    def label_ids(self, names: Sequence[Any]) -> NDArray[np.int64]:
        """Return the label ids of all words of all rows, int64, (words,); ``NO_LABEL`` for a word without one."""
        ids = {None: NO_LABEL} | {name: index for index, name in enumerate(self.task.label_names)}
        return np.array([ids[name] for row in names for name in row], dtype=np.int64)

    def stored_scores(self, column: pa.ChunkedArray) -> NDArray[np.float32]:
        """Return the scores of all words of all rows, float32, (words, labels)."""
        flat = column.combine_chunks().flatten().flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat, dtype=np.float32).reshape(-1, self.task.num_labels)

    def answers(self, true: Sequence[Any], names: Sequence[Any]) -> list[NDArray[np.int64]]:
        """Return the label ids of each row's words with a true label, int64, (words,)."""
        return [self.label_ids([row]) for row in labelled_values(true, names)]

    def answer_scores(self, true: Sequence[Any], column: pa.ChunkedArray) -> list[NDArray[np.float32]]:
        """Return the scores of each row's words with a true label, float32, (words, labels)."""
        bounds = np.cumsum([len(row) for row in true])[:-1]
        return labelled_values(true, np.split(self.stored_scores(column), bounds))

    def _entity_counts(
        self, true: Sequence[Any], predicted: Sequence[Any], mode: Mode
    ) -> list[dict[str, EntityCounts]]:
        """Return the counts of each row by entity type; none if the labels aren't entity tags."""
        scheme = self.scheme
        if scheme is None:
            return []
        rows = zip(labelled_values(true, true), labelled_values(true, predicted), strict=True)
        return [count_entities(tags, found, scheme, mode) for tags, found in rows]

    def confusion(self, true: Sequence[Any], predicted: Sequence[Any]) -> NDArray[np.int64]:
        """Return the confusion matrix of words, int64, (labels, labels); rows are true labels."""
        from textclf_core.statistics.confusion import confusion_matrix

        references, found = (self.label_ids(labelled_values(true, names)) for names in (true, predicted))
        return confusion_matrix(references, found, classes=self.task.num_labels)

    def counts_by_class(self, true: Sequence[Any], predicted: Sequence[Any], mode: Mode) -> tuple[ClassCounts, ...]:
        """Return the counts of entities by type; of words by label, if the labels aren't entity tags."""
        if self.scheme is None:
            return counts_of_confusion(self.confusion(true, predicted), self.task.label_names)
        totals = {kind: EntityCounts() for kind in entity_types(self.task.label_names)}
        for row in self._entity_counts(true, predicted, mode):
            for kind, counts in row.items():
                totals[kind] += counts
        return tuple(ClassCounts(kind, one.right, one.predicted, one.true) for kind, one in totals.items())

    def example_views(
        self, true: Sequence[Any], contenders: Sequence[SeedDecisions], texts: Sequence[Sequence[Any]], mode: Mode
    ) -> ExampleViews:
        """Return the entities of a sequence as its label: ``person: Ada Lovelace``.

        A contender's label is that of its scores' mean over the seeds. Its confidence is the lowest of its words'
        scores, since one wrong word makes a sequence wrong.
        """
        [words] = texts
        bounds = np.cumsum([len(row) for row in words])[:-1]
        ids: dict[str, int] = {}

        def index(rows: Sequence[Sequence[str]]) -> NDArray[np.int64]:
            tagged = zip(labelled_values(true, words), labelled_values(true, rows), strict=True)
            texts = [self._text_of(of_row, tags, mode) for of_row, tags in tagged]
            return np.array([ids.setdefault(text, len(ids)) for text in texts], dtype=np.int64)

        truth = index(true)
        labels, confidence, wrong = [], [], []
        for contender in contenders:
            means = np.mean(contender.scores, axis=0, dtype=np.float64)
            of_rows = np.split(means, bounds)
            labels.append(index(self.names([row.argmax(axis=1) for row in of_rows])))
            known = labelled_values(true, of_rows)
            confidence.append([float(row.max(axis=1).min()) if len(row) else 1.0 for row in known])
            wrong.append(np.sum([index(names) != truth for names in contender.names], axis=0, dtype=np.int64))
        return ExampleViews(tuple(ids), truth, np.stack(labels), np.array(confidence), np.stack(wrong))

    def _text_of(self, words: Sequence[str], tags: Sequence[str], mode: Mode) -> str:
        if self.scheme is None:
            return " ".join(tags)
        spans = spans_of(tags, self.scheme, mode)
        return "; ".join(f"{span.type}: {' '.join(words[span.start : span.end])}" for span in spans) or "no entity"

"""Texts as lists of words, each of which has a label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.errors import UsageError
from textclf_core.tasks.arrays import other_than
from textclf_core.tasks.entities import (
    EntityCounts,
    Mode,
    Scheme,
    count_entities,
    entity_types,
    scheme_of,
    scored_spans,
    spans_of,
)
from textclf_core.tasks.kind import ClassCounts, ExampleViews, SeedDecisions
from textclf_core.tasks.label_checks import tell_untrained_labels
from textclf_core.tasks.scored_words import has_label, labelled_values
from textclf_core.tasks.single_label import counts_of_confusion
from textclf_core.tasks.subtokens import (
    NO_LABEL,
    WORD_STARTS,
    WordPlaces,
    by_word,
    encode_words,
    labels_of_sub_tokens,
    unseen_words,
    word_places,
)
from textclf_core.types.postprocessing import Decisions, PostprocessingStep
from textclf_core.types.unicode import valid_text

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from textclf_core.statistics import Metric
    from textclf_core.types.classifier import Classifier, Labels, Scores
    from textclf_core.types.task import Task


@dataclass(frozen=True)
class Tokens:
    """What the kind ``tokens`` decides; see :mod:`~textclf_core.tasks.kind`.

    Labels are a list of arrays, int64, (words,), one a row; where they stand for themselves, those of all words of all
    rows are one array. A word's label stands on its first sub-token (:mod:`~textclf_core.tasks.subtokens`).
    """

    task: Task

    what_has_labels = "each word has a label"
    plugins_do_instead = "it labels whole texts"
    no_rows_per_label = "a sentence has words of several labels"
    independent_labels = False
    auto_model = "AutoModelForTokenClassification"
    problem_type = None
    pipeline = "token-classification"
    pipeline_options = ""
    labelled = "each word of a text with one of"
    class_rows_in_test = "in test"
    matrix_row = "Words: a"
    each_prediction = " for words"
    more_averages = ()

    @property
    def scheme(self) -> Scheme | None:
        """The scheme of the labels; ``None`` if they are no tags of entities."""
        return scheme_of(self.task.label_names)

    @property
    def column(self) -> str:
        """The column of words."""
        [column] = self.task.text_columns
        return column

    # Data

    def label_faults(self, data: Mapping[str, Dataset]) -> list[str]:
        """Return what is wrong with the labels: rows with more or fewer of them than words, words without one.

        A label that occurs in validation or test alone is only logged: rare entities are like that.
        """
        faults = []
        in_train: set[int] = set()
        for name, split in data.items():
            rows, words = split["label"][:], split[self.column][:]
            if not rows:
                faults.append(f"{name} has no rows")
                continue
            uneven = [index for index, row in enumerate(rows) if len(row or ()) != len(words[index])]
            bare = [
                index
                for index, row in enumerate(rows)
                if any(label is None or (label < 0 and label != NO_LABEL) for label in row or ())
            ]
            for what, found in (("not one label a word", uneven), ("a word without a label", bare)):
                if found:
                    faults.append(f"{name}: {len(found)} rows have {what}, the first is row {found[0] + 1}")
            present = {label for row in rows for label in row or () if label is not None and label >= 0}
            if not present and not faults:
                faults.append(f"{name}: no word has a label")
            if name == "train":
                in_train = present
                if len(present) < 2:
                    faults.append("train: every word has the same label; a classifier needs two")
            elif not faults:
                tell_untrained_labels(name, present - in_train, self.task)
        return faults

    def without_nulls(self, split: Dataset) -> Dataset:
        """Return the split with an empty word, or no word at all, where there was none."""
        name = self.column
        rows = split[name][:]
        if all(row is not None and None not in row for row in rows):
            return split
        filled = [["" if word is None else word for word in row or ()] for row in rows]
        return split.remove_columns(name).add_column(name, filled, feature=split.features[name])

    def texts(self, split: Dataset) -> list[tuple[str, ...]]:
        """Return the words of each row."""
        return [tuple(row) for row in split[self.column][:]]

    def names(self, labels: Sequence[Any]) -> list[Any]:
        """Return the names of the labels of each row's words; ``None`` for a word without one."""
        return [[self.task.label_names[label] if has_label(label) else None for label in row] for row in labels]

    def label_counts(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Return how many words have each label, int64, (labels,)."""
        flat = np.fromiter(filter(has_label, chain.from_iterable(labels)), dtype=np.int64)
        return np.bincount(flat, minlength=self.task.num_labels)

    def label_shares(self, labels: Sequence[Any]) -> NDArray[np.float64]:
        """Return the share of the words that has each label, float64, (labels,)."""
        counts = self.label_counts(labels)
        return np.asarray(counts / counts.sum())

    def strata(self, labels: Sequence[Any]) -> list[int]:
        """Return 1 for rows that have any label but the most frequent, and 0 for the others."""
        counts = Counter(filter(has_label, chain.from_iterable(labels)))
        usual = counts.most_common(1)[0][0] if counts else 0
        return [int(any(label not in (usual, NO_LABEL) for label in row)) for row in labels]

    def labels_of_split(self, rows: int, label_counts: Mapping[str, int]) -> int:
        """Return the number of words."""
        return sum(label_counts.values())

    # Training

    @property
    def token_columns(self) -> Mapping[str, str]:
        """Which word begins at each sub-token."""
        return {WORD_STARTS: "int32"}

    def encode(self, tokenizer: PreTrainedTokenizerBase, columns: Sequence[list[Any]]) -> dict[str, list[Any]]:
        """Return each row's words as tokens, and where each word begins.

        Raises:
            UsageError: the tokenizer can't tell which sub-tokens a word became.
        """
        return encode_words(tokenizer, columns[0])

    def tokenized_labels(
        self, labels: Sequence[Any], tokenized: Mapping[str, list[Any]], feature: Any
    ) -> tuple[list[Any], Any]:
        """Return a label for each sub-token, ``NO_LABEL`` for those that begin no word."""
        from datasets import List, Value

        return list(map(labels_of_sub_tokens, tokenized[WORD_STARTS], labels)), List(Value("int64"))

    def training_labels(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return the labels of the words that have a sub-token, of all rows in a row: int64, (words,)."""
        flat = np.array([label for row in tokenized["label"][:] for label in row], dtype=np.int64)
        return np.asarray(flat[flat != NO_LABEL])

    def loss_terms(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return how many words of each row have a sub-token, int64, (rows,)."""
        return np.array([sum(label != NO_LABEL for label in row) for row in tokenized["label"][:]], dtype=np.int64)

    def class_counts(self, labels: Tensor) -> Tensor:
        """Return how many words have each label, float64, (labels,)."""
        import torch

        return torch.bincount(labels, minlength=self.task.num_labels).double()

    def class_weights(self, given: Tensor) -> Tensor:
        """Return the weights as they are."""
        return given

    def loss(
        self,
        logits: Tensor,
        labels: Tensor,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
    ) -> Tensor:
        """Return the summed cross-entropy of the words' labels: (rows, tokens), or (words,) for logits of words."""
        from textclf_core.tasks.losses import loss_of_one_label

        if labels.ndim > 1:
            logits, labels = logits.flatten(0, 1), labels.flatten()
        if focal_gamma:
            known = labels != NO_LABEL
            logits, labels = logits[known], labels[known]
        return loss_of_one_label(logits, labels, class_weights, label_smoothing, focal_gamma)

    def right(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return whether the highest logit is the word's label: bool, (words,)."""
        return logits.argmax(-1) == labels

    def with_label(self, values: NDArray[Any], tokenized: Dataset) -> NDArray[Any]:
        """Return the values of the words with a label, given those of all words that have a sub-token."""
        starts, labels = (np.concatenate(tokenized[name][:]) for name in (WORD_STARTS, "label"))
        return np.asarray(values[labels[starts >= 0] != NO_LABEL])

    def places(self, tokenized: Dataset) -> WordPlaces:
        """Return where the first sub-tokens are."""
        return word_places(tokenized[WORD_STARTS][:])

    def scores(self, logits: NDArray[np.float32], tokenized: Dataset, data: Dataset) -> Scores:
        """Return the softmax of the logits, float32, (words, labels) for each row.

        A word that was cut off counts as outside of entities.
        """
        import torch

        scores = torch.softmax(torch.from_numpy(logits), dim=-1).numpy()
        return by_word(scores, tokenized[WORD_STARTS][:], self._words_in(data), self.task)

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the softmax of the logits, float64, (words, labels)."""
        from scipy.special import softmax

        return np.asarray(softmax(logits, axis=1))

    def unseen(self, tokenized: Dataset, data: Dataset) -> str | None:
        """Return how many words have no sub-token, and what becomes of them; ``None`` if all have one."""
        words = self._words_in(data)
        unseen = unseen_words(tokenized[WORD_STARTS][:], words)
        if not unseen:
            return None
        return (
            f"{unseen} of {sum(words)} words were cut off, or are nothing to the tokenizer: they have no part in "
            "training, and count as predicted O"
        )

    def _words_in(self, data: Dataset) -> list[int]:
        """Return how many words each row has."""
        return [len(row) for row in data[self.column][:]]

    # Evaluation

    def label_array(self, labels: Sequence[Any]) -> list[NDArray[np.int64]]:
        """Return each row's labels, int64, (words,)."""
        return [np.asarray(row, dtype=np.int64) for row in labels]

    def flat(self, values: Any) -> NDArray[Any]:
        """Return the labels or scores of all words of all rows, (words, ...)."""
        return np.concatenate(values)

    def invented(self, labels: Sequence[int], scores: NDArray[np.float32]) -> tuple[list[Any], Scores, Labels]:
        """Return one row, with a word for each label."""
        rows = [list(labels)]
        return rows, [scores], self.label_array(rows)

    def repeated(self, scores: NDArray[np.float32], data: Dataset) -> Scores:
        """Return the same scores for every word of each row, (words, labels)."""
        return [np.tile(scores, (words, 1)) for words in self._words_in(data)]

    def scores_fault(self, scores: Scores, data: Dataset) -> str | None:
        """Return what scores must be, unless they are numbers for each word and label of each row."""
        labels = data["label"][:]
        wanted = f"must be a float32 array of shape (words, {self.task.num_labels}) for each of {len(labels)} rows"
        if not isinstance(scores, list):
            return f"{wanted}, in a list, not {getattr(scores, 'shape', type(scores).__name__)}."
        if len(scores) != len(labels):
            return f"{wanted}, not {len(scores)} of them."
        for number, (row, words) in enumerate(zip(scores, labels, strict=True), 1):
            if came := other_than(row, (len(words), self.task.num_labels)):
                return f"{wanted}, but that of row {number} is {came}."
        return None

    def scored(self, references: Labels, values: Any) -> Any:
        """Return each row's values for the words that have a label."""
        return labelled_values(references, values)

    def decide(self, scores: Scores, steps: Iterable[PostprocessingStep]) -> Decisions:
        """Return each word's label with the highest score: no step does with the scores of words."""
        return Decisions(scores, [np.asarray(row.argmax(axis=-1), dtype=np.int64) for row in scores])

    def decided(self, predictions: Labels) -> NDArray[np.bool_]:
        """Return that every row is."""
        return np.ones(len(predictions), dtype=np.bool_)

    def auto_average(self) -> str:
        """Return the mean over labels."""
        return "macro"

    def check_average(self, average: str) -> str | None:
        """Return why not: no word has several labels, and none of the labels is the positive one."""
        return None if average in ("macro", "micro", "weighted") else f"average={average} is for labels of whole texts."

    def averaged_labels(self, references: NDArray[np.int64], predictions: NDArray[np.int64]) -> Sequence[int] | None:
        """Return ``None``: scikit-learn doesn't count label ids that don't occur."""
        return None

    def prediction_columns(self, references: Labels, predictions: Labels, scores: Scores) -> dict[str, pa.Array]:
        """Return ``label``, ``prediction`` and ``scores`` as lists, one value a word, and ``spans``.

        These are the predicted entities, where the labels are tags of such: see :class:`ScoredSpan`.
        """
        import pyarrow as pa

        names = pa.list_(pa.string())
        predicted = self.names(list(predictions))
        columns = {
            "label": pa.array(self.names(list(references)), names),
            "prediction": pa.array(predicted, names),
            "scores": pa.array([row.tolist() for row in scores], pa.list_(pa.list_(pa.float32()))),
        }
        if scheme := self.scheme:
            fields = {"start": pa.int64(), "end": pa.int64(), "type": pa.string(), "score": pa.float64()}
            spans = [scored_spans(tags, row, scheme) for tags, row in zip(predicted, scores, strict=True)]
            columns["spans"] = pa.array(
                [[asdict(span) for span in row] for row in spans], pa.list_(pa.struct(list(fields.items())))
            )
        return columns

    def readable(self, value: object) -> str | list[str] | None:
        """Return a text, or a list of words; missing ones are empty."""
        if value is None or isinstance(value, str):
            return valid_text(value or "")
        words = value.tolist() if isinstance(value, np.ndarray) else value
        if not isinstance(words, list | tuple) or not all(word is None or isinstance(word, str) for word in words):
            return None
        return [valid_text(word or "") for word in words]

    def as_row(self, text: str) -> list[str]:
        """Return the words between white space."""
        return text.split()

    @property
    def predicted_types(self) -> Mapping[str, pa.DataType]:
        """The column ``entities``, or ``labels`` if the labels aren't entity tags."""
        import pyarrow as pa

        if self.scheme is None:
            return {"labels": pa.list_(pa.string())}
        fields = {"text": pa.string(), "type": pa.string(), "start": pa.int64(), "end": pa.int64()}
        return {"entities": pa.list_(pa.struct([*fields.items(), ("score", pa.float64())]))}

    def predicted(self, classifier: Classifier, texts: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
        """Yield ``entities``, dicts in the order of the text, where the labels are tags of such.

        ``text``, ``type``, ``start`` and ``end`` (characters of the text, from 0, the end not included; words that come
        as a list count as joined by a blank) and ``score`` (the mean of its words' probabilities, six digits). Other
        labels are ``labels``, one a word.
        """
        from datasets import Dataset, Features, List, Value

        given = texts[self.column]
        places = [_word_places(text) for text in given]
        words = [[word for word, _ in row] for row in places]
        features = Features({self.column: List(Value("string"))})
        scores = classifier.scores(Dataset.from_dict({self.column: words}, features=features))
        scheme = self.scheme
        for text, placed, word_scores in zip(given, places, scores, strict=True):
            tags = [self.task.label_names[label] for label in word_scores.argmax(axis=-1)]
            if scheme is None:
                yield {"labels": tags}
                continue
            whole = text if isinstance(text, str) else " ".join(text)
            entities = []
            for span in scored_spans(tags, word_scores, scheme):
                start, end = placed[span.start][1], placed[span.end - 1][1] + len(placed[span.end - 1][0])
                entities.append(
                    {
                        "text": whole[start:end],
                        "type": span.type,
                        "start": start,
                        "end": end,
                        "score": round(span.score, 6),
                    }
                )
            yield {"entities": entities}

    # Reports

    @property
    def class_rows(self) -> str:
        """The scores of a class count entities where the labels are tags of such."""
        return "entities" if self.scheme else "rows"

    def label_ids(self, names: Sequence[Any]) -> NDArray[np.int64]:
        """Return the label ids of all words of all rows, int64, (words,); ``NO_LABEL`` for a word without one."""
        ids = {None: NO_LABEL} | {name: index for index, name in enumerate(self.task.label_names)}
        return np.array([ids[name] for row in names for name in row], dtype=np.int64)

    def stored_scores(self, column: pa.ChunkedArray) -> NDArray[np.float32]:
        """Return the scores of all words of all rows, float32, (words, labels)."""
        flat = column.combine_chunks().flatten().flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat, dtype=np.float32).reshape(-1, self.task.num_labels)

    def metric(self, name: str, average: str) -> Metric:
        """Return the F1 of entities, or the accuracy of words; both count by sentence.

        Raises:
            UsageError: the labels are no tags of entities, so they have no F1.
        """
        if name == "f1" and self.scheme is None:
            raise UsageError("--metric f1: the labels of words are no tags of entities here; take --metric accuracy.")
        return "f1-entity" if name == "f1" else "accuracy-words"

    def references(self, metric: Metric, true: Sequence[Any], mode: Mode) -> NDArray[np.int64]:
        """Return how many entities each row has, or words, int64, (rows,)."""
        if metric == "f1-entity":
            return np.asarray(_totals(self._entity_counts(true, true, mode))[2])
        return np.array([sum(map(has_label, row)) for row in true], dtype=np.int64)

    def outcomes(self, metric: Metric, true: Sequence[Any], predicted: Sequence[Any], mode: Mode) -> NDArray[np.int64]:
        """Return the entities found and predicted in each row as one number, or its right words, int64, (rows,)."""
        from textclf_core.statistics.metrics import entity_outcomes

        if metric == "f1-entity":
            return entity_outcomes(*_totals(self._entity_counts(true, predicted, mode))[:2])
        rows = zip(true, predicted, strict=True)
        counts = [sum(one == other for one, other in zip(tags, found, strict=True)) for tags, found in rows]
        return np.array(counts, dtype=np.int64)

    def _entity_counts(
        self, true: Sequence[Any], predicted: Sequence[Any], mode: Mode
    ) -> list[dict[str, EntityCounts]]:
        """Return the counts of each row by type of entity; none where the labels are no tags of such."""
        scheme = self.scheme
        if scheme is None:
            return []
        rows = zip(labelled_values(true, true), labelled_values(true, predicted), strict=True)
        return [count_entities(tags, found, scheme, mode) for tags, found in rows]

    def confusion(self, true: Sequence[Any], predicted: Sequence[Any]) -> NDArray[np.int64]:
        """Return the confusion matrix of words: int64, (labels, labels), a row a true label."""
        from textclf_core.statistics.confusion import confusion_matrix

        references, found = (self.label_ids(labelled_values(true, names)) for names in (true, predicted))
        return confusion_matrix(references, found, classes=self.task.num_labels)

    def counts_by_class(self, true: Sequence[Any], predicted: Sequence[Any], mode: Mode) -> tuple[ClassCounts, ...]:
        """Return how many entities of each type were found, were predicted, and are there; of other labels, words."""
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
        """Return the entities of a sentence as its label: ``person: Ada Lovelace``.

        What a contender says is by the mean of its scores over the seeds; its confidence is the score of the word that
        it is least sure of, since one wrong word makes a wrong sentence.
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


def _totals(counts: Sequence[Mapping[str, EntityCounts]]) -> NDArray[np.int64]:
    """Return how many entities each row has that were found, predicted, and true: int64, (3, rows)."""
    totals = [sum(row.values(), EntityCounts()) for row in counts]
    return np.array([[one.right, one.predicted, one.true] for one in totals], dtype=np.int64).reshape(-1, 3).T


def _word_places(text: str | list[str]) -> list[tuple[str, int]]:
    """Return the words of a text and where in it each begins, in characters."""
    if isinstance(text, str):
        return [(match[0], match.start()) for match in re.finditer(r"\S+", text)]
    starts = accumulate((len(word) + 1 for word in text), initial=0)
    return list(zip(text, starts, strict=False))

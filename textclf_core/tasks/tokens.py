"""The kind ``tokens``: texts are lists of words, each with a label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import numpy as np

from textclf_core.tasks.arrays import other_than
from textclf_core.tasks.entities import (
    scored_spans,
)
from textclf_core.tasks.label_checks import named_split, tell_untrained_labels
from textclf_core.tasks.scored_words import has_label, labelled_values
from textclf_core.tasks.subtokens import (
    WORD_STARTS,
    WordPlaces,
    by_word,
    encode_words,
    labels_of_sub_tokens,
    unseen_words,
    word_places,
)
from textclf_core.tasks.token_reports import TokenReports
from textclf_core.types.postprocessing import Decisions, PostprocessingStep
from textclf_core.types.task import NO_LABEL
from textclf_core.types.unicode import valid_text

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from textclf_core.types.classifier import Classifier, Labels, Scores


@dataclass(frozen=True)
class Tokens(TokenReports):
    """The kind ``tokens``; see :mod:`~textclf_core.tasks.kind`.

    Labels are a list of arrays, int64, (words,), one per row; for training they are a single array of all words. The
    first sub-token of a word has its label (:mod:`~textclf_core.tasks.subtokens`).
    """

    what_has_labels = "each word has a label"
    plugins_do_instead = "it labels whole texts"
    no_rows_per_label = "a sequence has words of several labels"
    independent_labels = False
    auto_model = "AutoModelForTokenClassification"
    problem_type = None
    more_averages = ()

    @property
    def column(self) -> str:
        """The column of words."""
        [column] = self.task.text_columns
        return column

    # Data

    def label_faults(self, data: Mapping[str, Dataset]) -> list[str]:
        """Return the faults of the labels: rows with more or fewer labels than words, words without one.

        A label that occurs only in validation or test is logged, since rare entities do.
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
            for what, found in (("more or fewer labels than words", uneven), ("a word without a label", bare)):
                if found:
                    faults.append(
                        f"{named_split(data, name)}: {len(found)} rows have {what}, the first is row {found[0] + 1}"
                    )
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
        """Return the split with missing words replaced by empty ones, and missing rows by rows without words."""
        name = self.column
        rows = split[name][:]
        if all(row is not None and None not in row for row in rows):
            return split
        filled = [["" if word is None else word for word in row or ()] for row in rows]
        return split.remove_columns(name).add_column(name, filled, feature=split.features[name])

    def texts(self, split: Dataset) -> list[tuple[str, ...]]:
        """Return the words of each row."""
        return [tuple(row) for row in split[self.column][:]]

    def label_counts(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Return the number of words with each label, int64, (labels,)."""
        flat = np.fromiter(filter(has_label, chain.from_iterable(labels)), dtype=np.int64)
        return np.bincount(flat, minlength=self.task.num_labels)

    def unknown_entries(self, labels: Sequence[Any]) -> NDArray[np.bool_]:
        """Return ``False`` for each row and label, since a word has one label or none."""
        return np.broadcast_to(np.False_, (len(labels), self.task.num_labels))

    def label_shares(self, labels: Sequence[Any]) -> NDArray[np.float64]:
        """Return the share of the words with each label, float64, (labels,)."""
        counts = self.label_counts(labels)
        return np.asarray(counts / counts.sum())

    def strata(self, labels: Sequence[Any]) -> list[int]:
        """Return 1 for rows with a label other than the most frequent, and 0 for other rows."""
        counts = Counter(filter(has_label, chain.from_iterable(labels)))
        usual = counts.most_common(1)[0][0] if counts else 0
        return [int(any(label not in (usual, NO_LABEL) for label in row)) for row in labels]

    # Training

    @property
    def token_columns(self) -> Mapping[str, str]:
        """The column of the words that begin at each sub-token."""
        return {WORD_STARTS: "int32"}

    def encode(self, tokenizer: PreTrainedTokenizerBase, columns: Sequence[list[Any]]) -> dict[str, list[Any]]:
        """Return the tokens of each row's words, and where each word begins.

        Raises:
            UsageError: the tokenizer doesn't return the sub-tokens of each word.
        """
        return encode_words(tokenizer, columns[0])

    def tokenized_labels(
        self, labels: Sequence[Any], tokenized: Mapping[str, list[Any]], feature: Any
    ) -> tuple[list[Any], Any]:
        """Return a label for each sub-token; ``NO_LABEL`` for those that don't begin a word."""
        from datasets import List, Value

        return list(map(labels_of_sub_tokens, tokenized[WORD_STARTS], labels)), List(Value("int64"))

    def training_labels(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return the labels of all words that have a sub-token, int64, (words,)."""
        flat = np.array([label for row in tokenized["label"][:] for label in row], dtype=np.int64)
        return np.asarray(flat[flat != NO_LABEL])

    def loss_terms(self, tokenized: Dataset) -> NDArray[np.int64]:
        """Return the number of words with a sub-token in each row, int64, (rows,)."""
        return np.array([sum(label != NO_LABEL for label in row) for row in tokenized["label"][:]], dtype=np.int64)

    def class_counts(self, labels: Tensor) -> Tensor:
        """Return the number of words with each label, float64, (labels,)."""
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
        """Return the cross-entropy of each word; labels are int64, shape (rows, tokens), or (words,)."""
        from textclf_core.tasks.losses import loss_of_one_label

        if labels.ndim > 1:
            logits, labels = logits.flatten(0, 1), labels.flatten()
        if focal_gamma:
            known = labels != NO_LABEL
            logits, labels = logits[known], labels[known]
        return loss_of_one_label(logits, labels, class_weights, label_smoothing, focal_gamma)

    def right(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return whether the highest logit is that of the word's label: bool, (words,)."""
        return logits.argmax(-1) == labels

    def with_label(self, values: NDArray[Any], tokenized: Dataset) -> NDArray[Any]:
        """Return the values of the words with a label, given those of all words that have a sub-token."""
        starts, labels = (np.concatenate(tokenized[name][:]) for name in (WORD_STARTS, "label"))
        return np.asarray(values[labels[starts >= 0] != NO_LABEL])

    def places(self, tokenized: Dataset) -> WordPlaces:
        """Return the places of the first sub-tokens."""
        return word_places(tokenized[WORD_STARTS][:])

    def scores(self, logits: NDArray[np.float32], tokenized: Dataset, data: Dataset) -> Scores:
        """Return the softmax of the logits, float32, (words, labels) for each row.

        A truncated word is scored as outside of entities.
        """
        import torch

        scores = torch.softmax(torch.from_numpy(logits), dim=-1).numpy()
        return by_word(scores, tokenized[WORD_STARTS][:], self._words_in(data), self.task)

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the softmax of the logits, float64, (words, labels)."""
        from scipy.special import softmax

        return np.asarray(softmax(logits, axis=1))

    def unseen(self, tokenized: Dataset, data: Dataset) -> str | None:
        """Return a note on the words without a sub-token; ``None`` if there are none."""
        words = self._words_in(data)
        unseen = unseen_words(tokenized[WORD_STARTS][:], words)
        if not unseen:
            return None
        return (
            f"{unseen} of {sum(words)} words were truncated, or have no token: they don't take part in training, and "
            "count as predicted O"
        )

    def _words_in(self, data: Dataset) -> list[int]:
        """Return the number of words in each row."""
        return [len(row) for row in data[self.column][:]]

    # Evaluation

    def label_array(self, labels: Sequence[Any]) -> list[NDArray[np.int64]]:
        """Return each row's labels, int64, (words,)."""
        return [np.asarray(row, dtype=np.int64) for row in labels]

    def flat(self, values: Any) -> NDArray[Any]:
        """Return the labels or scores of all words of all rows, (words, ...)."""
        return np.concatenate(values)

    def invented(self, labels: Sequence[int], scores: NDArray[np.float32]) -> tuple[list[Any], Scores, Labels]:
        """Return one row with a word for each label."""
        rows = [list(labels)]
        return rows, [scores], self.label_array(rows)

    def repeated(self, scores: NDArray[np.float32], data: Dataset) -> Scores:
        """Return the same scores for every word of each row, (words, labels)."""
        return [np.tile(scores, (words, 1)) for words in self._words_in(data)]

    def scores_fault(self, scores: Scores, data: Dataset) -> str | None:
        """Return what is wrong with scores; ``None`` if they are numbers for each word and label of each row."""
        rows = data[self.task.text_columns[0]][:]
        wanted = f"must be a float32 array of shape (words, {self.task.num_labels}) for each of {len(rows)} rows"
        if not isinstance(scores, list):
            return f"{wanted}, in a list, not {getattr(scores, 'shape', type(scores).__name__)}."
        if len(scores) != len(rows):
            return f"{wanted}, not {len(scores)} of them."
        for number, (row, words) in enumerate(zip(scores, rows, strict=True), 1):
            if came := other_than(row, (len(words), self.task.num_labels)):
                return f"{wanted}, but that of row {number} is {came}."
        return None

    def scored(self, references: Labels, values: Any) -> Any:
        """Return each row's values for the words that have a label."""
        return labelled_values(references, values)

    def decide(self, scores: Scores, steps: Iterable[PostprocessingStep]) -> Decisions:
        """Return each word's label with the highest score; no postprocessing supports scores of words."""
        return Decisions(scores, [np.asarray(row.argmax(axis=-1), dtype=np.int64) for row in scores])

    def decided(self, predictions: Labels) -> NDArray[np.bool_]:
        """Return ``True`` for every row."""
        return np.ones(len(predictions), dtype=np.bool_)

    def auto_average(self) -> str:
        """Return ``macro``, the mean over labels."""
        return "macro"

    def check_average(self, average: str) -> str | None:
        """Return why an average isn't supported; ``None`` if it is. No label is the positive one."""
        return None if average in ("macro", "micro", "weighted") else f"average={average} is for labels of whole texts."

    def prediction_columns(self, references: Labels, predictions: Labels, scores: Scores) -> dict[str, pa.Array]:
        """Return ``label``, ``prediction`` and ``scores`` as lists with one value per word, and ``spans``.

        Spans are the predicted entities (:class:`ScoredSpan`), if the labels are entity tags.
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
        """Return the words, which are separated by white space."""
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
        """Yield each row's ``entities``, dicts in the order of the text, if the labels are entity tags.

        An entity has ``text``, ``type``, ``start`` and ``end`` (characters of the text from 0, without the end; a list
        of words counts as joined by blanks) and ``score`` (the mean of its words' probabilities, six digits). If the
        labels aren't entity tags, ``labels`` has one per word.
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


def _word_places(text: str | list[str]) -> list[tuple[str, int]]:
    """Return the words of a text, with the character at which each begins."""
    if isinstance(text, str):
        return [(match[0], match.start()) for match in re.finditer(r"\S+", text)]
    starts = accumulate((len(word) + 1 for word in text), initial=0)
    return list(zip(text, starts, strict=False))

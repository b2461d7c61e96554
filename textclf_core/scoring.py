"""Scoring rows as they come, with a trained classifier."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

from textclf_core.errors import DataError, UsageError
from textclf_core.postprocessing import NO_ANSWER, answers_of

if TYPE_CHECKING:
    from textclf_core.classifier import Classifier
    from textclf_core.postprocessing import Answers
    from textclf_core.task import Task

# Rows read before the first is scored: enough to make batches of similar length, little enough to stream.
CHUNK_ROWS = 512


def score_rows(
    classifier: Classifier, task: Task, rows: Iterable[dict[str, Any]], text: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield each row with its ``prediction`` (a label name) and its ``score`` (that label's probability), in order.

    Where the classifier gives no answer, ``prediction`` is ``None`` and ``score`` is the highest of the row.

    In a multi-label task a row gets instead its ``labels``, a list of dicts, the highest score first: ``label`` and
    ``score``. The list of a text without labels is empty.

    In a task of tokens a text is split into words at white space, or comes as a list of words, and a row gets instead
    its ``entities``, a list of dicts in the order of the text: ``text``, ``type``, ``start`` and ``end`` (characters of
    the text, from 0, the end not included; words that come as a list count as joined by a blank) and ``score`` (the
    mean of its words' probabilities). Where the labels are no tags of entities it gets ``labels``, one a word.

    Rows are read in chunks of 512, so a stream of any length takes the same memory.

    Args:
        classifier: a trained classifier.
        task: its task.
        rows: values by column name.
        text: the column that holds the text; ``text``, or the only column, if not given.

    Raises:
        UsageError: the rows have no such column.
        DataError: a text is missing.
    """
    from datasets import Dataset

    [own_name] = task.text_columns
    iterator = iter(rows)
    done = 0
    column = text
    while chunk := list(islice(iterator, CHUNK_ROWS)):
        column = column or _text_column(chunk[0], own_name)
        texts = []
        words = task.kind == "tokens"
        for number, row in enumerate(chunk, done + 1):
            if not isinstance(row.get(column), str) and not (words and _are_words(row.get(column))):
                if column not in row:
                    raise UsageError(
                        f"row {number}: there is no column {column!r}; it has {', '.join(row)}. Use --text."
                    )
                raise DataError(f"row {number}: {column!r} holds {row[column]!r}, not a text.")
            texts.append(row[column])
        if words:
            yield from _with_entities(classifier, task, chunk, texts)
            done += len(chunk)
            continue
        answers = answers_of(classifier, Dataset.from_dict({own_name: texts}), task)
        if task.kind == "multi-label":
            yield from _with_labels(task, chunk, answers)
            done += len(chunk)
            continue
        for row, label, label_scores in zip(chunk, answers.labels, answers.scores, strict=True):
            answered = label != NO_ANSWER
            yield {
                **row,
                "prediction": task.label_names[label] if answered else None,
                "score": round(float(label_scores[label] if answered else label_scores.max()), 6),
            }
        done += len(chunk)


def _with_labels(task: Task, rows: Sequence[dict[str, Any]], answers: Answers) -> Iterator[dict[str, Any]]:
    for row, chosen, scores in zip(rows, answers.labels, answers.scores, strict=True):
        ordered = sorted(chosen.nonzero()[0], key=lambda label: -scores[label])
        labels = [{"label": task.label_names[label], "score": round(float(scores[label]), 6)} for label in ordered]
        yield {**row, "labels": labels}


def _with_entities(
    classifier: Classifier, task: Task, rows: Sequence[dict[str, Any]], texts: Sequence[str | list[str]]
) -> Iterator[dict[str, Any]]:
    from datasets import Dataset, Features, List, Value

    from textclf_core.entities import scheme_of
    from textclf_core.predictions import scored_spans

    [own_name] = task.text_columns
    places = [_word_places(text) for text in texts]
    words = [[word for word, _ in row] for row in places]
    features = Features({own_name: List(Value("string"))})
    scores = classifier.scores(Dataset.from_dict({own_name: words}, features=features))
    scheme = scheme_of(task.label_names)
    for row, text, placed, of_words in zip(rows, texts, places, scores, strict=True):
        tags = [task.label_names[label] for label in of_words.argmax(axis=-1)]
        if scheme is None:
            yield {**row, "labels": tags}
            continue
        whole = text if isinstance(text, str) else " ".join(text)
        entities = []
        for span in scored_spans(tags, of_words, scheme):
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
        yield {**row, "entities": entities}


def _are_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _word_places(text: str | list[str]) -> list[tuple[str, int]]:
    """Return the words of a text and where in it each begins, in characters."""
    if isinstance(text, str):
        return [(match[0], match.start()) for match in re.finditer(r"\S+", text)]
    starts = accumulate((len(word) + 1 for word in text), initial=0)
    return list(zip(text, starts, strict=False))


def _text_column(row: dict[str, Any], own_name: str) -> str:
    for name in (own_name, "text"):
        if name in row:
            return name
    if len(row) == 1:
        return next(iter(row))
    raise UsageError(f"which column holds the text? The rows have {', '.join(row)}. Use --text COLUMN.")

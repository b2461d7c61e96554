"""Scoring rows as they come, with a trained classifier."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

from textclf_core.errors import DataError, UsageError
from textclf_core.types.postprocessing import NO_ANSWER, answers_of

if TYPE_CHECKING:
    from pathlib import Path

    from textclf_core.inference.store import Engine
    from textclf_core.plugins import Catalogue
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.postprocessing import Answers
    from textclf_core.types.task import Task

# Rows read before the first is scored: enough to make batches of similar length, little enough to stream.
CHUNK_ROWS = 512


def open_classifier(
    run: Path, catalogue: Catalogue, *, device: str = "auto", engine: Engine = "torch"
) -> tuple[Classifier, Task]:
    """Return the classifier of the run in ``run``, ready to score on a device, and its task.

    Args:
        run: the run's directory, or a folder that ``textclf export`` wrote.
        catalogue: has the plugin that loads it.
        device: a torch device, or ``auto``, which is the CPU for the engines of ONNX.
        engine: what is to compute the scores.

    Raises:
        TextclfError: as :func:`~textclf_core.inference.store.load_classifier` does, or there is no such device.
    """
    from textclf_core.inference.store import load_classifier
    from textclf_core.system.environment import resolve_device

    place = "cpu" if engine != "torch" and device == "auto" else resolve_device(device)
    return load_classifier(run, catalogue, place, engine)


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
        text: the column that holds the text; its name in training, ``text``, or the only column, if not given. Where
            the model reads several, as many names with commas between, in the order of training; their names in
            training, if not given.

    Raises:
        UsageError: the rows have no such column, or another number of columns is named than the model reads.
        DataError: a text is missing.
    """
    from datasets import Dataset

    iterator = iter(rows)
    done = 0
    columns: tuple[str, ...] = ()
    words = task.kind == "tokens"
    while chunk := list(islice(iterator, CHUNK_ROWS)):
        columns = columns or _text_columns(chunk[0], task, text)
        for number, row in enumerate(chunk, done + 1):
            _check_texts(row, columns, number, words=words)
        texts = {own: [row[name] for row in chunk] for own, name in zip(task.text_columns, columns, strict=True)}
        if words:
            yield from _with_entities(classifier, task, chunk, *texts.values())
            done += len(chunk)
            continue
        answers = answers_of(classifier, Dataset.from_dict(texts), task)
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

    from textclf_core.data.entities import scheme_of
    from textclf_core.records.predictions import scored_spans

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


def named_texts(texts: Sequence[str] | str, task: Task) -> dict[str, str]:
    """Return a row's texts under the names of the task's text columns.

    Raises:
        UsageError: there are more or fewer.
    """
    columns = task.text_columns
    if isinstance(texts, str) or len(texts) != len(columns):
        raise UsageError(f"the model reads {len(columns)} texts a row ({', '.join(columns)}), not {texts!r}.")
    return dict(zip(columns, texts, strict=True))


def _check_texts(row: dict[str, Any], columns: Sequence[str], number: int, *, words: bool) -> None:
    for column in columns:
        if column not in row:
            raise UsageError(f"row {number}: there is no column {column!r}; it has {', '.join(row)}. Use --text.")
        if not isinstance(row[column], str) and not (words and _are_words(row[column])):
            raise DataError(f"row {number}: {column!r} holds {row[column]!r}, not a text.")


def _text_columns(row: dict[str, Any], task: Task, text: str | None) -> tuple[str, ...]:
    """Return the columns of a row that hold the texts of the task's columns, in their order."""
    from textclf_core.data.infer_columns import column_names

    own = task.text_columns
    given = column_names(text, list(row))
    if given and len(given) != len(own):
        wanted = f"{len(own)} columns ({', '.join(own)})" if len(own) > 1 else "one column of texts"
        raise UsageError(f"the model reads {wanted}, and --text {text} names {len(given)}.")
    if given:
        return given
    if len(own) > 1:
        if missing := [name for name in own if name not in row]:
            raise UsageError(
                f"the model reads the columns {', '.join(own)}, and the rows have no {' and no '.join(missing)}, only "
                f"{', '.join(row)}. Use --text {','.join('COLUMN' for _ in own)}, in that order."
            )
        return own
    for name in (*own, "text"):
        if name in row:
            return (name,)
    if len(row) == 1:
        return (next(iter(row)),)
    raise UsageError(f"which column holds the text? The rows have {', '.join(row)}. Use --text COLUMN.")

"""Sentences whose words have labels, as the lists of texts show them: a sentence's entities stand for its label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.data.entities import Scheme, spans_of
from textclf_core.report.outcomes import entity_mode, entity_scheme
from textclf_core.report.quality import run_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.report.stored import Line, StoredRun


def sentence_views(
    lines: Sequence[Line],
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return what there is to say of the sentences of the test split, and what contenders say.

    What a contender says is by the mean of its scores over the seeds; its confidence is the score of the word that it
    is least sure of, since one wrong word makes a wrong sentence.

    Returns:
        The texts that stand for labels, such as ``person: Ada Lovelace``; for each row the true one's index, (rows,);
        contenders' indices, confidences and numbers of wrong seeds, (contenders, rows).
    """
    first = lines[0].runs[0]
    names = first.record.data.label_names
    [column] = first.record.data.text_columns
    words = first.test[column].to_pylist()
    bounds = np.cumsum([len(row) for row in words])[:-1]
    ids: dict[str, int] = {}

    def index(rows: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        said = [_said(of_row, tags, first) for of_row, tags in zip(words, rows, strict=True)]
        return np.array([ids.setdefault(text, len(ids)) for text in said], dtype=np.int64)

    truth = index(first.test["label"].to_pylist())
    labels, confidence, wrong = [], [], []
    for line in lines:
        means = np.mean([run_scores(run) for run in line.runs], axis=0, dtype=np.float64)
        of_rows = np.split(means, bounds)
        labels.append(index([[names[label] for label in row.argmax(axis=1)] for row in of_rows]))
        confidence.append([float(row.max(axis=1).min()) if len(row) else 1.0 for row in of_rows])
        wrong.append(sum((index(run.test["prediction"].to_pylist()) != truth).astype(np.int64) for run in line.runs))
    return tuple(ids), truth, np.stack(labels), np.array(confidence), np.stack(wrong)


def _said(words: Sequence[str], tags: Sequence[str], run: StoredRun) -> str:
    scheme: Scheme | None = entity_scheme(run.record)
    if scheme is None:
        return " ".join(tags)
    spans = spans_of(tags, scheme, entity_mode(run.record))
    return "; ".join(f"{span.type}: {' '.join(words[span.start : span.end])}" for span in spans) or "no entity"

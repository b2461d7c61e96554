"""Texts that may have several labels, as the lists of texts show them: all labels of a text stand for its label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from textclf_core.report.quality import run_scores
from textclf_core.types.indicators import THRESHOLD, names_of_sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclf_core.report.stored import Line


def label_set_views(
    lines: Sequence[Line],
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return what there is to say of the texts of the test split, and what contenders say.

    A contender gives a text the labels that most of its seeds give; where as many do as don't, the mean score decides.
    Its confidence is that in the label that it is least sure of, given or not, since one wrong label makes a wrong set.

    Returns:
        The texts that stand for sets of labels, such as ``politics; sports``; for each row the true one's index,
        (rows,); contenders' indices, confidences and numbers of wrong seeds, (contenders, rows).
    """
    first = lines[0].runs[0]
    ids: dict[str, int] = {}

    def index(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        said = ["; ".join(names) or "no label" for names in names_of_sets(chosen, first.record.data.label_names)]
        return np.array([ids.setdefault(text, len(ids)) for text in said], dtype=np.int64)

    references = first.label_ids("label")
    truth = index(references)
    labels, confidence, wrong = [], [], []
    for line in lines:
        predictions = line.predictions(line.seeds)
        means = np.mean([run_scores(run) for run in line.runs], axis=0, dtype=np.float64)
        share = predictions.mean(axis=0)
        chosen = np.where(share == 0.5, means >= THRESHOLD, share > 0.5).astype(np.int64)
        labels.append(index(chosen))
        confidence.append(np.where(chosen == 1, means, 1 - means).min(axis=1))
        wrong.append((predictions != references).any(axis=2).sum(axis=0))
    return tuple(ids), truth, np.stack(labels), np.array(confidence), np.stack(wrong)

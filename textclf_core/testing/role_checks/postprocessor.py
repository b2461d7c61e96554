"""Checks of postprocessors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textclf_core.errors import UsageError
from textclf_core.tasks.decisions import decisions_from
from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import Subject, TinyTask
from textclf_core.types.postprocessing import UNDECIDED, PostprocessingStep

if TYPE_CHECKING:
    from textclf_core.types.postprocessing import Decisions, Postprocessing


def _scores(tiny: TinyTask) -> Any:
    """Return made-up probabilities for the rows of validation that are right more often than not."""
    import numpy as np

    rng = np.random.default_rng(0)
    rows, labels = len(tiny.validation), tiny.task.num_labels
    scores = rng.uniform(0.05, 0.95, size=(rows, labels)).astype(np.float32)
    for row, label in enumerate(tiny.validation["label"]):
        scores[row, label] = scores[row, label] / 2 + 0.5
    return scores if tiny.task.kind == "multi-label" else scores / scores.sum(axis=1, keepdims=True)


def _fitted(subject: Subject) -> Iterator[tuple[TinyTask, Any, Postprocessing]]:
    """Yield task, scores and what was fitted, for each kind of task that isn't refused."""
    for tiny in subject.tasks():
        if tiny.task.kind == "tokens":  # postprocessors get arrays of texts
            continue
        scores = _scores(tiny)
        try:
            fitted = subject.call("textclf_postprocess", scores=scores, validation=tiny.validation, task=tiny.task)
        except UsageError:
            continue
        for one in fitted:
            yield tiny, scores, one


def _decided(subject: Subject, scores: Any, one: Postprocessing, tiny: TinyTask) -> Decisions:
    step = PostprocessingStep(subject.name, one)
    decisions: Decisions = subject.method("rescore and decide", lambda: decisions_from(scores, [step], tiny.task))
    return decisions


@check_of("textclf_postprocess")
def returns_probabilities(subject: Subject) -> Iterator[str]:
    """``rescore`` returns probabilities of the same shape."""
    import numpy as np

    for tiny, scores, one in _fitted(subject):
        rescored = np.asarray(_decided(subject, scores.copy(), one, tiny).scores)
        whole = tiny.task.kind == "multi-label" or (
            rescored.shape == scores.shape and np.allclose(rescored.sum(axis=1), 1, atol=1e-4)
        )
        if rescored.shape != scores.shape or not whole or not ((rescored >= 0) & (rescored <= 1)).all():
            yield f"{tiny.task.kind}: rescore must return probabilities of shape (rows, labels)."


@check_of("textclf_postprocess")
def chooses_labels(subject: Subject) -> Iterator[str]:
    """``decide`` returns a label for each row; -1 only if ``abstains`` is true."""
    import numpy as np

    for tiny, scores, one in _fitted(subject):
        labels = np.asarray(_decided(subject, scores.copy(), one, tiny).labels)
        multi = tiny.task.kind == "multi-label"
        allowed = {*range(2 if multi else tiny.task.num_labels), *([UNDECIDED] if one.abstains else [])}
        if labels.shape != (scores.shape if multi else (len(scores),)) or not set(labels.ravel().tolist()) <= allowed:
            yield f"{tiny.task.kind}: decide must return a label id for each row (-1 only if abstains is true)."


@check_of("textclf_postprocess")
def is_saved_and_loaded(subject: Subject) -> Iterator[str]:
    """What was fitted does the same after it was saved and loaded."""
    import numpy as np

    if "textclf_load_postprocessing" not in subject.hooks:
        yield "it has no textclf_load_postprocessing, so `textclf predict` can't apply it; implement it."
        return
    for tiny, scores, one in _fitted(subject):
        folder = subject.folder()
        subject.method("save", partial(one.save, folder))
        loaded = subject.call("textclf_load_postprocessing", directory=folder, task=tiny.task)
        before, after = (_decided(subject, scores.copy(), each, tiny) for each in (one, loaded))
        if not (np.array_equal(before.scores, after.scores) and np.array_equal(before.labels, after.labels)):
            yield "it returns other scores or labels after it was saved and loaded; save every fitted value."


@check_of("textclf_postprocess")
def treats_rows_by_themselves(subject: Subject) -> Iterator[str]:
    """A row's scores and labels don't depend on the other rows, nor on their order."""
    import numpy as np

    for tiny, scores, one in _fitted(subject):
        whole, half = (_decided(subject, rows.copy(), one, tiny) for rows in (scores, scores[: len(scores) // 2][::-1]))
        first = len(scores) // 2
        same = np.allclose(np.asarray(whole.scores)[:first][::-1], half.scores, atol=1e-6)
        if not same or not np.array_equal(np.asarray(whole.labels)[:first][::-1], half.labels):
            yield (
                f"{tiny.task.kind}: a row gets other scores or labels among other rows; fit on validation in "
                "textclf_postprocess, and apply what was fitted to each row."
            )


@check_of("textclf_postprocess")
def leaves_scores_alone(subject: Subject) -> Iterator[str]:
    """Fitting and applying leave the arrays that they get unchanged."""
    import numpy as np

    for tiny, scores, one in _fitted(subject):
        if not np.array_equal(scores, _scores(tiny)):
            yield f"{tiny.task.kind}: textclf_postprocess changed the scores that it got; work on a copy."
            continue
        given = scores.copy()
        _decided(subject, given, one, tiny)
        if not np.array_equal(given, scores):
            yield f"{tiny.task.kind}: rescore or decide changed the scores in place; return a new array."


@check_of("textclf_postprocess")
def says_what_it_fitted(subject: Subject) -> Iterator[str]:
    """``str()`` of it names what was fitted, for the record."""
    for _, _, one in _fitted(subject):
        if " object at 0x" in str(one):
            yield f"str() of it is {str(one)!r}; define __str__ with the fitted values, since it is recorded."

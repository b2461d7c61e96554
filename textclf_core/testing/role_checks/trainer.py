"""Checks of trainers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.testing.other_process import can_be_imported, scores_in_another_process
from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import Subject, TinyTask, differing, flat, is_pickle

if TYPE_CHECKING:
    from textclf_core.types.task import Kind

_CLOSE = 1e-5


def _share_right(scores: Any, tiny: TinyTask) -> tuple[float, float]:
    """Return the share of the labels of train that scores get right, and that which one answer for all gets right."""
    import numpy as np

    truth = flat([np.asarray(row) for row in tiny.train["label"]]) if tiny.task.kind == "tokens" else None
    if tiny.task.kind == "multi-label":
        truth = np.zeros((len(tiny.train), tiny.task.num_labels), dtype=int)
        for row, labels in enumerate(tiny.train["label"]):
            truth[row, list(labels)] = 1
        share = truth.mean(axis=0)
        return float(((flat(scores) >= 0.5) == truth).mean()), float(np.maximum(share, 1 - share).mean())
    truth = np.asarray(tiny.train["label"]) if truth is None else truth
    return float((flat(scores).argmax(axis=1) == truth).mean()), float(np.bincount(truth).max() / len(truth))


def _learns(subject: Subject, kind: Kind) -> Iterator[str]:
    for tiny in subject.tasks():
        if tiny.task.kind == kind:
            right, constant = _share_right(subject.scores(subject.trained(tiny).classifier, tiny.train), tiny)
            if right < constant + (1 - constant) / 4:
                yield (
                    f"after training it gets {right:.0%} of the labels of {len(tiny.train)} easy rows right, and one "
                    f"answer for all gets {constant:.0%}; check the loss and the optimizer, give it options with which "
                    "it can learn, or refuse this kind of task in textclf_check_task."
                )


@check_of("textclf_train")
def learns_one_label(subject: Subject) -> Iterator[str]:
    """It learns tiny data with one label for each text, unless it refuses such tasks."""
    return _learns(subject, "single-label")


@check_of("textclf_train")
def learns_several_labels(subject: Subject) -> Iterator[str]:
    """It learns tiny data with several labels for each text, unless it refuses such tasks."""
    return _learns(subject, "multi-label")


@check_of("textclf_train")
def learns_words(subject: Subject) -> Iterator[str]:
    """It learns tiny data with a label for each word, unless it refuses such tasks."""
    return _learns(subject, "tokens")


@check_of("textclf_train")
def gives_probabilities(subject: Subject) -> Iterator[str]:
    """Its scores are float32 probabilities of the right shape."""
    import numpy as np

    for tiny in subject.tasks():
        kind, labels = tiny.task.kind, tiny.task.num_labels
        scores = subject.scores(subject.trained(tiny).classifier, tiny.validation)
        rows = [len(words) for words in tiny.validation[tiny.task.text_columns[0]]] if kind == "tokens" else None
        wanted = [(words, labels) for words in rows] if rows else [(len(tiny.validation), labels)]
        arrays = scores if isinstance(scores, list) else [scores]
        shapes = [np.shape(array) for array in arrays]
        if isinstance(scores, list) != (kind == "tokens") or shapes != wanted:
            yield (
                f"{kind}: its scores have the shape {shapes[0]}, not {wanted[0]}; return an array of shape (rows, "
                "labels), or in a token task a list with one of shape (words, labels) for each row."
            )
            continue
        values = flat(scores)
        if values.dtype != np.float32:
            yield f"{kind}: its scores are {values.dtype}; return float32, as by scores.astype(np.float32)."
        if not (np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all()):
            yield f"{kind}: its scores aren't all between 0 and 1; return probabilities, by softmax or sigmoid."
        elif kind != "multi-label" and not np.allclose(values.sum(axis=1), 1, atol=1e-4):
            yield f"{kind}: its scores of a row don't sum to 1; return the softmax of the logits."


@check_of("textclf_train")
def same_by_seed(subject: Subject) -> Iterator[str]:
    """Training twice with one seed gives the same scores."""
    import numpy as np

    tiny = next(subject.tasks())
    first, again = (
        flat(subject.scores(subject.trained(tiny, again=number > 0).classifier, tiny.validation)) for number in range(2)
    )
    if not np.array_equal(first, again):
        yield (
            f"two trainings with the same seed differ by {np.abs(first - again).max():.2g}; draw from generators that "
            "follow from seed, such as torch's, which is seeded before the call."
        )


@check_of("textclf_train")
def scores_rows_by_themselves(subject: Subject) -> Iterator[str]:
    """A row's scores depend neither on the order of the rows nor on those scored with it, nor on the call."""
    import numpy as np

    tiny = next(subject.tasks())
    classifier = subject.trained(tiny).classifier
    rows = tiny.validation.select(range(min(8, len(tiny.validation))))
    together = subject.scores(classifier, rows)

    def differ(other: Any, wanted: Any) -> bool:
        return flat(other).shape != flat(wanted).shape or not np.allclose(flat(other), flat(wanted), atol=_CLOSE)

    order = [*range(len(rows))][::-1]
    backwards = subject.scores(classifier, rows.select(order))
    if differ(backwards[::-1], together):
        yield "the scores of rows in another order aren't the same in that order; return them in the order of the data."
    singles = [subject.scores(classifier, rows.select([row])) for row in range(len(rows))]
    if differ([part for one in singles for part in one], list(together)):
        yield "a row scored alone has other scores than among others; use nothing of a batch, and no dropout."
    if differ(subject.scores(classifier, rows), together):
        yield "a second call gives other scores; switch to evaluation mode, and keep no state between calls."


def _saved(subject: Subject, tiny: TinyTask) -> Path:
    classifier, folder = subject.trained(tiny).classifier, subject.folder()
    subject.method("save", lambda: classifier.save(folder))
    return folder


@check_of("textclf_train")
def is_saved_and_loaded(subject: Subject) -> Iterator[str]:
    """Another process loads what was saved, and gives the same scores."""
    import numpy as np

    if "textclf_load_classifier" not in subject.hooks:
        yield "it has no textclf_load_classifier, so `textclf predict` can't use what it trained; implement it."
        return
    tiny = next(subject.tasks())
    before = flat(subject.scores(subject.trained(tiny).classifier, tiny.validation))
    folder = _saved(subject, tiny)
    if can_be_imported(subject.cls):
        after = scores_in_another_process(subject, folder, tiny.task, tiny.validation.remove_columns("label"))
    else:
        after = flat(subject.scores(subject.load_classifier(folder, tiny.task), tiny.validation))
    if before.shape != after.shape or not np.allclose(before, after, atol=_CLOSE):
        yield "its scores differ after it was saved and loaded; save everything that scores depend on."


@check_of("textclf_train")
def writes_no_pickle(subject: Subject) -> Iterator[str]:
    """What it saves is no pickle, which runs code when it is loaded."""
    folder = _saved(subject, next(subject.tasks()))
    for path in sorted(folder.rglob("*")):
        if path.is_file() and is_pickle(path):
            yield (
                f"{path.relative_to(folder)} is a pickle, which runs any code when it is loaded; write arrays as "
                "safetensors and the rest as JSON."
            )


@check_of("textclf_train")
def leaves_the_frozen_frozen(subject: Subject) -> Iterator[str]:
    """Parameters that were frozen before training have the same weights after it."""
    trained = subject.trained(next(subject.tasks()))
    if trained.encoder and (changed := differing(trained.encoder, trained.before)):
        yield (
            f"it changed {changed[0]}, which was frozen; give the optimizer only parameters with requires_grad, and "
            "set requires_grad of none."
        )


@check_of("textclf_train")
def leaves_the_data_alone(subject: Subject) -> Iterator[str]:
    """Training and scoring write into no folder but the workspace's and change no row."""
    tiny = next(subject.tasks())
    before = tiny.train[:], tiny.validation[:]
    here = set(Path.cwd().iterdir())
    subject.trained(tiny)
    if (tiny.train[:], tiny.validation[:]) != before:
        yield "it changed the rows that it trains on; work on a copy."
    if new := sorted(path.name for path in set(Path.cwd().iterdir()) - here):
        yield f"it wrote {new[0]} into the current folder; write into workspace.directory."

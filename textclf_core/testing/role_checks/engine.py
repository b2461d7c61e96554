"""Checks of engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textclf_core.errors import TextclfError
from textclf_core.tasks import kind_of
from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import SavedModel, Subject, copies, differing, flat

if TYPE_CHECKING:
    from textclf_core.types.classifier import Classifier

CLOSE = 1e-4
"""The largest difference from the model's scores that counts as rounding."""
NEAR = 0.1
"""The largest mean difference of an engine that is approximate."""


def _computed(subject: Subject) -> Iterator[tuple[SavedModel, Classifier]]:
    """Yield each saved model that the engine doesn't refuse, and what it computes."""
    for one in subject.saved_models():
        if (classifier := subject.engine(one.classifier, one.tiny.task, one.directory)) is not None:
            yield one, classifier


def _scores(subject: Subject, classifier: Classifier, rows: Any) -> Any:
    return subject.method("scores", lambda: classifier.scores(rows))


@check_of("textclf_engine")
def engine_gives_probabilities(subject: Subject) -> Iterator[str]:
    """Its scores are float32 probabilities of the right shape."""
    import numpy as np

    computed = list(_computed(subject))
    if not computed:
        yield "it refuses every model that the checks have, so they find nothing out; skip this check with the reason."
    for one, classifier in computed:
        kind = one.tiny.task.kind
        scores = _scores(subject, classifier, one.rows)
        if fault := kind_of(one.tiny.task).scores_fault(scores, one.rows):
            yield f"{kind}: its scores {fault}"
            continue
        values = flat(scores)
        whole = kind == "multi-label" or np.allclose(values.sum(axis=1), 1, atol=CLOSE)
        if not (np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all() and whole):
            yield (
                f"{kind}: its scores aren't probabilities; return the softmax of the logits, or for several labels "
                "their sigmoid."
            )


@check_of("textclf_engine")
def computes_the_models_scores(subject: Subject) -> Iterator[str]:
    """Its scores are those of the model, up to rounding unless it declares that it is approximate."""
    import numpy as np

    approximate = subject.plugin.needs.approximate
    for one, classifier in _computed(subject):
        differences = np.abs(flat(_scores(subject, classifier, one.rows)) - flat(one.before.scores(one.rows)))
        if approximate and differences.mean() > NEAR:
            yield (
                f"{one.tiny.task.kind}: its scores differ by {differences.mean():.2g} on average; {NEAR:g} is allowed "
                "even to an approximate engine."
            )
        elif not approximate and differences.max() > CLOSE:
            yield (
                f"{one.tiny.task.kind}: its scores differ from the model's by up to {differences.max():.2g}; compute "
                "the same, or declare needs: ClassVar[Needs] = Needs(approximate=True)."
            )


@check_of("textclf_engine")
def engine_scores_rows_by_themselves(subject: Subject) -> Iterator[str]:
    """A row's scores depend neither on the order of the rows nor on those scored with it, nor on the call."""
    import numpy as np

    for one, classifier in _computed(subject):
        together = list(_scores(subject, classifier, one.rows))
        backwards = list(_scores(subject, classifier, one.rows.select([*range(len(one.rows))][::-1])))[::-1]
        singles = [
            part for row in range(len(one.rows)) for part in _scores(subject, classifier, one.rows.select([row]))
        ]
        for what, other in (("in another order", backwards), ("alone", singles)):
            if not all(np.allclose(row, found, atol=1e-5) for row, found in zip(together, other, strict=True)):
                yield (
                    f"{one.tiny.task.kind}: a row scored {what} has other scores; return them in the order of the "
                    "data, and use nothing of a batch (batch_tokens=1 of an EncoderClassifier scores row by row)."
                )


@check_of("textclf_engine")
def computes_from_the_export(subject: Subject) -> Iterator[str]:
    """An engine that has an exporter computes from what that wrote, also after it was moved."""
    import numpy as np

    if "textclf_export" not in subject.hooks:
        return
    for one, classifier in _computed(subject):
        wanted = flat(_scores(subject, classifier, one.rows))
        moved = one.directory.rename(one.directory.with_name("moved"))
        try:
            other = subject.engine(subject.classifier(one.tiny, seed=1), one.tiny.task, moved)
            found = None if other is None else flat(_scores(subject, other, one.rows))
        except TextclfError as error:
            yield f"{error} It must work after its folder was moved; use no path but directory."
            continue
        finally:
            moved.rename(one.directory)
        if found is None or not np.allclose(found, wanted, atol=CLOSE):
            yield (
                f"{one.tiny.task.kind}: with a classifier of other weights it computes other scores, so it doesn't "
                "compute from what textclf_export wrote; read directory."
            )


@check_of("textclf_engine")
def engine_leaves_the_classifier_alone(subject: Subject) -> Iterator[str]:
    """The classifier that it gets has the same parameters and scores afterwards, with which it is compared."""
    import numpy as np

    for one, classifier in _computed(subject):
        _scores(subject, classifier, one.rows)
        encoder = one.before.encoder
        changed = differing(one.classifier.encoder, copies(encoder, dict(encoder.model.named_parameters())))
        if changed or not np.array_equal(flat(one.before.scores(one.rows)), flat(one.classifier.scores(one.rows))):
            what = changed[0] if changed else "how the classifier computes"
            yield (
                f"{one.tiny.task.kind}: it changed {what}; change a copy, such as "
                "dataclasses.replace(classifier, compute=...)."
            )

"""Checks of exporters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textclf_core.errors import RunError, UsageError
from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import Subject, copies, differing, flat, is_pickle, tiny_task

if TYPE_CHECKING:
    from pathlib import Path

    from datasets import Dataset


class NoEncoder:
    """A classifier without an encoder: one answer for all."""

    def __init__(self, labels: int) -> None:
        self.labels = labels

    def scores(self, data: Dataset) -> Any:
        """Return equal scores."""
        import numpy as np

        return np.full((len(data), self.labels), 1 / self.labels, dtype=np.float32)

    def save(self, directory: Path) -> None:
        """Write nothing."""


@check_of("textclf_export")
def writes_an_export(subject: Subject) -> Iterator[str]:
    """It writes at least one file for a model with an encoder."""
    saved = list(subject.saved_models())
    if not saved:
        yield "it refuses every model that the checks have, so they find nothing out; skip this check with the reason."
    for one in saved:
        if not any(path.is_file() for path in one.directory.rglob("*")):
            yield f"{one.tiny.task.kind}: it wrote no file; write what the engine needs into directory."


@check_of("textclf_export")
def writes_there_alone(subject: Subject) -> Iterator[str]:
    """It writes into the directory that it gets, and nowhere else."""
    for one in subject.saved_models():
        if one.beside:
            yield f"it wrote {one.beside[0]} beside directory or into the current folder; write into directory alone."


@check_of("textclf_export")
def export_is_no_pickle(subject: Subject) -> Iterator[str]:
    """What it writes is no pickle, which runs code when it is loaded."""
    for one in subject.saved_models():
        for path in sorted(one.directory.rglob("*")):
            if path.is_file() and is_pickle(path):
                yield (
                    f"{path.relative_to(one.directory)} is a pickle, which runs any code when it is loaded; write "
                    "arrays as safetensors and the rest as JSON."
                )


@check_of("textclf_export")
def export_knows_no_place(subject: Subject) -> Iterator[str]:
    """What it writes doesn't say where it was written, since it is moved and copied to other machines."""
    for one in subject.saved_models():
        for path in sorted(one.directory.rglob("*")):
            if path.is_file() and str(one.directory).encode() in path.read_bytes():
                yield (
                    f"{path.relative_to(one.directory)} has the path of its folder, which is moved when it is "
                    "complete; write names relative to directory."
                )


@check_of("textclf_export")
def export_leaves_the_model_alone(subject: Subject) -> Iterator[str]:
    """The model has the same parameters and scores after it was written."""
    import numpy as np

    for one in subject.saved_models():
        encoder = one.before.encoder
        changed = differing(one.classifier.encoder, copies(encoder, dict(encoder.model.named_parameters())))
        if changed or not np.array_equal(flat(one.before.scores(one.rows)), flat(one.classifier.scores(one.rows))):
            what = changed[0] if changed else "how the model computes"
            yield f"{one.tiny.task.kind}: it changed {what}; work on a copy (copy.deepcopy) of what you change."


@check_of("textclf_export", "textclf_engine")
def refuses_in_words(subject: Subject) -> Iterator[str]:
    """A classifier without an encoder is written and computed, or refused with a UsageError."""
    task, directory = tiny_task("single-label").task, subject.folder()
    classifier = NoEncoder(task.num_labels)
    for hook in ("textclf_export", "textclf_engine"):
        if hook in subject.hooks:
            try:
                subject.call(hook, classifier=classifier, task=task, directory=directory)
            except UsageError:
                return
            except RunError as error:
                yield (
                    f"{error} Of a classifier that it doesn't support, raise UsageError with what it needs: not each "
                    "has an encoder."
                )
                return

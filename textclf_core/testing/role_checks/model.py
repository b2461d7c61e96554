"""Checks of models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import Subject, TinyTask, copies, differing, seed_everything
from textclf_core.types.tokenization import Tokenization

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


def _built(subject: Subject, tiny: TinyTask, seed: int = 0) -> Encoder:
    seed_everything(seed)
    encoder: Encoder = subject.call("textclf_build_model", task=tiny.task, seed=seed)
    return encoder


def _first(subject: Subject) -> TinyTask:
    return next(subject.tasks())


@check_of("textclf_build_model")
def gives_logits_of_each_task(subject: Subject) -> Iterator[str]:
    """In each kind of task it tokenizes texts, and gives finite logits, one for each label."""
    import torch

    for tiny in subject.tasks():
        encoder = _built(subject, tiny)
        rows = list(encoder.tokenize(tiny.validation, tiny.task, Tokenization()))[:4]
        with torch.no_grad():
            logits = encoder.logits(encoder.collate(rows))
        if logits.shape[-1] != tiny.task.num_labels:
            yield (
                f"{tiny.task.kind}: it gives {logits.shape[-1]} logits, and the task has {tiny.task.num_labels} "
                "labels; set num_labels from task.num_labels."
            )
        elif not torch.isfinite(logits).all():
            yield f"{tiny.task.kind}: its logits aren't finite; check how the head is initialised."


@check_of("textclf_build_model")
def names_the_labels(subject: Subject) -> Iterator[str]:
    """The model's configuration has the task's labels in their order."""
    for tiny in subject.tasks():
        found = tuple(getattr(_built(subject, tiny).model.config, "id2label", {}).values())
        if found != tiny.task.label_names:
            yield f"{tiny.task.kind}: id2label has {found}, not {tiny.task.label_names}; set it from task.label_names."


@check_of("textclf_build_model")
def has_parts_that_strategies_find(subject: Subject) -> Iterator[str]:
    """The encoder has a head, and blocks that can be frozen and split."""
    encoder = _built(subject, _first(subject))
    if not encoder.has_head:
        yield "the model has no head; build it by textclf_core.encoder.heads.model_class(task)."
    elif not encoder.knows_blocks:
        yield f"its blocks can't be identified: {encoder._parts.unknown} Strategies by block will refuse it."
    elif reason := encoder.check_split(encoder.num_blocks):
        yield f"{reason} So no frozen prefix can be cached."


@check_of("textclf_build_model")
def starts_trainable(subject: Subject) -> Iterator[str]:
    """Every parameter is trainable: what is frozen is for strategies to decide."""
    if frozen := _built(subject, _first(subject)).frozen_names():
        yield f"{len(frozen)} parameters are frozen, such as {frozen[0]}; freeze in a strategy, not in the model."


@check_of("textclf_build_model")
def head_depends_on_the_seed_alone(subject: Subject) -> Iterator[str]:
    """A seed gives the same weights each time; another seed gives another head, if the head is fresh."""
    tiny = _first(subject)
    encoder = _built(subject, tiny)
    weights = copies(encoder, [name for name, _ in encoder.model.named_parameters()])
    if differing(_built(subject, tiny), weights):
        yield "two models of the same seed differ; draw from torch's generator, which is seeded before the call."
    if encoder.fresh_head and not differing(_built(subject, tiny, seed=1), weights):
        yield "models of two seeds are equal, so no comparison of seeds means anything; don't seed in the plugin."


@check_of("textclf_build_model")
def is_saved_and_loaded(subject: Subject) -> Iterator[str]:
    """The model and its tokenizer give the same logits after they were saved and loaded, by its hook if it has one."""
    import torch

    tiny = _first(subject)
    encoder = _built(subject, tiny)
    folder = subject.folder()
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    loaded = subject.load_model(folder, tiny.task)
    outputs = []
    for one in (encoder, loaded):
        one.model.train(False)
        rows = list(one.tokenize(tiny.validation, tiny.task, Tokenization()))[:4]
        with torch.no_grad():
            outputs.append(one.logits(one.collate(rows)))
    if outputs[0].shape != outputs[1].shape or not torch.equal(*outputs):
        yield (
            "its logits differ after it was saved and loaded; change weights, configuration and tokenizer, not "
            "methods, or load its own modules by textclf_load_model, so that the saved model computes the same."
        )

"""Broken models."""

from __future__ import annotations

from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any

from broken import broken
from textclf_core import Encoder, hookimpl

if TYPE_CHECKING:
    from textclf_core import Task


def tiny(task: Task, **changes: Any) -> Encoder:
    """Return a model with a head of the seeded generator, as a good plugin builds it."""
    import torch

    from textclf_core.testing import tiny_encoder

    return tiny_encoder(
        **{
            "labels": task.label_names,
            "kind": task.kind,
            "seed": int(torch.randint(10**6, (1,))),
            **changes,
        }
    )


@dataclass(frozen=True)
class GoodModel:
    """A tiny BERT."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        return tiny(task)


@broken("gives_logits_of_each_task", "set num_labels from task.num_labels")
@dataclass(frozen=True)
class AlwaysTwoLabels:
    """Two labels, whatever the task."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        return tiny(task, labels=("no", "yes"))


@broken("gives_logits_of_each_task", "must return an Encoder")
@dataclass(frozen=True)
class BareModel:
    """A model without its tokenizer."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Any:
        return tiny(task).model


@broken("gives_logits_of_each_task", "check how the head is initialised")
@dataclass(frozen=True)
class NotFinite:
    """A head full of nan."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        encoder = tiny(task)
        encoder.model.classifier.weight.data.fill_(float("nan"))
        return encoder


@broken("names_the_labels", "set it from task.label_names")
@dataclass(frozen=True)
class NumbersForLabels:
    """LABEL_0 and LABEL_1."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        return tiny(task, labels=[f"LABEL_{number}" for number in range(task.num_labels)])


@broken("has_parts_that_strategies_find", "model_class(task)")
@dataclass(frozen=True)
class NoHead:
    """A body alone."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        return tiny(task).without_head()


@broken("starts_trainable", "freeze in a strategy")
@dataclass(frozen=True)
class Freezes:
    """Embeddings that don't train."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        encoder = tiny(task)
        encoder.freeze(embeddings=True)
        return encoder


@broken("head_depends_on_the_seed_alone", "don't seed in the plugin")
@dataclass(frozen=True)
class ConstantSeed:
    """The same head for every seed."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        return tiny(task, seed=42)


@broken("head_depends_on_the_seed_alone", "draw from torch's generator")
@dataclass(frozen=True)
class NoSeed:
    """Another head at each call."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        import os

        return tiny(task, seed=int.from_bytes(os.urandom(3), "big"))


@broken("is_saved_and_loaded", "change weights, configuration and tokenizer")
@dataclass(frozen=True)
class PatchedForward:
    """A forward pass that isn't saved."""

    @hookimpl
    def textclf_build_model(self, task: Task) -> Encoder:
        encoder = tiny(task)
        classifier = encoder.model.classifier
        classifier.forward = MethodType(lambda self, hidden: 3 * type(self).forward(self, hidden), classifier)
        return encoder

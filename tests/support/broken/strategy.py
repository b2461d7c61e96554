"""Broken strategies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from broken import broken
from textclf_core import Change, Encoder, ParameterGroup, Phase, Recipe, hookimpl


def body(encoder: Encoder) -> list[str]:
    return [name for name in encoder.trainable_names() if encoder.part_of(name) != "head"]


@broken("head_trains", "freeze parts of the body")
@dataclass(frozen=True)
class FreezesTheHead:
    """Freeze everything."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        encoder.freeze(names=encoder.trainable_names())


@broken("head_trains", "phase 2 of its plan freezes the head")
@dataclass(frozen=True)
class PlansWithoutTheHead:
    """Train all, then nothing."""

    @hookimpl
    def textclf_plan(self, encoder: Encoder, recipe: Recipe) -> list[Phase]:
        return [Phase(epochs=recipe.epochs), Phase(epochs=1, freeze=encoder.trainable_names())]


@broken("only_freezes_more", "call encoder.freeze(...) alone")
@dataclass(frozen=True)
class Thaws:
    """Train the embeddings, whatever others say."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        for name, parameter in encoder.model.named_parameters():
            parameter.requires_grad_(encoder.part_of(name) in ("embeddings", "head"))


@broken("freezes_the_same_each_time", "take a seed as an option")
@dataclass(frozen=True)
class FreezesAtRandom:
    """Freeze a block of chance."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        import random

        encoder.freeze(names=random.sample(body(encoder), 20))


@broken("leaves_weights_alone", "weights are changed in textclf_adapt")
@dataclass(frozen=True)
class ChangesWeightsWhileFreezing:
    """Set the embeddings to zero."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        encoder.model.get_input_embeddings().weight.data.zero_()


@broken("names_parameters_that_exist", "take names from encoder.trainable_names()")
@dataclass(frozen=True)
class NamesOfAnotherModel:
    """Freeze what another family has."""

    @hookimpl
    def textclf_plan(self, recipe: Recipe) -> list[Phase]:
        return [Phase(epochs=recipe.epochs, freeze=("transformer.layer.0.weight",))]


@broken("names_parameters_that_exist", "each may have one learning rate")
@dataclass(frozen=True)
class TwoGroups:
    """Two learning rates for one parameter."""

    @hookimpl
    def textclf_parameter_groups(self, encoder: Encoder) -> list[ParameterGroup]:
        names = tuple(body(encoder))
        return [ParameterGroup(names=names, factor=0.1), ParameterGroup(names=names[:1], factor=0.5)]


@broken("works_with_shallow_models", "IndexError")
@dataclass(frozen=True)
class NeedsTwelveBlocks:
    """Freeze by the names of the seventh block."""

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        names = [name for name in body(encoder) if ".6." in name]
        encoder.freeze(names=[names[0], names[1]])


@broken("decides_between_epochs", "keep no state")
@dataclass(frozen=True)
class CountsItsCalls:
    """Stop at the third call, which a resumed run doesn't make."""

    calls: ClassVar[list[int]] = []

    @hookimpl
    def textclf_epoch_finished(self) -> Change | None:
        self.calls.append(0)
        return Change(stop=True) if len(self.calls) % 2 else None


@broken("adapting_leaves_all_trainable", "freeze in textclf_freeze")
@dataclass(frozen=True)
class FreezesWhileAdapting:
    """Freeze too early."""

    @hookimpl
    def textclf_adapt(self, encoder: Encoder) -> None:
        encoder.freeze(embeddings=True)


@broken("adapting_depends_on_the_seed_alone", "draw from the seeded generators")
@dataclass(frozen=True)
class AdaptsAtRandom:
    """Noise that nobody can draw again."""

    @hookimpl
    def textclf_adapt(self, encoder: Encoder) -> None:
        import os

        encoder.model.classifier.bias.data.add_(os.urandom(1)[0] + os.urandom(1)[0] / 256 + os.urandom(1)[0] / 65536)


@broken("agrees_with_the_cache", "change modules inside blocks")
@dataclass(frozen=True)
class ChangesHiddenStatesOutsideBlocks:
    """Scale the hidden states between embeddings and blocks."""

    @hookimpl
    def textclf_adapt(self, encoder: Encoder) -> None:
        stack = encoder.model.base_model.encoder
        stack.register_forward_pre_hook(lambda module, arguments: (2 * arguments[0] + 1, *arguments[1:]))


@broken("leaves_a_plain_model", "merge what was added")
@dataclass(frozen=True)
class LeavesModules:
    """Wrap the first layer of the head, and leave it so."""

    @hookimpl
    def textclf_adapt(self, encoder: Encoder) -> None:
        from torch import nn

        encoder.model.classifier = nn.Sequential(encoder.model.classifier)

"""Broken exporters: each writes the weights as safetensors, with one fault."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from broken import broken
from textclf_core import UsageError, hookimpl

if TYPE_CHECKING:
    from textclf_core import Classifier, EncoderClassifier

WEIGHTS = "weights.safetensors"


def encoded(classifier: Classifier) -> EncoderClassifier:
    from textclf_core import EncoderClassifier

    if not isinstance(classifier, EncoderClassifier):
        raise UsageError("it needs a model with an encoder.")
    return classifier


def model_of(classifier: Classifier) -> Any:
    return encoded(classifier).encoder.model


def write(model: Any, path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: value.contiguous().clone() for name, value in model.state_dict().items()}, path)


@dataclass(frozen=True)
class GoodExporter:
    """The weights."""

    @hookimpl
    def textclf_export(self, classifier: Classifier, directory: Path) -> None:
        write(model_of(classifier), directory / WEIGHTS)


@broken("writes_an_export", "write what the engine needs into directory")
@dataclass(frozen=True)
class WritesNothing:
    """Nothing comes of it."""

    @hookimpl
    def textclf_export(self, classifier: Classifier) -> None:
        model_of(classifier).state_dict()


@broken("writes_there_alone", "write into directory alone")
@dataclass(frozen=True)
class WritesHereToo(GoodExporter):
    """A file in the current folder."""

    @hookimpl
    def textclf_export(self, classifier: Classifier, directory: Path) -> None:
        write(model_of(classifier), directory / WEIGHTS)
        write(model_of(classifier), Path("model.safetensors"))


@broken("export_is_no_pickle", "write arrays as safetensors")
@dataclass(frozen=True)
class WritesAPickle:
    """By torch.save."""

    @hookimpl
    def textclf_export(self, classifier: Classifier, directory: Path) -> None:
        import torch

        torch.save(model_of(classifier).state_dict(), directory / "weights.pt")


@broken("export_leaves_the_model_alone", "work on a copy")
@dataclass(frozen=True)
class HalvesTheModel:
    """The weights in 16 bits, those of the model too."""

    @hookimpl
    def textclf_export(self, classifier: Classifier, directory: Path) -> None:
        write(model_of(classifier).half(), directory / WEIGHTS)


@broken("export_knows_no_place", "write names relative to directory")
@dataclass(frozen=True)
class KnowsItsPlace(GoodExporter):
    """The path of the weights beside them."""

    @hookimpl
    def textclf_export(self, classifier: Classifier, directory: Path) -> None:
        write(model_of(classifier), directory / WEIGHTS)
        (directory / "index.json").write_text(json.dumps({"weights": str(directory / WEIGHTS)}))


@broken("refuses_in_words", "raise UsageError with what it needs")
@dataclass(frozen=True)
class ExpectsAnEncoder:
    """Whatever it gets."""

    @hookimpl
    def textclf_export(self, classifier: EncoderClassifier, directory: Path) -> None:
        write(classifier.encoder.model, directory / WEIGHTS)

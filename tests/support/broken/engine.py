"""Broken engines: each computes the logits of a batch by a function of its own, with one fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from broken import broken
from broken.exporter import WEIGHTS, GoodExporter, encoded
from textclf_core import Needs, hookimpl

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

    from textclf_core import Classifier, EncoderClassifier


@dataclass(frozen=True)
class GoodEngine:
    """The logits of the model."""

    @hookimpl
    def textclf_engine(self, classifier: Classifier) -> Classifier:
        return replace(encoded(classifier), compute=encoded(classifier).encoder.logits)


@dataclass(frozen=True)
class GoodExporterAndEngine(GoodExporter):
    """Weights that were written, in a copy of the model."""

    @hookimpl
    def textclf_engine(self, classifier: Classifier, directory: Path) -> Classifier:
        from copy import deepcopy

        from safetensors.torch import load_file

        encoder = deepcopy(encoded(classifier).encoder)
        encoder.model.load_state_dict(load_file(directory / WEIGHTS))
        return replace(encoded(classifier), encoder=encoder)


@dataclass
class Scaled:
    classifier: Classifier

    def scores(self, data: Dataset) -> Any:
        scores: Any = self.classifier.scores(data)
        return [3 * row for row in scores] if isinstance(scores, list) else 3 * scores

    def save(self, directory: Path) -> None: ...


@broken("engine_gives_probabilities", "return the softmax of the logits")
@dataclass(frozen=True)
class ScoresAboveOne:
    """Three times the scores."""

    @hookimpl
    def textclf_engine(self, classifier: Classifier) -> Classifier:
        return Scaled(encoded(classifier))


@broken("computes_the_models_scores", "declare needs: ClassVar[Needs] = Needs(approximate=True)")
@dataclass(frozen=True)
class RoundsSilently:
    """Logits of one decimal."""

    @hookimpl
    def textclf_engine(self, classifier: Classifier) -> Classifier:
        logits = encoded(classifier).encoder.logits
        return replace(encoded(classifier), compute=lambda batch: logits(batch).round(decimals=1))


@broken("computes_the_models_scores", "0.1 is allowed even to an approximate engine")
@dataclass(frozen=True)
class ApproximatesNothing:
    """The opposite of the logits."""

    needs: ClassVar[Needs] = Needs(approximate=True)

    @hookimpl
    def textclf_engine(self, classifier: Classifier) -> Classifier:
        logits = encoded(classifier).encoder.logits
        return replace(encoded(classifier), compute=lambda batch: -5 * logits(batch))


@broken("engine_scores_rows_by_themselves", "use nothing of a batch")
@dataclass(frozen=True)
class ScalesByBatch:
    """Logits scaled by their range in the batch."""

    @hookimpl
    def textclf_engine(self, classifier: Classifier) -> Classifier:
        logits = encoded(classifier).encoder.logits

        def scaled(batch: Mapping[str, Tensor]) -> Tensor:
            found = logits(batch)
            return found / found.abs().max()

        return replace(encoded(classifier), compute=scaled)


@broken("computes_from_the_export", "read directory")
@dataclass(frozen=True)
class IgnoresItsExport(GoodExporter):
    """It computes with the classifier that it gets."""

    @hookimpl
    def textclf_engine(self, classifier: Classifier) -> Classifier:
        return encoded(classifier)


@broken("computes_from_the_export", "use no path but directory")
@dataclass(frozen=True)
class RemembersThePath(GoodExporterAndEngine):
    """The export is read where it was first."""

    @hookimpl
    def textclf_engine(self, classifier: Classifier, directory: Path) -> Classifier:
        first = PLACES.setdefault(encoded(classifier).task.kind, directory)
        return super().textclf_engine(classifier, first)


PLACES: dict[str, Path] = {}


@broken("engine_leaves_the_classifier_alone", "change a copy")
@dataclass(frozen=True)
class HalvesTheClassifier:
    """Its model in 16 bits."""

    @hookimpl
    def textclf_engine(self, classifier: Classifier) -> Classifier:
        encoded(classifier).encoder.model.half()
        return classifier


@broken("refuses_in_words", "raise UsageError with what it needs")
@dataclass(frozen=True)
class ExpectsAnEncoder:
    """Whatever it gets."""

    @hookimpl
    def textclf_engine(self, classifier: EncoderClassifier) -> Classifier:
        return replace(classifier, compute=classifier.encoder.logits)

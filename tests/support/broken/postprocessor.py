"""Broken postprocessors: each scales scores towards the middle, with one fault."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from broken import broken
from textclf_core import hookimpl


@dataclass
class Softer:
    """Scores between the given ones and equal ones."""

    share: float
    abstains = False

    def rescore(self, scores: Any) -> Any:
        mixed = self.share * scores + (1 - self.share) / scores.shape[1]
        return mixed.astype("float32")

    def decide(self, scores: Any) -> Any:
        return None

    def save(self, directory: Path) -> None:
        (directory / "share.json").write_text(json.dumps(self.share))


@dataclass(frozen=True)
class GoodPostprocessor:
    """Soften scores."""

    of: ClassVar[type[Softer]] = Softer

    @hookimpl
    def textclf_postprocess(self, scores: Any) -> Any:
        return self.of(float(scores.max()))

    @hookimpl
    def textclf_load_postprocessing(self, directory: Path) -> Any:
        return self.of(json.loads((directory / "share.json").read_text()))


class Larger(Softer):
    def rescore(self, scores: Any) -> Any:
        return 2 * super().rescore(scores)


@broken("returns_probabilities", "rescore must return probabilities")
@dataclass(frozen=True)
class NotProbabilities(GoodPostprocessor):
    """Scores above one."""

    of: ClassVar[type[Softer]] = Larger


class Names(Softer):
    def decide(self, scores: Any) -> Any:
        return scores.argmax(axis=1) + scores.shape[1]


@broken("chooses_labels", "must return whole numbers from 0 to 1")
@dataclass(frozen=True)
class ChoosesOtherLabels(GoodPostprocessor):
    """Ids that no label has."""

    of: ClassVar[type[Softer]] = Names


class Silent(Softer):
    def decide(self, scores: Any) -> Any:
        labels = scores.argmax(axis=1)
        labels[scores.max(axis=1) < 0.7] = -1
        return labels


@broken("chooses_labels", "-1 only if ``abstains`` is true")
@dataclass(frozen=True)
class AbstainsUnannounced(GoodPostprocessor):
    """Rows without a label."""

    of: ClassVar[type[Softer]] = Silent


@broken("is_saved_and_loaded", "implement it")
@dataclass(frozen=True)
class CantBeLoaded:
    """Soften scores, until the run ends."""

    @hookimpl
    def textclf_postprocess(self, scores: Any) -> Any:
        return Softer(float(scores.max()))


class Rounded(Softer):
    def save(self, directory: Path) -> None:
        (directory / "share.json").write_text(json.dumps(round(self.share, 1)))


@broken("is_saved_and_loaded", "save every fitted value")
@dataclass(frozen=True)
class SavesLess(GoodPostprocessor):
    """Rounded when it is saved."""

    of: ClassVar[type[Softer]] = Rounded


class ByBatch(Softer):
    def rescore(self, scores: Any) -> Any:
        balanced = scores / scores.mean(axis=0)
        return (balanced / balanced.sum(axis=1, keepdims=True)).astype("float32")


@broken("treats_rows_by_themselves", "apply what was fitted to each row")
@dataclass(frozen=True)
class BalancesTheBatch(GoodPostprocessor):
    """Equal shares of the labels in whatever comes together."""

    of: ClassVar[type[Softer]] = ByBatch


class InPlace(Softer):
    def rescore(self, scores: Any) -> Any:
        scores *= self.share
        scores += (1 - self.share) / scores.shape[1]
        return scores


@broken("leaves_scores_alone", "return a new array")
@dataclass(frozen=True)
class ChangesScoresInPlace(GoodPostprocessor):
    """The next one gets other scores."""

    of: ClassVar[type[Softer]] = InPlace


class Nameless(Softer):
    __repr__ = object.__repr__


@broken("says_what_it_fitted", "define __str__ with the fitted values")
@dataclass(frozen=True)
class SaysNothing(GoodPostprocessor):
    """The record has an address."""

    of: ClassVar[type[Softer]] = Nameless

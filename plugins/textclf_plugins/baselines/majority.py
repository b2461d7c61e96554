"""The majority class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class Majority:
    """Answer the most frequent label of train, whatever the text (or the word). Below it, nothing was learned.

    Where a text may have several labels, these are the ones that half of train or more has.
    """

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task) -> Classifier:
        """Count the labels."""
        from textclf_plugins.baselines.majority_classifier import MajorityClassifier

        return MajorityClassifier.fit(data["train"]["label"][:], task)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task) -> Classifier:
        """Load the counts."""
        from textclf_plugins.baselines.majority_classifier import MajorityClassifier

        return MajorityClassifier.load(directory, task)

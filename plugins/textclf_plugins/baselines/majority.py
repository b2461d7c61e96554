"""The majority class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.types.needs import Needs

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Majority:
    """Predict the most frequent label of train for every text (or word).

    In a multi-label task it predicts the labels that at least half of the training rows have.
    """

    needs: ClassVar[Needs] = Needs(known_labels=False)

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task, workspace: Workspace) -> Classifier:
        """Compute the share of each label in train."""
        from textclf_plugins.baselines.majority_classifier import MajorityClassifier

        workspace.meter.trained_without_encoder(len(data["train"]))
        return MajorityClassifier.fit(data["train"]["label"][:], task)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task) -> Classifier:
        """Load the shares."""
        from textclf_plugins.baselines.majority_classifier import MajorityClassifier

        return MajorityClassifier.load(directory, task)

"""TF-IDF with logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class TfidfLogreg:
    """Logistic regression on TF-IDF features of words and word pairs; trains in seconds on a CPU."""

    needs: ClassVar[Needs] = Needs(known_labels=False)

    ngrams: Annotated[int, Option("Maximum number of words in an n-gram.", ge=1, le=5)] = 2
    c: Annotated[
        float | None,
        Option("Inverse of the L2 regularisation strength. Default: the best of 0.1, 1, 10, 100 on validation.", gt=0),
    ] = None

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels tasks: the features of a word alone lack its context."""
        return check_kind(task, "single-label", "multi-label")

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task, workspace: Workspace) -> Classifier:
        """Fit the logistic regression on train."""
        from textclf_plugins.baselines.tfidf_classifier import fit_tfidf

        workspace.meter.trained_without_encoder(len(data["train"]))
        return fit_tfidf(data["train"], data["validation"], task, self.ngrams, self.c)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task) -> Classifier:
        """Load the vocabulary and the weights."""
        from textclf_plugins.baselines.tfidf_classifier import TfidfClassifier

        return TfidfClassifier.load(directory, task)

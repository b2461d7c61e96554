"""TF-IDF with logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.types.classifier import Classifier
    from textclf_core.types.task import Task


@dataclass(frozen=True, kw_only=True)
class TfidfLogreg:
    """Logistic regression on TF-IDF of words and word pairs: seconds on a CPU, and often hard to beat."""

    ngrams: Annotated[int, Option("Longest run of words that is counted.", ge=1, le=5)] = 2
    c: Annotated[
        float | None,
        Option("Inverse of the L2 regularisation; the best of 0.1, 1, 10, 100 on validation if not set.", gt=0),
    ] = None

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse words, of which it would see one each, without those around."""
        return check_kind(task, "single-label", "multi-label")

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task) -> Classifier:
        """Fit the words' weights on train."""
        from textclf_plugins.baselines.tfidf_classifier import fit_tfidf

        return fit_tfidf(data["train"], data["validation"], task, self.ngrams, self.c)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task) -> Classifier:
        """Load vocabulary and weights."""
        from textclf_plugins.baselines.tfidf_classifier import TfidfClassifier

        return TfidfClassifier.load(directory, task)

"""Frozen embeddings and scikit-learn's logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option
from textclf_core.types.tokenization import Tokenization

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class EmbeddingLogreg(Tokenization):
    """Logistic regression on the frozen model's embeddings: one vector per text, computed once and cached."""

    needs: ClassVar[Needs] = Needs(model="headless", known_labels=False)

    pooling: Annotated[
        Literal["mean", "first-token"],
        Option("Pooling of the last hidden states: their mean over the tokens, or the first token's state."),
    ] = "mean"
    normalize: Annotated[bool, Option("Scale each vector to length 1.")] = True
    c: Annotated[
        float | None,
        Option("Inverse of the L2 regularisation strength. Default: the best of 0.1, 1, 10, 100 on validation.", gt=0),
    ] = None

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels tasks."""
        return check_kind(task, "single-label", "multi-label")

    @hookimpl
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze the whole body."""
        encoder.freeze(body=True)

    @hookimpl
    def textclf_train(
        self, encoder: Encoder, data: DatasetDict, task: Task, workspace: Workspace, progress: Progress
    ) -> Classifier:
        """Fit the head on train's embeddings."""
        from textclf_plugins.embeddings.fit import fit_on_embeddings

        return fit_on_embeddings(self, encoder, data, task, workspace, progress)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task, workspace: Workspace) -> Classifier:
        """Load the body and the head."""
        from textclf_plugins.embeddings.classifier import EmbeddingClassifier

        return EmbeddingClassifier.load(directory, task, workspace.device)

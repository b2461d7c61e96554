"""SetFit: contrastive fine-tuning of the body on pairs of texts, then a head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option
from textclf_core.types.recipe import Recipe

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class SetFit(Recipe):
    """SetFit: fine-tune the body so that texts of the same label get close embeddings, then fit a logistic regression.

    The whole body trains, not only the head (Tunstall et al., 2022, "Efficient Few-Shot Learning Without Prompts"). The
    method is intended for a few examples per label and a sentence encoder (minilm); the extra ``setfit`` installs its
    library. Freezing strategies freeze parts of the body.
    """

    needs: ClassVar[Needs] = Needs(model="headless")
    depends_on: ClassVar[tuple[str, ...]] = ("setfit", "sentence-transformers")

    shots: Annotated[
        int | None,
        Option("Training examples per label, drawn as by --train-size SHOTS/class. Default: all of train.", ge=1),
    ] = None
    iterations: Annotated[
        int, Option("Number of pairs per example with the same label, and as many with another label.", ge=1)
    ] = 20
    epochs: Annotated[int, Option("Passes over the pairs.", ge=1)] = 1
    batch_size: Annotated[int, Option("Pairs in one optimizer step.", ge=1)] = 16
    warmup: Annotated[float, Option("Share of the steps over which the rate rises from 0.", ge=0, lt=1)] = 0.1
    normalize: Annotated[bool, Option("Scale each vector to length 1 for the head.")] = False
    c: Annotated[
        float | None,
        Option("Inverse of the head's regularisation strength; none: the best of 0.1, 1, 10, 100 on validation.", gt=0),
    ] = 1.0

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels and multi-label tasks."""
        does = "it makes pairs of texts that share their label"
        return check_kind(task, "single-label", "tokens", does=does) or check_kind(task, "single-label")

    @hookimpl
    def textclf_train(
        self,
        encoder: Encoder,
        data: DatasetDict,
        task: Task,
        seed: int,
        data_seed: int,
        workspace: Workspace,
        progress: Progress,
    ) -> Classifier:
        """Train the body on pairs, and fit the head."""
        from textclf_plugins.embeddings.setfit_training import train_setfit

        return train_setfit(self, encoder, data, task, seed, data_seed, workspace, progress)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task, workspace: Workspace) -> Classifier:
        """Load the body and the head."""
        from textclf_plugins.embeddings.classifier import EmbeddingClassifier

        return EmbeddingClassifier.load(directory, task, workspace.device)

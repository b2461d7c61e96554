"""A model that is already trained for the task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.tasks import check_kind
from textclf_core.types.option import Option
from textclf_core.types.tokenization import Tokenization

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.types.classifier import Classifier
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class TaskSpecific(Tokenization):
    """A trained Hugging Face checkpoint for sequence classification, used without training.

    Its labels are matched with the data's by name, ignoring case, or by the option labels. Generic names such as
    LABEL_0 are matched only by the option.
    """

    checkpoint: Annotated[
        str, Option("A name on the hub, owner/name or owner/name@revision; or the folder of a model and tokenizer.")
    ]
    labels: Annotated[
        tuple[str, ...],
        Option("Pairs of the model's and the data's labels: LABEL_0=neg,LABEL_1=pos. Others are matched by name."),
    ] = ()

    @hookimpl
    def textclf_check_task(self, task: Task) -> str | None:
        """Refuse token-labels and multi-label tasks."""
        return check_kind(task, "single-label")

    @hookimpl
    def textclf_train(self, data: DatasetDict, task: Task, workspace: Workspace, progress: Progress) -> Classifier:
        """Load the checkpoint; there is nothing to train."""
        from textclf_plugins.untrained.task_specific_model import task_specific

        return task_specific(self, data["train"], task, workspace, progress)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task, workspace: Workspace) -> Classifier:
        """Load an encoder classifier."""
        from textclf_core.training.encoder_classifier import EncoderClassifier

        return EncoderClassifier.load(directory, task, workspace.device)

"""The default trainer, with its own training loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, get_args

from textclf_core.hookspecs import hookimpl
from textclf_core.training.options import EncoderTraining
from textclf_core.types.needs import Needs, Seam
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.encoder.training_cells import TrainedCell, TrainingCell
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Finetune(EncoderTraining):
    """Fine-tune all parameters that aren't frozen: AdamW, linear warm-up and decay, batches grouped by length."""

    needs: ClassVar[Needs] = Needs(model="whole", phases=True, seams=get_args(Seam), processes=True, known_labels=False)

    resume: Annotated[Path | None, Option("The checkpoint to resume from.", resumes=True)] = None
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Option(
            "Floating-point format of matrix products in training: auto is bfloat16 on a GPU that supports it, else "
            "float32. Frozen prefixes and predictions are float32."
        ),
    ] = "auto"
    prefix_cache: Annotated[
        bool, Option("Compute a frozen prefix once per row and cache its output, instead of in each epoch.")
    ] = True

    @hookimpl
    def textclf_train(
        self,
        encoder: Encoder,
        data: DatasetDict,
        task: Task,
        seed: int,
        workspace: Workspace,
        progress: Progress,
        plan: Plan,
    ) -> Classifier:
        """Train with the loop of ``finetune``."""
        from textclf_plugins.training.finetune_loop import finetune

        return finetune(self, encoder, data, task, seed, workspace, progress, plan)

    @hookimpl
    def textclf_train_many(
        self, encoder: Encoder, data: DatasetDict, task: Task, cells: Sequence[TrainingCell], progress: Progress
    ) -> list[TrainedCell] | None:
        """Train the heads of several cells with the same frozen encoder together."""
        from textclf_plugins.training.finetune_many import finetune_many

        return finetune_many(self, encoder, data, task, cells, progress)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task, encoder: Encoder) -> Classifier:
        """Load an encoder classifier."""
        from textclf_core.training.encoder_classifier import EncoderClassifier
        from textclf_core.types.tokenization import Tokenization

        return EncoderClassifier(encoder, task, Tokenization.load(directory))

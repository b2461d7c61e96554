"""Training with ``transformers.Trainer``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.training.options import EncoderTraining
from textclf_core.types.needs import Needs

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class HfTrainer(EncoderTraining):
    """Fine-tune with transformers.Trainer: recipe, order of examples and loss are those of finetune.

    Its results can be compared with those of finetune, which can also resume from its checkpoints; hf-trainer itself
    doesn't resume.
    """

    needs: ClassVar[Needs] = Needs(model="whole", seams=("loss", "optimizer", "schedule"), known_labels=False)

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
        """Train with transformers.Trainer."""
        from textclf_plugins.training.hf_trainer_loop import train

        return train(self, encoder, data, task, seed, workspace, progress, plan)

    @hookimpl
    def textclf_load_classifier(self, directory: Path, task: Task, encoder: Encoder) -> Classifier:
        """Load an encoder classifier."""
        from textclf_core.training.encoder_classifier import EncoderClassifier
        from textclf_core.types.tokenization import Tokenization

        return EncoderClassifier(encoder, task, Tokenization.load(directory))

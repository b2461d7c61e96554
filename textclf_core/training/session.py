"""A training session: phases, validation, history and checkpoints, for any training loop."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from textclf_core.errors import RunError
from textclf_core.records.schema import CHECKPOINTS_DIRECTORY
from textclf_core.tasks import kind_of
from textclf_core.training.checkpoints import OptimizerState, TrainingState, load_checkpoint, save_checkpoint
from textclf_core.training.loss import Loss
from textclf_core.training.options import EncoderTraining
from textclf_core.training.phases import TrainingPhases
from textclf_core.training.step_results import StepLog
from textclf_core.training.validation import Validation
from textclf_core.types.meter import CHECKPOINT
from textclf_core.types.phases import Interval, PhaseRecord

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.encoder.plan import Plan
    from textclf_core.training.batching import LengthGroupedBatches
    from textclf_core.training.encoder_classifier import EncoderClassifier
    from textclf_core.training.frozen_prefix import FrozenPrefix
    from textclf_core.types.workspace import Workspace


class TrainingSession:
    """All parts of training other than its steps, which a training loop takes.

    Attributes:
        options: the options of the trainer.
        classifier: the classifier in training, which scores validation.
        train: the tokenized training split.
        batches: the batches of the training split.
        workspace: where ``checkpoints/`` are written; its events get phases, steps and epochs.
        plan: the phases, and the plugins that decide during training.
        loss: the training loss.
        phases: the phases and their progress.
        steps: the check and the log of the steps.
        validation: the tokenized validation split, and the best epoch.
    """

    def __init__(
        self,
        options: EncoderTraining,
        classifier: EncoderClassifier,
        train: Dataset,
        validation: Dataset,
        batches: LengthGroupedBatches,
        workspace: Workspace,
        plan: Plan,
    ) -> None:
        encoder, labels = classifier.encoder, kind_of(classifier.task).training_labels(train)
        self.options, self.classifier, self.train, self.batches = options, classifier, train, batches
        self.workspace, self.plan = workspace, plan
        self.loss = Loss.of(options, classifier.task, labels, encoder.model.device, plan)
        self.phases = TrainingPhases(encoder, plan, options, len(batches), workspace.events)
        self.steps = StepLog(self.phases, workspace.events, options.warmup, plan.steps_replaced_by)
        self.validation = Validation(validation, self.loss)

    def use_prefix(self, prefix: FrozenPrefix | None) -> None:
        """Make validation, and scoring after training, read a frozen prefix from the cache; ``None`` ends that."""
        self.classifier = replace(self.classifier, prefix=prefix)

    def interval_done(
        self, interval: Interval, optimizer: torch.optim.Optimizer, gradient_norms: dict[int, float] | None = None
    ) -> None:
        """Ask the plugins what to freeze next, and finish the epoch if this was its last interval.

        Args:
            interval: the finished interval, from :attr:`phases`.
            optimizer: as in :meth:`epoch_done`.
            gradient_norms: the gradient norms of the interval by depth, if the plan needs them.
        """
        if gradient_norms is not None:
            self.phases.state.gradient_norms.append(gradient_norms)
        if interval.end == len(self.batches):
            self.epoch_done(interval.epoch + 1, optimizer)
        else:
            self.phases.interval_done(interval)

    def epoch_done(self, epoch: int, optimizer: torch.optim.Optimizer | None) -> tuple[float, float]:
        """Validate, ask the plugins what to change, and write the checkpoint; call it after each epoch's steps.

        Args:
            epoch: the epoch's number, from 1.
            optimizer: the optimizer, for the checkpoint; without it none is written.

        Returns:
            The mean loss and the accuracy on validation.

        Raises:
            RunError: the validation loss isn't finite.
        """
        with self.workspace.meter.time("train/validate"):
            loss, accuracy = self.validation.evaluate(self.classifier)
        if not math.isfinite(loss):
            raise RunError(f"the validation loss became {loss} after epoch {epoch}. {self.steps.advice(epoch)}")
        # After the last epoch the model itself has the parameters.
        keeps = self.options.keep == "best" and epoch < self.plan.epochs
        self.validation.note(epoch, loss, self.classifier.encoder, self.phases.names if keeps else ())
        self.workspace.events.log_epoch(
            {
                "epoch": epoch,
                "step": epoch * len(self.batches),
                "train_loss": self.steps.take_mean(),
                "validation_loss": loss,
                "validation_accuracy": accuracy,
            }
        )
        self.phases.epoch_done(epoch)
        if self.workspace.rank == 0 and self.options.checkpoints and optimizer is not None:
            with self.workspace.meter.time(CHECKPOINT):
                self._save_checkpoint(epoch, optimizer)
        return loss, accuracy

    def finish(self) -> EncoderClassifier:
        """Restore the best epoch's weights if ``keep=best``, and return the classifier."""
        restored = self.validation.restore_best(self.classifier.encoder)
        if restored and self.validation.best_epoch * len(self.batches) <= self.phases.state.began:
            self.use_prefix(None)  # the frozen weights may have been others then
        self.phases.thaw()
        return self.classifier

    def resume(self, checkpoint: Path) -> OptimizerState:
        """Restore a checkpoint, and return the optimizer's state by parameter name.

        Raises:
            UsageError: the checkpoint doesn't fit this run.
        """
        encoder, validation = self.classifier.encoder, self.validation
        state, best, optimizer_state = load_checkpoint(checkpoint, encoder, self._settings())
        self.workspace.events.restore_history(state.history)
        self.workspace.events.phases = tuple(PhaseRecord(**phase) for phase in state.phases)
        self.phases.state = state.phase
        validation.best_epoch, validation.best_loss = state.best_epoch, state.best_loss
        validation.best_tensors = best if self.options.keep == "best" else None
        return optimizer_state

    def _save_checkpoint(self, epoch: int, optimizer: torch.optim.Optimizer) -> None:
        validation, events = self.validation, self.workspace.events
        state = TrainingState(
            epoch=epoch,
            settings=self._settings(),
            best_epoch=validation.best_epoch,
            best_loss=validation.best_loss,
            history=events.history,
            phase=self.phases.state,
            phases=[asdict(phase) for phase in events.phases],
        )
        save_checkpoint(
            self.workspace.directory / CHECKPOINTS_DIRECTORY,
            state,
            self.classifier.encoder,
            optimizer,
            validation.best_tensors,
            keep=self.options.checkpoints,
            names=self.phases.names,
        )

    def _settings(self) -> dict[str, Any]:
        """Return the settings that a run must share to resume from this run's checkpoints, as JSON values."""
        labels = kind_of(self.classifier.task).training_labels(self.train)
        own = {option.name: getattr(self.options, option.name) for option in fields(EncoderTraining)}
        del own["checkpoints"]
        if isinstance(own["class_weights"], tuple):
            own["class_weights"] = list(own["class_weights"])
        rows = np.concatenate([np.array(self.batches.lengths), labels.ravel()])
        return {
            **own,
            "the plan": self.plan.planned_by,
            "the plugins of the steps": self.plan.steps_replaced_by,
            "seed": self.batches.seed,
            "model": self.classifier.encoder.checkpoint,
            "optimizer steps an epoch": len(self.batches),
            "training data": hashlib.sha256(rows.tobytes()).hexdigest()[:12],
        }

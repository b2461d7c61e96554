"""A training session: what surrounds the steps, joined; the end of an epoch, and its checkpoint."""

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
    """What goes on around the steps, whoever makes them.

    Attributes:
        options: what the trainer was told.
        classifier: scores validation; its encoder is the one in training.
        train: the tokenized training split.
        batches: of the training split.
        workspace: gets ``checkpoints/``; its events are told of phases, steps and epochs.
        plan: the phases, and the plugins that decide during training.
        loss: the loss that the options ask for.
        phases: what trains when.
        steps: checks and keeps the steps' losses.
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
        self.loss = Loss.of(options, classifier.task, labels, encoder.model.device)
        self.phases = TrainingPhases(encoder, plan, options, len(batches), workspace.events)
        self.steps = StepLog(self.phases, workspace.events, options.warmup)
        self.validation = Validation(validation, self.loss)

    def use_prefix(self, prefix: FrozenPrefix | None) -> None:
        """Let validation, and what is scored after training, take a phase's frozen prefix from the cache."""
        self.classifier = replace(self.classifier, prefix=prefix)

    def interval_done(
        self, interval: Interval, optimizer: torch.optim.Optimizer, gradient_norms: dict[int, float] | None = None
    ) -> None:
        """Ask the plugins what is frozen from here on, and do what is to be done if the epoch is over.

        Args:
            interval: what :attr:`phases` gave.
            optimizer: as :meth:`epoch_done` takes it.
            gradient_norms: the interval's, by depth, if the plan measures them.
        """
        if gradient_norms is not None:
            self.phases.state.gradient_norms.append(gradient_norms)
        if interval.end == len(self.batches):
            self.epoch_done(interval.epoch + 1, optimizer)
        else:
            self.phases.interval_done(interval)

    def epoch_done(self, epoch: int, optimizer: torch.optim.Optimizer | None) -> tuple[float, float]:
        """Validate, ask the plugins what is to change, and write the checkpoint; call it after each epoch's steps.

        Args:
            epoch: its number, from 1.
            optimizer: its state goes into the checkpoint; without one, none is written.

        Returns:
            The mean loss and the accuracy on validation.

        Raises:
            RunError: the validation loss isn't finite.
        """
        with self.workspace.meter.time("train/validate"):
            loss, accuracy = self.validation.evaluate(self.classifier)
        if not math.isfinite(loss):
            raise RunError(f"the validation loss became {loss} after epoch {epoch}. {self.steps.advice(epoch)}")
        # The last epoch's parameters are what the model is left with.
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
        """Go back to the best epoch's weights, if those are to be kept, and return the classifier."""
        restored = self.validation.restore_best(self.classifier.encoder)
        if restored and self.validation.best_epoch * len(self.batches) <= self.phases.state.began:
            self.use_prefix(None)  # what is frozen now may have been other weights then
        self.phases.thaw()
        return self.classifier

    def resume(self, checkpoint: Path) -> OptimizerState:
        """Put everything where a checkpoint left it, and return the optimizer's state by parameter name.

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
        """Return what must be alike in a run that takes up a checkpoint of this one, as JSON holds it."""
        labels = kind_of(self.classifier.task).training_labels(self.train)
        own = {option.name: getattr(self.options, option.name) for option in fields(EncoderTraining)}
        del own["checkpoints"]
        if isinstance(own["class_weights"], tuple):
            own["class_weights"] = list(own["class_weights"])
        rows = np.concatenate([np.array(self.batches.lengths), labels.ravel()])
        return {
            **own,
            "the plan": self.plan.planned_by,
            "seed": self.batches.seed,
            "model": self.classifier.encoder.checkpoint,
            "optimizer steps an epoch": len(self.batches),
            "training data": hashlib.sha256(rows.tobytes()).hexdigest()[:12],
        }

"""The course of a training run: what is kept of its steps, and what is done after each epoch."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from textclf_core.errors import RunError
from textclf_core.records import HISTORY_FILE
from textclf_core.training.checkpoints import (
    TrainingState,
    load_checkpoint,
    restore_tensors,
    save_checkpoint,
    trainable_tensors,
)
from textclf_core.training.labelled import labels_of_rows
from textclf_core.training.options import EncoderTraining

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.encoder_classifier import EncoderClassifier
    from textclf_core.workspace import Workspace

# Rows of history.jsonl between two epochs' ends.
_LOSSES_PER_EPOCH = 50


@dataclass
class Course:
    """What goes on around the steps, whoever makes them: validation, the best epoch, history, checkpoints.

    Attributes:
        options: what the trainer was told.
        classifier: scores validation; its encoder is the one in training.
        train: the tokenized training split.
        validation: the tokenized validation split.
        steps_per_epoch: optimizer steps of an epoch.
        seed: the run's seed.
        workspace: gets ``history.jsonl`` and ``checkpoints/``.
        best_epoch: the epoch with the lowest validation loss so far, from 1.
    """

    options: EncoderTraining
    classifier: EncoderClassifier
    train: Dataset
    validation: Dataset
    steps_per_epoch: int
    seed: int
    workspace: Workspace
    best_epoch: int = field(default=0, init=False)
    _best_loss: float = field(default=math.inf, init=False)
    _best: dict[str, torch.Tensor] | None = field(default=None, init=False)
    _history: list[dict[str, Any]] = field(default_factory=list, init=False)
    _losses: list[float] = field(default_factory=list, init=False)

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.steps_per_epoch * self.options.epochs

    @property
    def warmup_steps(self) -> int:
        """Optimizer steps over which the learning rate rises."""
        return math.ceil(self.options.warmup * self.total_steps)

    def resume(self, checkpoint: Path, optimizer: torch.optim.Optimizer) -> int:
        """Put everything where a checkpoint left it, and return how many epochs are done.

        Raises:
            UsageError: the checkpoint doesn't fit this run.
        """
        state, self._best = load_checkpoint(
            checkpoint, self.classifier.encoder, optimizer, self._settings(), self.options.epochs
        )
        self.best_epoch, self._best_loss, self._history = state.best_epoch, state.best_loss, state.history
        return state.epoch

    def step_done(self, step: int, loss: float, learning_rate: float) -> None:
        """Keep what a step did; call it after each.

        Args:
            step: its number, from 1.
            loss: the mean loss of its batch.
            learning_rate: the rate that it used.
        """
        self._losses.append(loss)
        if len(self._losses) % max(1, self.steps_per_epoch // _LOSSES_PER_EPOCH) == 0:
            self._history.append({"step": step, "loss": loss, "learning_rate": learning_rate})

    def epoch_done(self, epoch: int, optimizer: torch.optim.Optimizer | None) -> tuple[float, float]:
        """Validate, write history and checkpoint; call it after the last step of each epoch.

        Args:
            epoch: its number, from 1.
            optimizer: its state goes into the checkpoint; without one, none is written.

        Returns:
            The mean cross-entropy and the accuracy on validation.

        Raises:
            RunError: the validation loss isn't finite.
        """
        meter = self.workspace.meter
        with meter.time("train/validate"):
            loss, accuracy = _evaluate(self.classifier, self.validation)
        if not math.isfinite(loss):
            raise RunError(f"the validation loss became {loss} after epoch {epoch}. {self._advice()}")
        if loss < self._best_loss:
            self.best_epoch, self._best_loss = epoch, loss
            self._best = trainable_tensors(self.classifier.encoder) if self.options.keep == "best" else None
        self._history.append(
            {
                "epoch": epoch,
                "step": epoch * self.steps_per_epoch,
                "train_loss": sum(self._losses) / len(self._losses),
                "validation_loss": loss,
                "validation_accuracy": accuracy,
            }
        )
        self._losses.clear()
        if self.workspace.rank == 0:
            lines = "".join(json.dumps(row) + "\n" for row in self._history)
            (self.workspace.directory / HISTORY_FILE).write_text(lines, encoding="utf-8")
            if self.options.checkpoints and optimizer is not None:
                with meter.time("train/checkpoint"):
                    self._save_checkpoint(epoch, optimizer)
        return loss, accuracy

    def finish(self) -> None:
        """Go back to the best epoch's weights, if those are to be kept."""
        if self._best is not None:
            restore_tensors(self.classifier.encoder, self._best)

    def check_finite(self, step: int, quantity: str, value: float) -> None:
        """Stop training if a number of a step isn't finite, before that step changes the weights.

        Raises:
            RunError: it isn't.
        """
        if not math.isfinite(value):
            epoch = (step - 1) // self.steps_per_epoch + 1
            raise RunError(
                f"{quantity} became {value} at step {step} (epoch {epoch}), and training stopped before that step "
                f"changed the weights. {self._advice()}"
            )

    def _advice(self) -> str:
        return (
            f"A lower learning_rate (now {self.options.learning_rate:g}) or some warmup (now {self.options.warmup:g}) "
            "usually mends it."
        )

    def _save_checkpoint(self, epoch: int, optimizer: torch.optim.Optimizer) -> None:
        state = TrainingState(
            epoch=epoch,
            settings=self._settings(),
            best_epoch=self.best_epoch,
            best_loss=self._best_loss,
            history=self._history,
        )
        directory = self.workspace.directory / "checkpoints"
        save_checkpoint(directory, state, self.classifier.encoder, optimizer, self._best, keep=self.options.checkpoints)

    def _settings(self) -> dict[str, Any]:
        """Return what must be alike in a run that takes up a checkpoint of this one."""
        rows = np.array([len(ids) for ids in self.train["input_ids"]]), labels_of_rows(self.train)
        own = {option.name: getattr(self.options, option.name) for option in fields(EncoderTraining)}
        del own["checkpoints"]
        return {
            **own,
            "seed": self.seed,
            "model": self.classifier.encoder.checkpoint,
            "optimizer steps an epoch": self.steps_per_epoch,
            "training data": hashlib.sha256(np.concatenate(rows).tobytes()).hexdigest()[:12],
        }


def _evaluate(classifier: EncoderClassifier, validation: Dataset) -> tuple[float, float]:
    """Return the mean cross-entropy and the accuracy on the tokenized validation split, over its rows or words."""
    logits = torch.from_numpy(classifier.logits(validation))
    labels = torch.from_numpy(labels_of_rows(validation))
    return cross_entropy(logits, labels).item(), (logits.argmax(-1) == labels).float().mean().item()

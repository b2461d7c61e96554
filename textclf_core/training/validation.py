"""Validation after each epoch, and the weights of the best one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from textclf_core.tasks import kind_of
from textclf_core.training.checkpoints import restore_tensors, trainable_tensors

if TYPE_CHECKING:
    from collections.abc import Collection

    from datasets import Dataset

    from textclf_core.encoder import Encoder
    from textclf_core.training.encoder_classifier import EncoderClassifier
    from textclf_core.training.loss import Loss


class Validation:
    """The scores of the validation split, and the best epoch.

    Attributes:
        rows: the tokenized split.
        best_epoch: the epoch with the lowest loss so far, from 1.
        best_loss: the mean loss of that epoch.
        best_tensors: a copy of that epoch's parameters by name, if they are to be restored.
    """

    def __init__(self, rows: Dataset, loss: Loss) -> None:
        self.rows = rows
        self.best_epoch, self.best_loss = 0, math.inf
        self.best_tensors: dict[str, torch.Tensor] | None = None
        self._loss = loss

    def evaluate(self, classifier: EncoderClassifier) -> tuple[float, float]:
        """Return the mean loss and the accuracy; in a multi-label task, all known labels of a text must be correct."""
        kind = kind_of(classifier.task)
        computed = kind.with_label(classifier.logits(self.rows), self.rows)
        logits = torch.from_numpy(computed).to(classifier.encoder.model.device)
        labels = torch.from_numpy(kind.training_labels(self.rows)).to(logits.device)
        loss = self._loss(logits, labels) / int(kind.loss_terms(self.rows).sum())
        return loss.item(), kind.right(logits, labels).float().mean().item()

    def note(self, epoch: int, loss: float, encoder: Encoder, keep: Collection[str]) -> None:
        """Compare an epoch's loss with the best one; if it is lower, copy the parameters named in ``keep``."""
        if loss < self.best_loss:
            self.best_epoch, self.best_loss = epoch, loss
            self.best_tensors = trainable_tensors(encoder, keep) if keep else None

    def restore_best(self, encoder: Encoder) -> bool:
        """Restore the best epoch's parameters if they were copied; return whether they were."""
        if self.best_tensors is not None:
            restore_tensors(encoder, self.best_tensors)
        return self.best_tensors is not None

"""A training session: what is kept of its steps, and what is done after each epoch."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from textclf_core.errors import RunError
from textclf_core.records.schema import CHECKPOINTS_DIRECTORY
from textclf_core.tasks import kind_of
from textclf_core.training.checkpoints import (
    OptimizerState,
    TrainingState,
    load_checkpoint,
    restore_tensors,
    save_checkpoint,
    trainable_tensors,
)
from textclf_core.training.loss import Loss
from textclf_core.training.options import EncoderTraining
from textclf_core.training.parameter_check import FrozenHashes
from textclf_core.training.schedule import Schedule, schedules
from textclf_core.types.meter import CHECKPOINT
from textclf_core.types.phases import FinishedEpoch, Interval, PhaseRecord, interval_from

if TYPE_CHECKING:
    from datasets import Dataset

    from textclf_core.encoder.plan import Plan
    from textclf_core.training.encoder_classifier import EncoderClassifier
    from textclf_core.training.frozen_prefix import FrozenPrefix
    from textclf_core.types.workspace import Workspace

# Rows of history.jsonl between two epochs' ends.
_LOSSES_PER_EPOCH = 50


@dataclass
class TrainingSession:
    """What goes on around the steps, whoever makes them: phases, validation, the best epoch, history, checkpoints.

    Attributes:
        options: what the trainer was told.
        classifier: scores validation; its encoder is the one in training.
        train: the tokenized training split.
        validation: the tokenized validation split.
        steps_per_epoch: optimizer steps of an epoch.
        seed: the run's seed.
        workspace: gets ``checkpoints/``; its events are told of phases, steps and epochs.
        plan: the phases, and what plugins have a say in.
        loss: the loss that the options ask for.
        best_epoch: the epoch with the lowest validation loss so far, from 1.
        steps_done: how many optimizer steps are done, of intervals that are over.
    """

    options: EncoderTraining
    classifier: EncoderClassifier
    train: Dataset
    validation: Dataset
    steps_per_epoch: int
    seed: int
    workspace: Workspace
    plan: Plan
    loss: Loss = field(init=False)
    best_epoch: int = field(default=0, init=False)
    steps_done: int = field(default=0, init=False)
    _best_loss: float = field(default=math.inf, init=False)
    _best: dict[str, torch.Tensor] | None = field(default=None, init=False)
    _losses: list[float] = field(default_factory=list, init=False)
    _stopped: bool = field(default=False, init=False)
    _frozen: list[str] = field(default_factory=list, init=False)
    _gradient_norms: list[dict[int, float]] = field(default_factory=list, init=False)
    _phase_began: int = field(default=0, init=False)
    _phase_over: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        encoder = self.classifier.encoder
        self._names = encoder.trainable_names()
        self._kind = kind_of(self.classifier.task)
        labels = self._kind.training_labels(self.train)
        self.loss = Loss.of(self.options, self.classifier.task, labels, encoder.model.device)

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.steps_per_epoch * self.plan.epochs

    @property
    def epochs_done(self) -> int:
        """How many epochs are done."""
        return self.steps_done // self.steps_per_epoch

    @property
    def reads_every_row(self) -> bool:
        """Whether a whole epoch is still to come."""
        return self.steps_done + self.steps_per_epoch <= self.total_steps

    @property
    def warmup_steps(self) -> int:
        """Optimizer steps over which the learning rate rises, the first time."""
        return self._schedules[0].warmup_steps

    @cached_property
    def _schedules(self) -> list[Schedule]:
        return schedules(self.plan.phases, self.options, self.steps_per_epoch)

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 1."""
        return self._schedules[self._planned((step - 1) // self.steps_per_epoch)].rate(step)

    def _planned(self, epoch: int) -> int:
        """Return which of the planned phases an epoch, counted from 0, belongs to."""
        ends = np.cumsum([phase.epochs for phase in self.plan.phases])
        return int(np.searchsorted(ends, epoch, side="right"))

    # Phases

    def phases(self) -> Iterator[Iterator[Interval]]:
        """Yield each phase to come, as an iterator of its intervals, with what it freezes frozen.

        A phase may begin within an epoch. Call :meth:`interval_done` after each interval's steps. Every parameter that
        is frozen is hashed before and after, where a plugin has a say; else the engine does that.

        Raises:
            RunError: a frozen parameter was updated, or a phase freezes the whole head.
        """
        encoder = self.classifier.encoder
        while not self._is_over():
            self._freeze()
            hashes = FrozenHashes(encoder) if self.plan.planned_by else None
            if self._phase_over:
                self._phase_began, self._phase_over = self.steps_done, False
                if hashes:
                    began = PhaseRecord(
                        epochs=0,
                        learning_rate=self._schedules[self._planned(self.epochs_done)].peak,
                        trainable_parameters=encoder.num_parameters(trainable=True),
                        frozen_prefix=encoder.frozen_prefix,
                        frozen_sha256=hashes.combined,
                    )
                    self.workspace.events.phases += (began,)
            yield self._intervals()
            if hashes:
                hashes.check(encoder, f"phase {len(self.workspace.events.phases)} of training")

    def _intervals(self) -> Iterator[Interval]:
        while not self._phase_over:
            epoch, step = divmod(self.steps_done, self.steps_per_epoch)
            yield interval_from(epoch, step, self.steps_per_epoch, self.plan.phases[self._planned(epoch)].intervals)

    def _is_over(self) -> bool:
        return self._stopped or self.epochs_done >= self.plan.epochs

    def _freeze(self) -> None:
        """Let train what trains in the next interval."""
        encoder = self.classifier.encoder
        frozen = {*self.plan.phases[self._planned(self.epochs_done)].freeze, *self._frozen}
        for name in self._names:
            encoder.model.get_parameter(name).requires_grad_(name not in frozen)
        if not any(encoder.part_of(name) == "head" for name in encoder.trainable_names()):
            raise RunError(
                f"from epoch {self.epochs_done + 1} on, the strategies freeze the whole classification head: leave it "
                "training."
            )

    def use_prefix(self, prefix: FrozenPrefix | None) -> None:
        """Let validation, and what is scored after training, take a phase's frozen prefix from the cache."""
        self.classifier = replace(self.classifier, prefix=prefix)

    def resume(self, checkpoint: Path) -> OptimizerState:
        """Put everything where a checkpoint left it, and return the optimizer's state by parameter name.

        Raises:
            UsageError: the checkpoint doesn't fit this run.
        """
        state, best, optimizer_state = load_checkpoint(
            checkpoint, self.classifier.encoder, self._settings(), self.plan.epochs
        )
        self._best = best if self.options.keep == "best" else None
        self.best_epoch, self._best_loss = state.best_epoch, state.best_loss
        self.workspace.events.history[:] = state.history
        self.steps_done, self._frozen = state.epoch * self.steps_per_epoch, state.frozen
        self._gradient_norms = state.gradient_norms
        self._phase_began, self._phase_over = state.phase_began, state.phase_over
        self.workspace.events.phases = tuple(PhaseRecord(**phase) for phase in state.phases)
        return optimizer_state

    # Steps, intervals and epochs

    def step_done(self, step: int, loss: float, learning_rate: float) -> None:
        """Keep what a step did; call it after each.

        Args:
            step: its number, from 1.
            loss: the mean loss of its batch.
            learning_rate: the rate that it used.
        """
        self._losses.append(loss)
        if len(self._losses) % max(1, self.steps_per_epoch // _LOSSES_PER_EPOCH) == 0:
            self.workspace.events.log_step(step, loss, learning_rate)

    def interval_done(
        self, interval: Interval, optimizer: torch.optim.Optimizer, gradient_norms: dict[int, float] | None = None
    ) -> None:
        """Ask the plugins what is frozen from here on, and do what is to be done if the epoch is over.

        Args:
            interval: what :meth:`phases` gave.
            optimizer: as :meth:`epoch_done` takes it.
            gradient_norms: the interval's, by depth, if the plan measures them.
        """
        if gradient_norms is not None:
            self._gradient_norms.append(gradient_norms)
        if interval.end == self.steps_per_epoch:
            self.epoch_done(interval.epoch + 1, optimizer)
        else:
            self.steps_done = interval.epoch * self.steps_per_epoch + interval.end
            self._change(self.plan.interval_finished(self.classifier.encoder, self._gradient_norms), goes_on=True)

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
        meter = self.workspace.meter
        with meter.time("train/validate"):
            loss, accuracy = self._evaluate()
        if not math.isfinite(loss):
            raise RunError(f"the validation loss became {loss} after epoch {epoch}. {self._advice(epoch)}")
        if loss < self._best_loss:
            self.best_epoch, self._best_loss = epoch, loss
            goes_on = epoch < self.plan.epochs  # else they are what the model is left with
            keeps = self.options.keep == "best" and goes_on
            self._best = trainable_tensors(self.classifier.encoder, self._names) if keeps else None
        self.workspace.events.log_epoch(
            {
                "epoch": epoch,
                "step": epoch * self.steps_per_epoch,
                "train_loss": sum(self._losses) / len(self._losses),
                "validation_loss": loss,
                "validation_accuracy": accuracy,
            }
        )
        self._losses.clear()
        self.steps_done = epoch * self.steps_per_epoch
        self._decide()
        if self.workspace.rank == 0 and self.options.checkpoints and optimizer is not None:
            with meter.time(CHECKPOINT):
                self._save_checkpoint(epoch, optimizer)
        return loss, accuracy

    def _decide(self) -> None:
        """Ask the plugins what is to change after an epoch."""
        encoder, last = self.classifier.encoder, len(self.plan.phases) - 1
        epochs = [
            FinishedEpoch(
                number=row["epoch"],
                last_phase=self._planned(row["epoch"] - 1) == last,
                train_loss=row["train_loss"],
                validation_loss=row["validation_loss"],
                validation_accuracy=row["validation_accuracy"],
            )
            for row in self.workspace.events.history
            if "epoch" in row
        ]
        if self._is_over():
            self._change((), goes_on=False)  # after the last epoch there is nothing to decide
            return
        settled = self.plan.interval_finished(encoder, self._gradient_norms)
        change = self.plan.epoch_finished(encoder, epochs)
        self._stopped = change.stop
        same_phase = self._planned(self.epochs_done) == self._planned(self.epochs_done - 1)
        self._change((*settled, *change.freeze), goes_on=same_phase and not change.stop)

    def _change(self, freeze: Sequence[str], *, goes_on: bool) -> None:
        """Freeze parameters for good; what still trained of them, or else the plan, ends the phase."""
        model = self.classifier.encoder.model
        frozen = [name for name in dict.fromkeys(freeze) if model.get_parameter(name).requires_grad]
        self._frozen += frozen
        self._phase_over = bool(frozen) or not goes_on
        events = self.workspace.events
        if events.phases:
            epochs = (self.steps_done - self._phase_began) / self.steps_per_epoch
            events.phases = (*events.phases[:-1], replace(events.phases[-1], epochs=epochs))

    def finish(self) -> None:
        """Go back to the best epoch's weights, if those are to be kept, and thaw what trained in any phase, no more."""
        if self._best is not None:
            restore_tensors(self.classifier.encoder, self._best)
            if self.best_epoch * self.steps_per_epoch <= self._phase_began:
                # What is frozen now may have been other weights then.
                self.use_prefix(None)
        # What is frozen between epochs trained until then, so the plan alone says what never did.
        reached = self.plan.phases[: self._planned(self.epochs_done - 1) + 1]
        never = set(reached[0].freeze).intersection(*(phase.freeze for phase in reached[1:]))
        for name in self._names:
            self.classifier.encoder.model.get_parameter(name).requires_grad_(name not in never)

    def check_finite(self, step: int, quantity: str, value: float) -> None:
        """Stop training if a number of a step isn't finite, before that step changes the weights.

        Raises:
            RunError: it isn't.
        """
        if not math.isfinite(value):
            epoch = (step - 1) // self.steps_per_epoch + 1
            raise RunError(
                f"{quantity} became {value} at step {step} (epoch {epoch}), and training stopped before that step "
                f"changed the weights. {self._advice(epoch)}"
            )

    def _advice(self, epoch: int) -> str:
        rate = self._schedules[self._planned(epoch - 1)].peak
        return f"A lower learning_rate (now {rate:g}) or some warmup (now {self.options.warmup:g}) usually mends it."

    def _save_checkpoint(self, epoch: int, optimizer: torch.optim.Optimizer) -> None:
        state = TrainingState(
            epoch=epoch,
            settings=self._settings(),
            best_epoch=self.best_epoch,
            best_loss=self._best_loss,
            history=self.workspace.events.history,
            stopped=self._stopped,
            frozen=self._frozen,
            phases=[asdict(phase) for phase in self.workspace.events.phases],
            phase_began=self._phase_began,
            phase_over=self._phase_over,
            gradient_norms=self._gradient_norms,
        )
        directory, keep = self.workspace.directory / CHECKPOINTS_DIRECTORY, self.options.checkpoints
        encoder = self.classifier.encoder
        save_checkpoint(directory, state, encoder, optimizer, self._best, keep=keep, names=self._names)

    def _settings(self) -> dict[str, Any]:
        """Return what must be alike in a run that takes up a checkpoint of this one, as JSON holds it."""
        rows = np.array([len(ids) for ids in self.train["input_ids"]]), self._kind.training_labels(self.train).ravel()
        own = {option.name: getattr(self.options, option.name) for option in fields(EncoderTraining)}
        del own["checkpoints"]
        if isinstance(own["class_weights"], tuple):
            own["class_weights"] = list(own["class_weights"])
        return {
            **own,
            "the plan": self.plan.planned_by,
            "seed": self.seed,
            "model": self.classifier.encoder.checkpoint,
            "optimizer steps an epoch": self.steps_per_epoch,
            "training data": hashlib.sha256(np.concatenate(rows).tobytes()).hexdigest()[:12],
        }

    def _evaluate(self) -> tuple[float, float]:
        """Return the mean loss and the accuracy on validation; of several labels a text all must be right."""
        computed = self._kind.with_label(self.classifier.logits(self.validation), self.validation)
        logits = torch.from_numpy(computed).to(self.classifier.encoder.model.device)
        labels = torch.from_numpy(self._kind.training_labels(self.validation)).to(logits.device)
        loss = self.loss(logits, labels) / labels.numel()
        return loss.item(), self._kind.right(logits, labels).float().mean().item()

"""The phases of a training run: trainable parameters and learning rate of each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textclf_core.errors import RunError
from textclf_core.training.checkpoints import PhaseState
from textclf_core.training.parameter_check import FrozenHashes
from textclf_core.training.schedule import schedules
from textclf_core.types.phases import FinishedEpoch, Interval, PhaseRecord, interval_from

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.types.events import RunEvents
    from textclf_core.types.recipe import Recipe


class TrainingPhases:
    """The remaining phases of a run: iterating freezes each phase's parameters and yields its intervals.

    Attributes:
        names: the names of the parameters that train in any phase.
        steps_per_epoch: the number of optimizer steps in an epoch.
        state: the progress, which a checkpoint saves.
    """

    def __init__(self, encoder: Encoder, plan: Plan, recipe: Recipe, steps_per_epoch: int, events: RunEvents) -> None:
        self.names = encoder.trainable_names()
        self.steps_per_epoch = steps_per_epoch
        self.state = PhaseState()
        self._encoder, self._plan, self._events = encoder, plan, events
        self._schedules = schedules(plan.phases, recipe, steps_per_epoch, plan.schedule)
        self._planned = [number for number, phase in enumerate(plan.phases) for _ in range(phase.epochs)]  # by epoch

    @property
    def total_steps(self) -> int:
        """The number of optimizer steps of the whole run."""
        return self.steps_per_epoch * self._plan.epochs

    @property
    def warmup_steps(self) -> int:
        """The number of optimizer steps of the first warm-up."""
        return self._schedules[0].warmup_steps

    @property
    def epoch(self) -> int:
        """The epoch in training, counted from 1."""
        return self._epochs_done + 1

    @property
    def reads_every_row(self) -> bool:
        """Whether at least one whole epoch remains."""
        return self.state.steps_done + self.steps_per_epoch <= self.total_steps

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 1."""
        return self._schedules[self._planned[(step - 1) // self.steps_per_epoch]].rate(step)

    def peak_rate(self, epoch: int) -> float:
        """Return the highest learning rate of the schedule that an epoch, counted from 1, belongs to."""
        return self._schedules[self._planned[epoch - 1]].peak

    def __iter__(self) -> Iterator[Iterator[Interval]]:
        """Yield an iterator of intervals for each remaining phase, with the phase's parameters frozen.

        A phase may begin within an epoch. Call :meth:`interval_done` or :meth:`epoch_done` after each interval's steps.
        If a plugin plans training, every frozen parameter is hashed before and after each phase; otherwise the core
        hashes them once around the whole training.

        Raises:
            RunError: a frozen parameter was updated, or a phase freezes the whole head.
        """
        while not self._all_done:
            self._freeze()
            hashes = FrozenHashes(self._encoder) if self._plan.planned_by else None
            if self.state.over:
                self.state.began, self.state.over = self.state.steps_done, False
                if hashes:
                    began = PhaseRecord(
                        epochs=0,
                        learning_rate=self.peak_rate(self._epochs_done + 1),
                        trainable_parameters=self._encoder.num_parameters(trainable=True),
                        frozen_prefix=self._encoder.frozen_prefix,
                        frozen_sha256=hashes.combined,
                    )
                    self._events.phases += (began,)
            yield self._intervals()
            if hashes:
                hashes.check(self._encoder, f"phase {len(self._events.phases)} of training")

    def _intervals(self) -> Iterator[Interval]:
        while not self.state.over:
            epoch, step = divmod(self.state.steps_done, self.steps_per_epoch)
            intervals = self._plan.phases[self._planned[epoch]].intervals
            yield interval_from(epoch, step, self.steps_per_epoch, intervals)

    def _freeze(self) -> None:
        """Set ``requires_grad`` of all parameters for the next interval."""
        encoder = self._encoder
        frozen = {*self._plan.phases[self._planned[self._epochs_done]].freeze, *self.state.frozen}
        for name in self.names:
            encoder.model.get_parameter(name).requires_grad_(name not in frozen)
        if encoder.fresh_head and not any(encoder.part_of(name) == "head" for name in encoder.trainable_names()):
            raise RunError(
                f"from epoch {self._epochs_done + 1} on, the strategies freeze the whole classification head, which "
                "has to train."
            )

    def interval_done(self, interval: Interval) -> None:
        """Ask the plugins what to freeze from the next interval of the epoch on."""
        self.state.steps_done = interval.epoch * self.steps_per_epoch + interval.end
        self._change(self._plan.interval_finished(self._encoder, self.state.gradient_norms), goes_on=True)

    def epoch_done(self, epoch: int) -> None:
        """Ask the plugins what to change after an epoch, counted from 1, whose row is in the history."""
        self.state.steps_done = epoch * self.steps_per_epoch
        if self._all_done:
            self._change((), goes_on=False)  # nothing is decided after the last epoch
            return
        epochs = [
            FinishedEpoch(
                number=row["epoch"],
                last_phase=self._planned[row["epoch"] - 1] == self._planned[-1],
                train_loss=row["train_loss"],
                validation_loss=row["validation_loss"],
                validation_accuracy=row["validation_accuracy"],
            )
            for row in self._events.history
            if "epoch" in row
        ]
        settled = self._plan.interval_finished(self._encoder, self.state.gradient_norms)
        change = self._plan.epoch_finished(self._encoder, epochs)
        self.state.stopped = change.stop
        same_phase = self._planned[epoch] == self._planned[epoch - 1]
        self._change((*settled, *change.freeze), goes_on=same_phase and not change.stop)

    def thaw(self) -> None:
        """Mark as trainable, after training, exactly the parameters that trained in any phase."""
        # Parameters frozen between epochs trained before; only the plan tells which never trained.
        reached = self._plan.phases[: self._planned[self._epochs_done - 1] + 1]
        never = set(reached[0].freeze).intersection(*(phase.freeze for phase in reached[1:]))
        for name in self.names:
            self._encoder.model.get_parameter(name).requires_grad_(name not in never)

    @property
    def _epochs_done(self) -> int:
        return self.state.steps_done // self.steps_per_epoch

    @property
    def _all_done(self) -> bool:
        return self.state.stopped or self._epochs_done >= self._plan.epochs

    def _change(self, freeze: Sequence[str], *, goes_on: bool) -> None:
        """Freeze parameters permanently, and end the phase if any of them was trainable or if the plan ends it."""
        frozen = [name for name in dict.fromkeys(freeze) if self._encoder.model.get_parameter(name).requires_grad]
        self.state.frozen += frozen
        self.state.over = bool(frozen) or not goes_on
        if self._events.phases:
            epochs = (self.state.steps_done - self.state.began) / self.steps_per_epoch
            self._events.phases = (*self._events.phases[:-1], replace(self._events.phases[-1], epochs=epochs))

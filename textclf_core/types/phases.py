"""How training goes on: phases with their own trainable parameters, rates by parameter, what an epoch's end changes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of training with one set of trainable parameters; what ``textclf_plan`` gives a list of.

    Attributes:
        epochs: how many epochs it takes.
        freeze: names of the parameters that don't train in it, beside those that the strategies froze.
        learning_rate: the peak of a schedule of its own, warm-up included. Without one it takes the recipe's, and
            neighbouring phases without one share one schedule.
        intervals: into how many intervals, as equal as can be, the steps of each epoch are divided;
            ``textclf_interval_finished`` is called after each. An epoch of fewer steps has as many as it has steps.
    """

    epochs: int
    freeze: tuple[str, ...] = ()
    learning_rate: float | None = None
    intervals: int = 1


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """Parameters with a learning rate of their own; what ``textclf_parameter_groups`` gives a list of.

    Attributes:
        names: their names.
        factor: what the phase's learning rate is multiplied with for them, in every step.
    """

    names: tuple[str, ...]
    factor: float


@dataclass(frozen=True)
class Interval:
    """Steps of one epoch, between two decisions about what trains.

    Attributes:
        epoch: from 0.
        first: the first of its steps, from 0, counted in the epoch.
        end: the first step after it.
    """

    epoch: int
    first: int
    end: int


def interval_from(epoch: int, step: int, steps: int, intervals: int) -> Interval:
    """Return the interval that begins with a step of an epoch, if ``steps`` are divided into so many."""
    ends = (count * steps // intervals for count in range(1, intervals + 1))
    return Interval(epoch, step, next(end for end in ends if end > step))


@dataclass(frozen=True, kw_only=True)
class FinishedEpoch:
    """An epoch that is over.

    Attributes:
        number: from 1.
        last_phase: whether it belongs to the last of the planned phases.
        train_loss: the mean of its steps' losses.
        validation_loss: the mean loss on validation after it.
        validation_accuracy: the share of validation's rows that were right.
    """

    number: int
    last_phase: bool
    train_loss: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is different from the next epoch on; what ``textclf_epoch_finished`` gives.

    Attributes:
        stop: there is no next epoch.
        freeze: names of the parameters that don't train any more.
    """

    stop: bool = False
    freeze: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PhaseRecord:
    """A stretch of training with one set of trainable parameters, as it was trained.

    Attributes:
        epochs: how many epochs it took; a share of one where a strategy froze more within it.
        learning_rate: the peak of its learning rate.
        trainable_parameters: how many numbers could change in it.
        frozen_prefix: 0 nothing, 1 the embeddings, 1+k the embeddings and the first k blocks.
        frozen_sha256: one hash over every parameter frozen in it, equal before and after; ``None`` if none was.
    """

    epochs: float
    learning_rate: float
    trainable_parameters: int
    frozen_prefix: int
    frozen_sha256: str | None

"""The plan of training: phases with their own trainable parameters, learning rates by parameter, changes by epoch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of training with one set of trainable parameters; ``textclf_plan`` returns a list of them.

    Attributes:
        epochs: how many epochs it takes.
        freeze: names of the parameters that don't train in it, in addition to those that the strategies froze.
        learning_rate: the peak of its own schedule, which includes a warm-up. A phase without one uses the recipe's
            learning rate, and neighbouring phases without one share a schedule.
        intervals: the number of intervals of nearly equal length into which the steps of each epoch are divided;
            ``textclf_interval_finished`` is called after each. At most one per step.
    """

    epochs: int
    freeze: tuple[str, ...] = ()
    learning_rate: float | None = None
    intervals: int = 1


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """Parameters with their own learning rate; ``textclf_parameter_groups`` returns a list of groups.

    Attributes:
        names: the names of the parameters.
        factor: the factor by which the phase's learning rate is multiplied in every step.
    """

    names: tuple[str, ...]
    factor: float


@dataclass(frozen=True)
class Interval:
    """The steps of one epoch between two decisions about what trains.

    Attributes:
        epoch: the epoch's number, from 0.
        first: its first step, counted from 0 within the epoch.
        end: the first step after it.
    """

    epoch: int
    first: int
    end: int


def interval_from(epoch: int, step: int, steps: int, intervals: int) -> Interval:
    """Return the interval that begins at ``step`` of an epoch whose ``steps`` are divided into ``intervals``."""
    ends = (count * steps // intervals for count in range(1, intervals + 1))
    return Interval(epoch, step, next(end for end in ends if end > step))


@dataclass(frozen=True, kw_only=True)
class FinishedEpoch:
    """A finished epoch.

    Attributes:
        number: the epoch's number, from 1.
        last_phase: whether it belongs to the last planned phase.
        train_loss: the mean loss of its steps.
        validation_loss: the mean loss on the validation split after it.
        validation_accuracy: the accuracy on the validation split after it.
    """

    number: int
    last_phase: bool
    train_loss: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, kw_only=True)
class Change:
    """What changes from the next epoch on; returned by ``textclf_epoch_finished``.

    Attributes:
        stop: whether training ends here.
        freeze: names of further parameters to freeze.
    """

    stop: bool = False
    freeze: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PhaseRecord:
    """A part of training with one set of trainable parameters, as it was trained.

    Attributes:
        epochs: how many epochs it took; a fraction if a strategy froze more within an epoch.
        learning_rate: the peak learning rate.
        trainable_parameters: the number of trainable parameters.
        frozen_prefix: 0 for nothing, 1 for the embeddings, 1+k for the embeddings and the first k blocks.
        frozen_sha256: the hash of all frozen parameters, equal before and after the phase; ``None`` if none was frozen.
    """

    epochs: float
    learning_rate: float
    trainable_parameters: int
    frozen_prefix: int
    frozen_sha256: str | None

"""Checkpoints of a training run: trainable parameters and optimizer, in safetensors and JSON without pickle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file

from textclf_core.errors import UsageError

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder

_FORMAT = 2
_STATE = "state.json"
_WEIGHTS = "trainable.safetensors"
_OPTIMIZER = "optimizer.safetensors"
_BEST = "best.safetensors"

OptimizerState = Mapping[str, dict[str, torch.Tensor]]
"""An optimizer's state by parameter name."""


@dataclass(kw_only=True)
class PhaseState:
    """The progress of a run through its phases.

    Attributes:
        steps_done: the number of optimizer steps in finished intervals.
        stopped: whether a plugin ended training, before its last epoch.
        frozen: the names of the parameters that plugins froze during training; they stay frozen.
        began: the number of steps before the current phase.
        over: whether the current phase has ended.
        gradient_norms: the gradient norms of each interval so far, by depth, if a plugin needs them.
    """

    steps_done: int = 0
    stopped: bool = False
    frozen: list[str] = field(default_factory=list)
    began: int = 0
    over: bool = True
    gradient_norms: list[dict[int, float]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TrainingState:
    """The state of training after an epoch; with the checkpoint's tensors, training continues bit for bit.

    Attributes:
        epoch: the number of finished epochs.
        settings: all settings that affect later epochs, by name (numbers, text or ``None``); a run with others can't
            resume from the checkpoint.
        best_epoch: the epoch with the lowest validation loss so far, from 1.
        best_loss: its mean validation loss.
        history: the rows of ``history.jsonl`` so far.
        phase: the progress through the phases.
        phases: the phases so far, as the record has them.
        adapted_by: the strategies that adapted the encoder. Its frozen weights depend on them, and aren't in the
            checkpoint.
    """

    epoch: int
    settings: dict[str, Any]
    best_epoch: int
    best_loss: float
    history: list[dict[str, Any]]
    phase: PhaseState = field(default_factory=PhaseState)
    phases: list[dict[str, Any]] = field(default_factory=list)
    adapted_by: list[str] = field(default_factory=list)


def trainable_tensors(
    encoder: Encoder, names: Collection[str] | None = None, *, copy: bool = True
) -> dict[str, torch.Tensor]:
    """Return the parameters with these names, or the trainable ones, by name: on the CPU, contiguous.

    Without ``copy`` they are the model's own tensors where possible, which change as it trains.
    """
    return {
        name: parameter.detach().to("cpu", copy=copy).contiguous()
        for name, parameter in encoder.model.named_parameters()
        if (parameter.requires_grad if names is None else name in names)
    }


def optimizer_state_of(encoder: Encoder, optimizer: torch.optim.Optimizer) -> OptimizerState:
    """Return the optimizer's state by parameter name, without copying its tensors."""
    names = _parameter_names(encoder, optimizer)
    return {names[index]: slots for index, slots in optimizer.state_dict()["state"].items()}


def restore_optimizer_state(encoder: Encoder, optimizer: torch.optim.Optimizer, saved: OptimizerState) -> None:
    """Restore the optimizer's state of the parameters in ``saved``; the others start without a state."""
    names = _parameter_names(encoder, optimizer)
    state = {index: saved[name] for index, name in enumerate(names) if name in saved}
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def restore_tensors(encoder: Encoder, tensors: dict[str, torch.Tensor]) -> None:
    """Copy tensors into the encoder's parameters, by name."""
    parameters = dict(encoder.model.named_parameters())
    with torch.no_grad():
        for name, tensor in tensors.items():
            parameters[name].copy_(tensor)


def save_checkpoint(
    directory: Path,
    state: TrainingState,
    encoder: Encoder,
    optimizer: torch.optim.Optimizer,
    best: dict[str, torch.Tensor] | None,
    *,
    keep: int,
    names: Collection[str] | None = None,
) -> None:
    """Write the checkpoint ``directory/epoch-N`` atomically, and remove all but the last ``keep`` checkpoints.

    Args:
        directory: the folder of the checkpoints.
        state: the state of training.
        encoder: the model in training.
        optimizer: its optimizer.
        best: the parameters of the best epoch, if the run keeps them; not written if that is this epoch.
        keep: the number of checkpoints to keep.
        names: the parameters that train in any phase; those that are trainable now if not given.
    """
    target = directory / f"epoch-{state.epoch}"
    partial = directory / f".epoch-{state.epoch}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    optimizer_state = {
        f"{name}/{key}": _as_tensor(f"{type(optimizer).__name__}'s state {key!r}", value)
        for name, slots in optimizer_state_of(encoder, optimizer).items()
        for key, value in slots.items()
        if value is not None
    }
    save_file(trainable_tensors(encoder, names, copy=False), partial / _WEIGHTS)
    save_file(optimizer_state, partial / _OPTIMIZER)
    if best is not None and state.best_epoch != state.epoch:
        save_file(best, partial / _BEST)
    (partial / _STATE).write_text(
        json.dumps({"format": _FORMAT, **asdict(state), "adapted_by": _adapted_by(encoder)}, indent=2), encoding="utf-8"
    )
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    for old in sorted(directory.glob("epoch-*"), key=_epoch_of)[:-keep]:
        shutil.rmtree(old)


def _adapted_by(encoder: Encoder) -> list[str]:
    """Return the specs of the strategies that adapted an encoder; its first origin is the model plugin."""
    return [one.plugin for one in encoder.origin[1:]]


def load_checkpoint(
    directory: Path, encoder: Encoder, settings: dict[str, Any]
) -> tuple[TrainingState, dict[str, torch.Tensor] | None, OptimizerState]:
    """Load a checkpoint into the encoder.

    Args:
        directory: the checkpoint.
        encoder: the model, with all parameters trainable that train in any phase.
        settings: the settings of this run, as in :class:`TrainingState`.

    Returns:
        The state of training; the best epoch's parameters, if the checkpoint has them; and the optimizer's state.

    Raises:
        UsageError: there is no checkpoint, or it was written with other settings or another strategy.
    """
    if not (directory / _STATE).is_file():
        raise UsageError(f"resume={directory}: no checkpoint there. Give a folder such as RUN/checkpoints/epoch-1.")
    content = json.loads((directory / _STATE).read_text(encoding="utf-8"))
    if content.pop("format") != _FORMAT:
        raise UsageError(f"resume={directory}: the checkpoint was written by another version of textclf.")
    phase = PhaseState(**content.pop("phase"))
    phase.gradient_norms = [{int(depth): norm for depth, norm in one.items()} for one in phase.gradient_norms]
    state = TrainingState(**content, phase=phase)
    weights = load_file(directory / _WEIGHTS)
    trainable = {name for name, parameter in encoder.model.named_parameters() if parameter.requires_grad}
    faults = [
        f"{name} was {state.settings.get(name)}, now {now}"
        for name, now in settings.items()
        if state.settings.get(name) != now
    ]
    if state.adapted_by != _adapted_by(encoder):
        was, now = (" + ".join(names) or "nothing" for names in (state.adapted_by, _adapted_by(encoder)))
        faults.append(f"the model was adapted by {was}, now by {now}")
    if set(weights) != trainable:
        faults.append("the strategy freezes other parameters")
    if faults:
        raise UsageError(f"resume={directory}: this run can't go on from there: {'; '.join(faults)}.")
    restore_tensors(encoder, weights)
    optimizer_state: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in load_file(directory / _OPTIMIZER).items():
        name, slot = key.rsplit("/", 1)
        optimizer_state.setdefault(name, {})[slot] = tensor
    best = load_file(directory / _BEST) if (directory / _BEST).is_file() else None
    return state, weights if state.best_epoch == state.epoch else best, optimizer_state


def _parameter_names(encoder: Encoder, optimizer: torch.optim.Optimizer) -> list[str]:
    """Return the names of the optimizer's parameters, in its order."""
    name_of = {id(parameter): name for name, parameter in encoder.model.named_parameters()}
    return [name_of[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]


def _as_tensor(what: str, value: object) -> torch.Tensor:
    if isinstance(value, int | float):
        value = torch.tensor(value)
    if not isinstance(value, torch.Tensor):
        raise UsageError(
            f"{what} is a {type(value).__name__}, which a checkpoint can't hold; use another optimizer, or set "
            "checkpoints=0."
        )
    return value.cpu().contiguous()


def _epoch_of(directory: Path) -> int:
    return int(directory.name.removeprefix("epoch-"))

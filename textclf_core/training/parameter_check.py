"""Proof that training moved what it should and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from textclf_core.errors import RunError, some_of

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True)
class Movement:
    """What training changed.

    Attributes:
        frozen_sha256: one hash over the frozen parameters, which didn't move; ``None`` if nothing was frozen.
        moved: how many of the trainable parameter tensors changed.
        trainable: how many trainable parameter tensors there were.
        trainable_parameters: how many numbers they hold.
        total_parameters: how many numbers the model holds.
        frozen_parts: the parts no parameter of which trained.
        frozen_prefix: the encoder's.
    """

    frozen_sha256: str | None
    moved: int
    trainable: int
    trainable_parameters: int
    total_parameters: int
    frozen_parts: tuple[str, ...]
    frozen_prefix: int


class ParameterHashes:
    """SHA-256 of every parameter of an encoder, taken when this is made.

    Of an encoder without a head, whose trainer brings its own, the body alone is watched.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._before = {name: _sha256(parameter) for name, parameter in encoder.model.named_parameters()}
        self._frozen = set(encoder.frozen_names())
        self._head = {name for name in self._before if encoder.part_of(name) == "head"}
        if self._head and self._head <= self._frozen:
            raise RunError(
                "the strategy freezes the whole classification head, which starts at random: nothing could be learned. "
                "Leave the head training."
            )

    def same_frozen(self, other: ParameterHashes) -> bool:
        """Return whether another encoder has the same parameters frozen, with the same values."""
        return self._frozen == other._frozen and all(self._before[name] == other._before[name] for name in self._frozen)

    def check(self, encoder: Encoder) -> Movement:
        """Compare the encoder's parameters with those from before.

        Raises:
            RunError: a frozen parameter moved, or the classification head didn't.
        """
        after = {name: _sha256(parameter) for name, parameter in encoder.model.named_parameters()}
        missing = sorted(self._before.keys() - after.keys())
        if missing:
            raise RunError(f"training removed parameters of the model: {some_of(missing)}.")
        moved = {name for name, digest in self._before.items() if after[name] != digest}
        if moved & self._frozen:
            raise RunError(f"training moved parameters that were frozen: {some_of(sorted(moved & self._frozen))}.")
        if self._head and not moved & self._head:
            raise RunError("training didn't move the classification head: the model has learned nothing.")
        trainable = self._before.keys() - self._frozen
        if trainable and not moved:
            raise RunError("training moved none of the parameters that it could: the model has learned nothing.")
        combined = hashlib.sha256("".join(after[name] for name in sorted(self._frozen)).encode()).hexdigest()
        training = {encoder.part_of(name) for name in encoder.trainable_names()}
        frozen = dict.fromkeys(encoder.part_of(name) for name in encoder.frozen_names())
        return Movement(
            frozen_sha256=combined if self._frozen else None,
            moved=len(moved),
            trainable=len(trainable),
            trainable_parameters=encoder.num_parameters(trainable=True),
            total_parameters=encoder.num_parameters(),
            frozen_parts=tuple(part for part in frozen if part not in training),
            frozen_prefix=encoder.frozen_prefix,
        )


class FrozenHashes:
    """SHA-256 of every parameter of an encoder that is frozen when this is made.

    Attributes:
        combined: one hash over them; ``None`` if nothing is frozen.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._before = {name: _sha256(encoder.model.get_parameter(name)) for name in encoder.frozen_names()}
        together = "".join(self._before[name] for name in sorted(self._before))
        self.combined = hashlib.sha256(together.encode()).hexdigest() if self._before else None

    def check(self, encoder: Encoder, when: str) -> None:
        """Compare them with what they are now.

        Raises:
            RunError: one moved; ``when`` says in what stretch of training.
        """
        moved = [name for name, digest in self._before.items() if _sha256(encoder.model.get_parameter(name)) != digest]
        if moved:
            raise RunError(f"{when} moved parameters that were frozen in it: {some_of(sorted(moved))}.")


def _sha256(parameter: torch.Tensor) -> str:
    # Bytes, because NumPy has no bfloat16.
    flat = parameter.detach().cpu().contiguous().view(-1).view(torch.uint8)
    return hashlib.sha256(flat.numpy().data).hexdigest()

"""Proof that training updated what it should and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from textclf_core.errors import RunError, some_of

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True)
class ParameterUpdates:
    """What training changed.

    A parameter trained if it did so in any stretch of training: it is trainable when training is over, or it updated.

    Attributes:
        frozen_sha256: one hash over the parameters that never trained, none of which changed; ``None`` if all trained.
        updated: how many parameter tensors changed.
        trainable: how many parameter tensors trained.
        trainable_parameters: how many numbers they hold.
        total_parameters: how many numbers the model holds.
        frozen_parts: the parts no parameter of which trained.
        partly_frozen_parts: the parts of which some parameters trained and others didn't.
        frozen_prefix: the encoder's.
        frozen_hashes: the SHA-256 of each parameter that never trained, by name.
    """

    frozen_sha256: str | None
    updated: int
    trainable: int
    trainable_parameters: int
    total_parameters: int
    frozen_parts: tuple[str, ...]
    partly_frozen_parts: tuple[str, ...]
    frozen_prefix: int
    frozen_hashes: Mapping[str, str] = field(repr=False)


class BuiltHashes:
    """SHA-256 of every parameter of an encoder as it was built and adapted: taken before the strategies freeze.

    They are known by the parameter, not by its name: whoever freezes may take modules out around it.
    """

    def __init__(self, encoder: Encoder) -> None:
        # The parameters are kept, so that no other gets the identity of one that is gone.
        self._parameters = list(encoder.model.parameters())
        self._hashes = {id(one): sha256_of(one) for one in self._parameters}

    def of(self, parameter: torch.Tensor) -> str:
        """Return the hash of a parameter as it was built, or as it is if it came later."""
        return self._hashes.get(id(parameter)) or sha256_of(parameter)


class ParameterHashes:
    """SHA-256 of every parameter of an encoder that the strategies have frozen, and which of them are frozen.

    Of an encoder without a head, whose trainer brings its own, the body alone is watched.

    Args:
        encoder: what is going to be trained.
        built: its hashes from before the strategies froze it; those of now if not given.
    """

    def __init__(self, encoder: Encoder, built: BuiltHashes | None = None) -> None:
        hash_of = built.of if built else sha256_of
        self._before = {name: hash_of(parameter) for name, parameter in encoder.model.named_parameters()}
        self._frozen = set(encoder.frozen_names())
        self._head = {name for name in self._before if encoder.part_of(name) == "head"}
        if encoder.fresh_head and self._head and self._head <= self._frozen:
            raise RunError(
                "the strategy freezes the whole classification head, which starts at random: nothing could be learned. "
                "Leave the head training."
            )

    def same_frozen(self, other: ParameterHashes) -> bool:
        """Return whether another encoder has the same parameters frozen, with the same values."""
        return self._frozen == other._frozen and all(self._before[name] == other._before[name] for name in self._frozen)

    def check(self, encoder: Encoder) -> ParameterUpdates:
        """Compare the encoder's parameters with those from before; what was updated counts as trainable from here on.

        Raises:
            RunError: a frozen parameter was updated, or the classification head wasn't.
        """
        after = {name: sha256_of(parameter) for name, parameter in encoder.model.named_parameters()}
        missing = sorted(self._before.keys() - after.keys())
        if missing:
            raise RunError(f"training removed parameters of the model: {some_of(missing)}.")
        updated = {name for name, digest in self._before.items() if after[name] != digest}
        if updated & self._frozen:
            raise RunError(
                f"training updated parameters that were frozen: {some_of(sorted(updated & self._frozen))}. (Or a "
                "strategy changed them while it froze: weights are changed before, in textclf_adapt.)"
            )
        if self._head - self._frozen and not updated & self._head:
            raise RunError("training didn't update the classification head: the model has learned nothing.")
        if self._before.keys() - self._frozen and not updated:
            raise RunError("training updated none of the parameters that it could: the model has learned nothing.")
        # A trainer may leave frozen at the end what trained at first.
        for name in updated:
            encoder.model.get_parameter(name).requires_grad_(True)
        frozen = {name: after[name] for name in encoder.frozen_names()}
        training_parts = _parts(encoder, encoder.trainable_names())
        frozen_parts = _parts(encoder, frozen)
        return ParameterUpdates(
            frozen_sha256=_combined(frozen),
            updated=len(updated),
            trainable=len(encoder.trainable_names()),
            trainable_parameters=encoder.num_parameters(trainable=True),
            total_parameters=encoder.num_parameters(),
            frozen_parts=tuple(part for part in frozen_parts if part not in training_parts),
            partly_frozen_parts=tuple(part for part in frozen_parts if part in training_parts),
            frozen_prefix=encoder.frozen_prefix,
            frozen_hashes=frozen,
        )


class FrozenHashes:
    """SHA-256 of every parameter of an encoder that is frozen when this is made.

    Attributes:
        combined: one hash over them; ``None`` if nothing is frozen.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._before = {name: sha256_of(encoder.model.get_parameter(name)) for name in encoder.frozen_names()}
        self.combined = _combined(self._before)

    def check(self, encoder: Encoder, when: str) -> None:
        """Compare them with what they are now.

        Raises:
            RunError: one was updated; ``when`` says in what stretch of training.
        """
        updated = [
            name for name, digest in self._before.items() if sha256_of(encoder.model.get_parameter(name)) != digest
        ]
        if updated:
            raise RunError(f"{when} updated parameters that were frozen in it: {some_of(sorted(updated))}.")


def sha256_of(parameter: torch.Tensor) -> str:
    """Return the SHA-256 of a tensor's bytes."""
    # Bytes, because NumPy has no bfloat16.
    flat = parameter.detach().cpu().contiguous().view(-1).view(torch.uint8)
    return hashlib.sha256(flat.numpy().data).hexdigest()


def _combined(hashes: Mapping[str, str]) -> str | None:
    """Return one hash over those of parameters, ``None`` if there are none."""
    return hashlib.sha256("".join(hashes[name] for name in sorted(hashes)).encode()).hexdigest() if hashes else None


def _parts(encoder: Encoder, names: Iterable[str]) -> dict[str, None]:
    """Return the parts that parameters belong to, in the model's order."""
    return dict.fromkeys(encoder.part_of(name) for name in names)

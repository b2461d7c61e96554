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
    """The parameters that training changed.

    A parameter trained if it is trainable after training or was updated, in whichever phase.

    Attributes:
        frozen_sha256: a hash of the parameters that never trained, none of which changed; ``None`` if all trained.
        updated: number of parameter tensors that changed.
        trainable: number of parameter tensors that trained.
        trainable_parameters: number of elements of these.
        total_parameters: number of elements of all parameters of the model.
        frozen_parts: the parts without any parameter that trained.
        partly_frozen_parts: the parts with both parameters that trained and parameters that didn't.
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
    """The SHA-256 of every parameter of an encoder before the strategies freeze it.

    They are looked up by parameter, not by name, since a strategy may rename modules while it freezes.
    """

    def __init__(self, encoder: Encoder) -> None:
        # The parameters are kept alive, so that no new one gets the id of a deleted one.
        self._parameters = list(encoder.model.parameters())
        self._hashes = {id(one): sha256_of(one) for one in self._parameters}

    def of(self, parameter: torch.Tensor) -> str:
        """Return the hash of a parameter from then, or its present hash if it was added later."""
        return self._hashes.get(id(parameter)) or sha256_of(parameter)


class ParameterHashes:
    """The SHA-256 of every parameter of an encoder before training, and the names of the frozen ones.

    An encoder without a head, whose trainer adds its own, has only the hashes of the body.

    Args:
        encoder: the encoder, frozen by the strategies.
        built: its hashes before freezing; the present ones are used if not given.
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

    @property
    def combined(self) -> str | None:
        """A hash of all of them; ``None`` if there are none."""
        return _combined(self._before)

    def same_frozen(self, other: ParameterHashes) -> bool:
        """Return whether another encoder has the same parameters frozen, with the same values."""
        return self._frozen == other._frozen and all(self._before[name] == other._before[name] for name in self._frozen)

    def check(self, encoder: Encoder) -> ParameterUpdates:
        """Compare the encoder's parameters with those before training, and mark the updated ones as trainable.

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
        # A trainer may freeze parameters that trained in an earlier phase.
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
    """The SHA-256 of every frozen parameter of an encoder at the start of a phase.

    Attributes:
        combined: a hash of all of them; ``None`` if nothing is frozen.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._before = {name: sha256_of(encoder.model.get_parameter(name)) for name in encoder.frozen_names()}
        self.combined = _combined(self._before)

    def check(self, encoder: Encoder, when: str) -> None:
        """Compare them with the present parameters; ``when`` names the phase in the error.

        Raises:
            RunError: a frozen parameter was updated.
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
    """Return a hash of the parameters' hashes; ``None`` if there are none."""
    return hashlib.sha256("".join(hashes[name] for name in sorted(hashes)).encode()).hexdigest() if hashes else None


def _parts(encoder: Encoder, names: Iterable[str]) -> dict[str, None]:
    """Return the parts of the model that the parameters belong to, in the model's order."""
    return dict.fromkeys(encoder.part_of(name) for name in names)

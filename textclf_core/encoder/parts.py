"""The parts of a model, and which of them are trainable."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import MethodType
from typing import TYPE_CHECKING

from textclf_core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

logger = logging.getLogger("textclf")


class BlockIndexError(UsageError):
    """A block doesn't exist in the model.

    ``index`` is the invalid index, ``num_blocks`` the number of blocks, and ``largest`` the index of the last block,
    for a caller that suggests a valid option.
    """

    def __init__(self, index: int, num_blocks: int, checkpoint: str):
        self.index = index
        self.num_blocks = num_blocks
        self.largest = num_blocks - 1
        super().__init__(
            f"there is no block {index}: {checkpoint} has {num_blocks} blocks, numbered from 0 to {self.largest}"
        )


class PartedModel:
    """A model divided into embeddings, numbered blocks, pooler and head, which can be frozen.

    Args:
        model: a model as for :class:`~textclf_core.encoder.Encoder`.
        checkpoint: the model's name in error messages.
    """

    def __init__(self, model: PreTrainedModel, checkpoint: str):
        from textclf_core.encoder.families import parts_of

        self.model = model
        self.checkpoint = checkpoint
        self._parts = parts_of(model)

    @property
    def num_blocks(self) -> int:
        """The number of blocks; a block whose parameters are used several times counts several times.

        Raises:
            UsageError: the blocks of this model can't be identified.
        """
        self.require_blocks()
        return len(self._parts.blocks)

    @property
    def knows_blocks(self) -> bool:
        """Whether the model's blocks can be identified; if not, everything but the head is one part, its body."""
        return self._parts.unknown is None

    def require_blocks(self) -> None:
        """Check that the model's blocks can be identified.

        Raises:
            UsageError: they can't.
        """
        if self._parts.unknown:
            raise UsageError(
                f"{self.checkpoint}: {self._parts.unknown} It can be trained as a whole, or its head alone, but not "
                "with what needs its embeddings or blocks."
            )

    def part_of(self, name: str) -> str:
        """Return the part that a parameter belongs to.

        Args:
            name: a name of ``model.named_parameters()``.

        Returns:
            ``"embeddings"``, ``"block 3"``, ``"blocks 0-3"`` (which share this parameter), ``"pooler"``,
            ``"final norm"`` or ``"head"``; ``"body"`` if the blocks of this model can't be identified.
        """
        parameter = self.model.get_parameter(name)
        for part, modules in self._parts.named():
            if any(parameter is other for module in modules for other in module.parameters()):
                return part
        return "head"

    def depth_of(self, name: str) -> int:
        """Return a parameter's distance from the input, on the scale of :attr:`frozen_prefix`.

        0 stands for the embeddings, 1+k for block k (the last of those that share the parameter), and
        1 + :attr:`num_blocks` for everything after the blocks.
        """
        return self._depths.get(id(self.model.get_parameter(name)), 1 + self.num_blocks)

    @cached_property
    def _depths(self) -> dict[int, int]:
        parts = enumerate((self._parts.embeddings, *self._parts.blocks))
        return {id(one): depth for depth, modules in parts for module in modules for one in module.parameters()}

    # What trains

    def freeze(
        self,
        *,
        embeddings: bool = False,
        blocks: Iterable[int] = (),
        pooler: bool = False,
        body: bool = False,
        names: Iterable[str] = (),
    ) -> None:
        """Freeze parts of the model, in addition to what is frozen already.

        If blocks share their parameters (ALBERT), freezing one freezes all of its group, and a warning names them.

        Args:
            embeddings: freeze the embeddings, including projections and shared relative positions.
            blocks: freeze these blocks, counted from 0 at the input.
            pooler: freeze the body's pooler, if it has one.
            body: freeze everything except the head.
            names: freeze these parameters.

        Raises:
            BlockIndexError: a block doesn't exist.
            UsageError: a parameter doesn't exist, or the parts of this model can't be identified.
        """
        blocks, names = list(blocks), list(names)
        if embeddings or blocks or pooler:
            self.require_blocks()
        for block in blocks:
            if not 0 <= block < self.num_blocks:
                raise BlockIndexError(block, self.num_blocks, self.checkpoint)
        parameters = dict(self.model.named_parameters())
        for name in names:
            if name not in parameters:
                raise UsageError(f"{self.checkpoint} has no parameter {name!r}.{did_you_mean(name, parameters)}")

        modules: list[nn.Module] = [self.model.base_model] if body else []
        modules += self._parts.embeddings if embeddings else ()
        modules += self._parts.pooler if pooler else ()
        for block in blocks:
            modules += self._parts.blocks[block]
        for module in modules:
            module.requires_grad_(False)
        for name in names:
            parameters[name].requires_grad_(False)
        if not body:
            self._warn_of_shared_blocks(blocks)

    def _warn_of_shared_blocks(self, blocks: Sequence[int]) -> None:
        """Warn of blocks that were frozen only because they share parameters with the named ones."""
        named = set(blocks)
        for together in sorted({self._parts.sharing(block) for block in named}):
            if unnamed := [block for block in together if block not in named]:
                logger.warning(
                    "%s: blocks %d to %d share their parameters, so these blocks are frozen too: %s",
                    self.checkpoint,
                    together[0],
                    together[-1],
                    ", ".join(map(str, unnamed)),
                )

    @property
    def frozen_prefix(self) -> int:
        """How much of the model, counted from the input, is completely frozen, derived from ``requires_grad``.

        0 stands for nothing, 1 for the embeddings, 1+k for the embeddings and blocks 0 to k-1. It is 0 if the blocks
        can't be identified.
        """
        prefix = 0
        if not self.knows_blocks:
            return prefix
        for modules in (self._parts.embeddings, *self._parts.blocks):
            if not _is_frozen(modules):
                break
            prefix += 1
        return prefix

    def frozen_names(self) -> tuple[str, ...]:
        """Return the names of the frozen parameters."""
        return tuple(name for name, parameter in self.model.named_parameters() if not parameter.requires_grad)

    def trainable_names(self) -> tuple[str, ...]:
        """Return the names of the trainable parameters."""
        return tuple(name for name, parameter in self.model.named_parameters() if parameter.requires_grad)

    def num_parameters(self, trainable: bool = False) -> int:
        """Return the number of the model's parameters, or of its trainable ones; shared parameters count once."""
        return sum(
            parameter.numel() for parameter in self.model.parameters() if parameter.requires_grad or not trainable
        )

    @contextmanager
    def frozen_in_eval(self) -> Iterator[None]:
        """Keep completely frozen parts in evaluation mode, even if ``model.train()`` is called in the meantime.

        ``model.train()`` alone would turn on the dropout of frozen parts, whose output would then vary. This applies to
        the embeddings, each block, the pooler and the final norm, if all of the part's parameters are frozen on entry.
        On exit, they get the mode of the whole model.
        """
        frozen = [module for _, modules in self._parts.named() if _is_frozen(modules) for module in modules]
        for module in frozen:
            # Set on the instance, which takes precedence; a bound method, since a deep copy's is bound to the copy.
            vars(module)["train"] = MethodType(_stay_in_eval, module)
            module.train()
        try:
            yield
        finally:
            for module in frozen:
                del vars(module)["train"]
                module.train(self.model.training)


def _is_frozen(modules: Iterable[nn.Module]) -> bool:
    return not any(parameter.requires_grad for module in modules for parameter in module.parameters())


def _stay_in_eval(module: nn.Module, mode: bool = True) -> nn.Module:
    from torch import nn

    return nn.Module.train(module, False)

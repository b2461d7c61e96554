"""Discriminative learning rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_core.types.phases import ParameterGroup
from textclf_plugins.phases.depths import training_depths

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class DiscriminativeLr:
    """Give groups of adjacent blocks learning rates that decrease towards the input.

    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT), ACL 2018, section 3.2:
    each group's rate is that of the group above divided by 2.6. The head and the pooler train at the recipe's rate; the
    lowest group includes the embeddings. The groups in the paper are the layers of an LSTM; for one group per block,
    see layerwise-lr-decay.
    """

    divisor: Annotated[float, Option("A group's learning rate is that of the group above, divided by this.", gt=1)] = (
        2.6
    )
    groups: Annotated[int, Option("Number of groups of blocks.", ge=1)] = 3

    @hookimpl(trylast=True)  # after the other strategies have frozen their parts
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze nothing; refuse an encoder without trainable blocks."""
        training_depths(encoder, plugin="discriminative-lr", why="the head alone would train, at its own rate")

    @hookimpl
    def textclf_parameter_groups(self, encoder: Encoder) -> list[ParameterGroup]:
        """Return each group with its factor of the learning rate."""
        names: dict[int, list[str]] = {}
        groups = min(self.groups, encoder.num_blocks)
        for name, _ in encoder.model.named_parameters():
            depth = encoder.depth_of(name)
            if depth <= encoder.num_blocks:
                block = max(0, depth - 1)
                below_head = groups - block * groups // encoder.num_blocks
                names.setdefault(below_head, []).append(name)
        return [
            ParameterGroup(names=tuple(of_group), factor=self.divisor**-below_head)
            for below_head, of_group in names.items()
        ]

"""Layer-wise decay of the learning rate."""

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
class LayerwiseLrDecay:
    """Give each block a lower learning rate than the block above it.

    Clark, Luong, Le and Manning, "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators", ICLR
    2020 (0.8 for its base model); Zhang, Wu, Katiyar, Weinberger and Artzi, "Revisiting Few-sample BERT Fine-tuning",
    ICLR 2021. The head and the pooler train at the recipe's rate, the last block at that rate times the decay, and so
    on down to the embeddings. Blocks that share their parameters (ALBERT) have the rate of the last of them.
    """

    decay: Annotated[float, Option("A block's learning rate is that of the block above, times this.", gt=0, lt=1)] = 0.8

    @hookimpl(trylast=True)  # after the other strategies have frozen their parts
    def textclf_freeze(self, encoder: Encoder) -> None:
        """Freeze nothing; refuse an encoder without trainable blocks."""
        training_depths(encoder, plugin="layerwise-lr-decay", why="the head alone would train, at its own rate")

    @hookimpl
    def textclf_parameter_groups(self, encoder: Encoder) -> list[ParameterGroup]:
        """Return the parameters of each depth with their factor of the learning rate."""
        names: dict[int, list[str]] = {}
        for name, _ in encoder.model.named_parameters():
            names.setdefault(encoder.depth_of(name), []).append(name)
        top = 1 + encoder.num_blocks
        return [
            ParameterGroup(names=tuple(of_depth), factor=self.decay ** (top - depth))
            for depth, of_depth in names.items()
            if depth < top
        ]

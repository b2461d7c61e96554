"""The optimizer Adafactor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from textclf_core.types.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Adafactor:
    """Train with Adafactor, whose state takes a row and a column per matrix instead of AdamW's two copies of it.

    Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", ICML 2018, as torch has it. The
    learning rate is relative to the root mean square of each parameter, so it is higher than AdamW's: 1e-3 is usual for
    a whole model.
    """

    clip: Annotated[float, Option("An update's root mean square is at most this.", gt=0)] = 1.0

    @hookimpl
    def textclf_optimizer(self, groups: Sequence[dict[str, Any]], recipe: Recipe) -> Optimizer:
        """Build torch's Adafactor."""
        import torch

        return torch.optim.Adafactor(list(groups), lr=recipe.learning_rate, d=self.clip)

"""An optimizer: stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from textclf_core import Option, Recipe, hookimpl

if TYPE_CHECKING:
    from torch.optim import Optimizer


@dataclass(frozen=True, kw_only=True)
class Sgd:
    """Train with stochastic gradient descent; its learning rate is far higher than AdamW's."""

    momentum: Annotated[float, Option("The share of the last update that is kept.", ge=0, lt=1)] = 0.9

    @hookimpl
    def textclf_optimizer(self, groups: Sequence[dict[str, Any]], recipe: Recipe) -> Optimizer:
        """Build torch's optimizer on the groups, which have weight decay and factor."""
        import torch

        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=self.momentum)

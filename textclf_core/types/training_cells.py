"""Cells that a trainer trains together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from textclf_core.errors import RunError
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.recipe import Recipe
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class TrainingCell:
    """One of several cells that share their data, their encoder and what of it is frozen.

    Attributes:
        recipe: its trainer's recipe.
        seed: decides the order of its examples and its dropout, as it decided its head.
        workspace: where it writes, and what counts its cost.
        parameters: its trainable parameters before training, by name.
    """

    recipe: Recipe
    seed: int
    workspace: Workspace
    parameters: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class TrainedCell:
    """What came of a cell: a classifier and its trainable parameters by name, or why there is none."""

    classifier: Classifier | None = None
    parameters: dict[str, Tensor] | None = None
    error: RunError | None = None

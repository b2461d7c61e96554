"""Cells that a trainer trains jointly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from textclf_core.encoder.encoder import Encoder
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
    """What came of a cell: a classifier and the encoder that it holds, or why there is none.

    Cells share no weights that scoring one, or finishing it, could change in another: ``Encoder.with_parameters`` gives
    each an encoder of its own around what is frozen.
    """

    classifier: Classifier | None = None
    encoder: Encoder | None = None
    error: RunError | None = None

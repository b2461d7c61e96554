"""The cells of joint training, and their results."""

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
    """One of several cells that share data, encoder and frozen parameters.

    Attributes:
        recipe: the trainer's recipe.
        seed: the seed of the order of the examples and of dropout; the head was initialised with it.
        workspace: the cell's directory and cost counters.
        parameters: the trainable parameters before training, by name.
    """

    recipe: Recipe
    seed: int
    workspace: Workspace
    parameters: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class TrainedCell:
    """The result of a cell: a classifier and its encoder, or the error that ended its training.

    Scoring or finishing one cell must not change another's weights: ``Encoder.with_parameters`` gives each its own
    trainable parameters.
    """

    classifier: Classifier | None = None
    encoder: Encoder | None = None
    error: RunError | None = None

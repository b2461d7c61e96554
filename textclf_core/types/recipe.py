"""The recipe of a training run: one type for every trainer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from textclf_core.types.option import Option
from textclf_core.types.tokenization import Tokenization


@dataclass(frozen=True, kw_only=True)
class Recipe(Tokenization):
    """The hyperparameters of training, and how texts are tokenized. Trainers inherit them as their options.

    The defaults are those of Hands-On Large Language Models (Alammar & Grootendorst, 2024), chapter 11.
    """

    epochs: Annotated[int, Option("Passes over the training split.", ge=1)] = 1
    batch_size: Annotated[int, Option("Examples in one optimizer step, accumulated ones included.", ge=1)] = 16
    # A head alone needs a learning rate a hundred times that of the whole model; the search range covers both.
    learning_rate: Annotated[float, Option("Peak learning rate of AdamW.", gt=0, search=(1e-6, 1e-1))] = 2e-5
    weight_decay: Annotated[float, Option("Decoupled weight decay; biases and norms are exempt.", ge=0)] = 0.01
    warmup: Annotated[float, Option("Share of the steps in which the learning rate rises from 0.", ge=0, lt=1)] = 0.0

"""Masked language modelling on the texts, before training on labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_core.types.recipe import Recipe

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.progress import Progress
    from textclf_core.types.record import Fact
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class ContinuedPretraining(Recipe):
    """Continue pretraining the model on the training texts, by masked language modelling (Gururangan et al., 2020).

    Some tokens of each text are chosen; 80% of them are replaced by the mask, 10% by another token, 10% stay, and the
    model learns to predict the original tokens (Devlin et al., NAACL 2019). The record has the perplexity on held-out
    training texts, before and after. Texts of validation and test are never read, and labels aren't used. Contenders
    and seeds of a comparison share one adapted model, so their spread doesn't include the effect of this seed. A
    checkpoint without a head for masked language modelling gets an untrained one, which the record notes.
    """

    learning_rate: Annotated[float, Option("Peak learning rate of AdamW.", gt=0)] = 1e-4
    warmup: Annotated[float, Option("Share of the steps over which the rate rises from 0.", ge=0, lt=1)] = 0.06
    epochs: Annotated[int, Option("Passes over the texts.", ge=1)] = 1
    steps: Annotated[int | None, Option("Number of optimizer steps, instead of epochs.", ge=1)] = None
    extra: Annotated[
        Path | None,
        Option("A file of further, unlabelled texts: CSV, TSV, JSON lines, Parquet, or plain text with one per line."),
    ] = None
    masking: Annotated[
        Literal["token", "whole-word"], Option("What is chosen for masking: single tokens, or whole words.")
    ] = "token"
    probability: Annotated[float, Option("Share of the tokens or words that are chosen.", gt=0, lt=1)] = 0.15
    held_out: Annotated[float, Option("Share of the texts held out to measure perplexity.", gt=0, lt=1)] = 0.1
    train: Annotated[
        Literal["all", "head"],
        Option("The trained part. With head the body stays as it was, as a control for the perplexity."),
    ] = "all"
    seed: Annotated[
        int, Option("Seed of the held-out texts, order, masks and dropout; the run's seed has no effect here.")
    ] = 0

    @hookimpl
    def textclf_adapt(
        self, encoder: Encoder, data: DatasetDict, task: Task, workspace: Workspace, progress: Progress
    ) -> dict[str, Fact]:
        """Train the body on the texts, or load the cached result of another run."""
        from textclf_plugins.adapting.masked_lm import adapt

        return adapt(self, encoder, data["train"], task, workspace, progress)

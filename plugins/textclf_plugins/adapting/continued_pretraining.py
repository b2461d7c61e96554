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
    """Go on pretraining the model on the training texts, by masked language modelling (Gururangan et al., ACL 2020).

    Of each text some tokens are chosen; 80% of them are replaced by the mask, 10% by another token, 10% stay, and the
    model learns to tell what they were (Devlin et al., NAACL 2019). Perplexity on texts that are held out from this is
    in the record, before and after. Texts of validation and test are never read, nor is any label. Contenders and
    seeds of a comparison share one adapted model, so their spread doesn't hold what another seed here would change.
    A checkpoint without a head for it gets an untrained one, and the record says so.
    """

    learning_rate: Annotated[float, Option("Peak learning rate of AdamW.", gt=0)] = 1e-4
    warmup: Annotated[float, Option("Share of the steps over which the rate rises from 0.", ge=0, lt=1)] = 0.06
    epochs: Annotated[int, Option("Passes over the texts.", ge=1)] = 1
    steps: Annotated[int | None, Option("Optimizer steps, in place of epochs.", ge=1)] = None
    extra: Annotated[
        Path | None,
        Option("A file of more texts, without labels: CSV, TSV, JSON lines, Parquet, or text with one a line."),
    ] = None
    masking: Annotated[
        Literal["token", "whole-word"], Option("What is chosen: tokens, or words with all of their tokens.")
    ] = "token"
    probability: Annotated[float, Option("Share of the tokens, or words, that are chosen.", gt=0, lt=1)] = 0.15
    held_out: Annotated[float, Option("Share of the texts that perplexity is measured on.", gt=0, lt=1)] = 0.1
    train: Annotated[
        Literal["all", "head"],
        Option("What this trains; head leaves the body as it was: the control that perplexity is compared with."),
    ] = "all"
    seed: Annotated[int, Option("Decides what is held out, order, masks and dropout; the run's seed doesn't.")] = 0

    @hookimpl
    def textclf_adapt(
        self, encoder: Encoder, data: DatasetDict, task: Task, workspace: Workspace, progress: Progress
    ) -> dict[str, Fact]:
        """Train the body on the texts, or take what another run made of it."""
        from textclf_plugins.adapting.masked_lm import adapt

        return adapt(self, encoder, data["train"], task, workspace, progress)

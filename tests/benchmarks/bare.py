"""A bare PyTorch loop over the batches and the arithmetic of ``finetune``: what is left is a framework's own time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from datasets import load_from_disk
from measure import Job, Measured, answer
from step_times import median_step, watch_steps
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from textclf_core.encoder.dropout import KeyedDropout
from textclf_core.plugins import Catalogue, activate
from textclf_core.training.batching import LengthGroupedBatches
from textclf_core.training.parameters import decay_groups
from textclf_core.training.row_gradients import RowGradients
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

if TYPE_CHECKING:
    from torch import Tensor


def steps(job: Job) -> Measured:
    """Train for an epoch; the seconds are those of the median step.

    Args:
        job: ``model``, a spec; ``data``, a folder; ``seed``.
    """
    recipe = Recipe()
    data = load_from_disk(job["data"], keep_in_memory=True)["train"]
    task = Task(tuple(data.features["label"].names))
    torch.manual_seed(job["seed"])
    encoder = activate([job["model"]], Catalogue.discover()).hook.textclf_build_model(task=task, seed=job["seed"])
    model = encoder.model.train()
    rows = _tensors(encoder.tokenize(data, task, recipe))
    labels = torch.tensor(data["label"][:])
    batches = LengthGroupedBatches([len(ids) for ids in rows["input_ids"]], recipe.batch_size, job["seed"])
    optimizer = torch.optim.AdamW(decay_groups(model, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=len(batches))
    finished = watch_steps()
    # What finetune spares the last block, the embeddings and dropout is arithmetic; both loops are spared it.
    row_gradients, dropout = RowGradients(model), KeyedDropout(model, job["seed"])
    with encoder.computing_what_the_head_reads(), row_gradients.collected():
        for step, indices in enumerate(batches.epoch(0), start=1):
            batch = {name: _padded(column, indices) for name, column in rows.items()}
            with dropout.drawing(step):
                loss = cross_entropy(model(**batch).logits, labels[indices])
            loss.backward()
            row_gradients.complete()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            row_gradients.clear()
    return median_step(finished)


def _tensors(tokenized: Any) -> dict[str, list[Tensor]]:
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in tokenized.column_names]
    return {name: [torch.tensor(row) for row in tokenized[name]] for name in names}


def _padded(column: list[Tensor], indices: list[int]) -> Tensor:
    """Return the rows as one tensor. A mask and token types are padded by 0, and the mask hides the ids' padding."""
    return pad_sequence([column[index] for index in indices], batch_first=True)


if __name__ == "__main__":
    answer({"steps": steps})

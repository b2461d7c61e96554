"""The training loop of ``finetune``, written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from textclf_core.encoder_classifier import EncoderClassifier
from textclf_core.training.batching import LengthGroupedBatches
from textclf_core.training.course import Course
from textclf_core.training.flops import count_flops
from textclf_core.training.frozen_prefix import cached_prefix
from textclf_core.training.labelled import labels_in_rows, summed_loss
from textclf_core.training.parameters import decay_groups
from textclf_core.training.row_gradients import RowGradients
from textclf_core.training.schedule import linear_schedule

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.progress import Progress
    from textclf_core.recipe import Recipe
    from textclf_core.task import Task
    from textclf_core.workspace import Workspace
    from textclf_plugins.training.finetune import Finetune


def finetune(
    options: Finetune,
    encoder: Encoder,
    data: DatasetDict,
    task: Task,
    recipe: Recipe,
    seed: int,
    workspace: Workspace,
    progress: Progress,
) -> EncoderClassifier:
    """Train what isn't frozen and return the classifier.

    The loss of a step is the mean cross-entropy over its whole batch (in a task of tokens, over the batch's words),
    however the batch is cut into micro-batches and spread over processes, so neither changes the gradient.

    Raises:
        RunError: the loss or the gradient of a step isn't finite.
        UsageError: the checkpoint to resume from doesn't fit this run.
    """
    meter = workspace.meter
    # accelerate keeps a process's first device for good, and a process may run on a GPU and then on the CPU.
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(cpu=workspace.device == "cpu", device_placement=False)
    with meter.time("train/tokenize"):
        train = encoder.tokenize(data["train"], task, recipe)
        validation = encoder.tokenize(data["validation"], task, recipe)
    labels_in = labels_in_rows(train)
    batches = LengthGroupedBatches([len(ids) for ids in train["input_ids"]], recipe.batch_size, seed)
    prefix = cached_prefix(encoder, workspace.cache, meter, progress) if options.prefix_cache else None
    known = prefix.training_rows(train) if prefix else None
    start = prefix.boundary if prefix and known else None
    if prefix and known:
        with meter.time("train/validate"):
            prefix.rows(validation)  # now, beside nothing that training keeps in memory
    with encoder.computing_what_the_head_reads():
        flops = count_flops(encoder, start)
    classifier = EncoderClassifier(encoder, task, recipe, progress, prefix if known else None)
    course = Course(options, classifier, train, validation, len(batches), seed, workspace)

    model = accelerator.prepare_model(encoder.model)
    optimizer = torch.optim.AdamW(decay_groups(encoder.model, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
    first_epoch = course.resume(options.resume, optimizer) if options.resume else 0

    row_gradients = RowGradients(encoder.model, processes=accelerator.num_processes)
    with (
        encoder.frozen_in_eval(),
        row_gradients.collected(),
        encoder.computing_what_the_head_reads(),
        progress.bar("train", course.total_steps) as bar,
    ):
        bar.skip(first_epoch * len(batches))
        for epoch in range(first_epoch, recipe.epochs):
            model.train()
            for step, indices in enumerate(batches.epoch(epoch), start=epoch * len(batches) + 1):
                with meter.time("train/steps"):
                    share = linear_schedule(step, course.warmup_steps, course.total_steps)
                    learning_rate = recipe.learning_rate * share
                    for group in optimizer.param_groups:
                        group["lr"] = learning_rate
                    loss = 0.0
                    mine = indices[accelerator.process_index :: accelerator.num_processes]
                    for rows in _cut(mine, options.micro_batch_size):
                        with meter.time("train/steps/batch"):
                            batch = encoder.collate(train.__getitems__(rows))
                            labels = batch.pop("labels")
                            hidden = known.hidden(rows) if known else None
                        with meter.time("train/steps/forward"):
                            if hidden is not None and start is not None:
                                logits = encoder.run_from(hidden, batch, start, wrapped=model)
                            else:
                                logits = model(**batch).logits
                        # Data parallel averages the gradients of the processes: times their number is the sum.
                        weight = accelerator.num_processes / max(1, int(labels_in[indices].sum()))
                        micro_loss = summed_loss(logits, labels) * weight
                        with meter.time("train/steps/backward"):
                            accelerator.backward(micro_loss)
                            loss += micro_loss.item()
                        shape = batch["input_ids"].shape
                        meter.trained(
                            examples=len(rows),
                            real_tokens=int(batch["attention_mask"].sum()),
                            padded_tokens=shape.numel(),
                            flops=flops.train_step(*shape),
                        )
                    course.check_finite(step, "the loss", loss)
                    with meter.time("train/steps/optimizer"):
                        row_gradients.complete()
                        norm = accelerator.clip_grad_norm_(encoder.model.parameters(), options.max_grad_norm)
                        course.check_finite(step, "the norm of the gradient", float(norm))
                        optimizer.step()
                        optimizer.zero_grad(set_to_none=True)
                        row_gradients.clear()
                course.step_done(step, loss, learning_rate)
                bar.advance(note=f"loss {loss:.3f}")
            course.epoch_done(epoch + 1, optimizer)
    course.finish()
    return classifier


def _cut(rows: list[int], size: int | None) -> list[list[int]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)] if size else [rows]

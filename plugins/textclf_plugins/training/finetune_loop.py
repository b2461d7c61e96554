"""The training loop of ``finetune``, written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs
from torch.nn.utils import get_total_norm

from textclf_core.encoder.tokenizing import rows_of
from textclf_core.system.memory import HeapTrimming, trim_heap
from textclf_core.tasks import kind_of
from textclf_core.training.batching import LengthGroupedBatches
from textclf_core.training.checkpoints import OptimizerState, optimizer_state_of, restore_optimizer_state
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.training.flops import count_flops
from textclf_core.training.frozen_prefix import FrozenPrefix, cached_prefix
from textclf_core.training.gradient_norms import GradientNorms
from textclf_core.training.parameters import decay_groups
from textclf_core.training.precision import training_dtype
from textclf_core.training.prefix_rows import PrefixRows
from textclf_core.training.row_gradients import RowGradients
from textclf_core.training.session import TrainingSession
from textclf_core.training.step_results import StepResults
from textclf_core.types.meter import STEPS

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace
    from textclf_plugins.training.finetune import Finetune


def finetune(
    options: Finetune,
    encoder: Encoder,
    data: DatasetDict,
    task: Task,
    seed: int,
    workspace: Workspace,
    progress: Progress,
    plan: Plan,
) -> EncoderClassifier:
    """Train what isn't frozen, phase by phase, and return the classifier.

    The loss of a step is the mean over its whole batch (in a task of tokens, over the batch's words), however the batch
    is cut into micro-batches and spread over processes, so neither changes the gradient.

    Raises:
        RunError: the loss or the gradient of a step isn't finite, or what a phase freezes was updated.
        UsageError: the checkpoint to resume from doesn't fit this run, or the device lacks the precision.
    """
    meter = workspace.meter
    # accelerate keeps a process's first device for good, and a process may run on a GPU and then on the CPU.
    AcceleratorState._reset_state(reset_partial_state=True)
    # No buffers go from process to process: none changes, and a model that is cut has none.
    handlers = [DistributedDataParallelKwargs(broadcast_buffers=False)]
    accelerator = Accelerator(cpu=workspace.device == "cpu", device_placement=False, kwargs_handlers=handlers)
    with meter.time("train/tokenize"):
        train = encoder.tokenize(data["train"], task, options)
        validation = encoder.tokenize(data["validation"], task, options)
    lengths, label_ids, device = [len(ids) for ids in train["input_ids"]], train["label"][:], encoder.model.device
    labels_in, train_rows = kind_of(task).loss_terms(train), rows_of(train)
    dtype = training_dtype(options.precision, device)
    mixed = dtype != torch.float32
    batches = LengthGroupedBatches(lengths, options.batch_size, seed)
    classifier = EncoderClassifier(encoder, task, options, progress)
    session = TrainingSession(options, classifier, train, validation, len(batches), seed, workspace, plan)
    optimizer_state: OptimizerState = session.resume(options.resume) if options.resume else {}

    known: PrefixRows | None = None
    start: int | None = None
    with progress.bar("train", session.total_steps) as bar:
        bar.skip(session.steps_done)
        for intervals in session.phases():
            # Within the last epoch, a deeper prefix than the one that is kept has too few rows to come.
            if options.prefix_cache and session.reads_every_row:
                prefix = cached_prefix(encoder, workspace.cache, meter, progress)
                if prefix:
                    _release_if_trained(prefix, workspace)
                known = prefix.training_rows(train) if prefix else None
                start = prefix.boundary if prefix and known else None
                if prefix and known:
                    with meter.time("train/validate"):
                        prefix.rows(validation)  # now, beside nothing that training keeps in memory
                    prefix.page_out()
                session.use_prefix(prefix if known else None)
            with encoder.computing_what_the_head_reads():
                flops = count_flops(encoder, start)
            model = accelerator.prepare_model(encoder.model)
            groups = decay_groups(encoder.model, options.weight_decay, plan.rate_factors(encoder))
            optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)
            restore_optimizer_state(encoder, optimizer, optimizer_state)
            trainable = [parameter for parameter in encoder.model.parameters() if parameter.requires_grad]
            row_gradients = RowGradients(encoder.model, processes=accelerator.num_processes)
            norms = GradientNorms(encoder) if plan.measures_gradients else None

            results, trimming = StepResults(session, bar, device), HeapTrimming()

            with encoder.frozen_in_eval(), row_gradients.collected(), encoder.computing_what_the_head_reads():
                for interval in intervals:
                    model.train()
                    of_interval = batches.epoch(interval.epoch)[interval.first : interval.end]
                    for step, indices in enumerate(of_interval, start=session.steps_done + 1):
                        with meter.time(STEPS):
                            trimming.before(step, len(indices) * max(lengths[row] for row in indices))
                            learning_rate = session.learning_rate(step)
                            for group in optimizer.param_groups:
                                group["lr"] = learning_rate * group["factor"]
                            loss = torch.zeros((), device=device)
                            mine = indices[accelerator.process_index :: accelerator.num_processes]
                            for rows in _cut(mine, options.micro_batch_size):
                                with meter.time("train/steps/batch"):
                                    hidden = known.hidden(rows) if known else None
                                    batch = None
                                    if known and known.only_first_token:
                                        labels = torch.tensor([label_ids[row] for row in rows], device=device)
                                    else:
                                        batch = encoder.collate([train_rows[row] for row in rows])
                                        labels = batch.pop("labels")
                                with (
                                    meter.time("train/steps/forward"),
                                    torch.autocast(device.type, dtype, enabled=mixed),
                                ):
                                    if hidden is not None and start is not None:
                                        logits = encoder.run_from(hidden, batch, start, wrapped=model)
                                    else:
                                        logits = model(**(batch or {})).logits
                                # Data parallel averages the gradients of the processes: times their number is the sum.
                                weight = accelerator.num_processes / max(1, int(labels_in[indices].sum()))
                                micro_loss = session.loss(logits, labels) * weight
                                with meter.time("train/steps/backward"):
                                    accelerator.backward(micro_loss)
                                    loss += micro_loss.detach()
                                longest = max(lengths[row] for row in rows)
                                meter.trained(
                                    examples=len(rows),
                                    non_padding_tokens=sum(lengths[row] for row in rows),
                                    padded_tokens=len(rows) * longest,
                                    flops=flops.train_step(len(rows), longest),
                                )
                            with meter.time("train/steps/optimizer"):
                                row_gradients.complete()
                                if norms:
                                    norms.step()
                                norm = get_total_norm([one.grad for one in trainable if one.grad is not None])
                                results.add(step, learning_rate, loss, norm)
                                # The optimizer's own step clips and leaves out what isn't finite, as for a GradScaler:
                                # that spares a pass over all gradients.
                                clip = ((norm + 1e-6) / options.max_grad_norm).clamp(min=1)
                                optimizer.grad_scale, optimizer.found_inf = clip, results.broken  # type: ignore[attr-defined]
                                optimizer.step()
                                optimizer.zero_grad(set_to_none=True)
                                row_gradients.clear()
                    results.look()
                    trim_heap()  # a checkpoint's copies come beside what stays
                    session.interval_done(interval, optimizer, norms.of_interval() if norms else None)
            optimizer_state = optimizer_state_of(encoder, optimizer)
            accelerator.free_memory()  # lets go of the model that it wrapped for this phase
    session.finish()
    trim_heap()  # what scores test comes beside what stays
    return session.classifier


def _cut(rows: list[int], size: int | None) -> list[list[int]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)] if size else [rows]


def _release_if_trained(prefix: FrozenPrefix, workspace: Workspace) -> None:
    """Let a prefix's output go when the next is written, if this run trained a part of it: no other run has it."""
    earlier = [phase.frozen_prefix for phase in workspace.events.phases[:-1]]
    if earlier and 1 + prefix.boundary > min(earlier):
        workspace.cache.release(prefix.key)

"""The training loop of ``finetune``: phases, steps and micro-batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from textclf_core.encoder.dropout import KeyedDropout
from textclf_core.encoder.tokenizing import rows_of
from textclf_core.system.memory import HeapTrimming, trim_heap
from textclf_core.tasks import kind_of
from textclf_core.training.batching import training_batches
from textclf_core.training.checkpoints import OptimizerState, optimizer_state_of, restore_optimizer_state
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.training.flops import EncoderFlops, count_flops
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
    import numpy as np
    from datasets import Dataset, DatasetDict
    from numpy.typing import NDArray

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.types.phases import Interval
    from textclf_core.types.progress import Bar, Progress
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
    """Train all parameters that aren't frozen, phase by phase, and return the classifier.

    The loss of a step is the mean over its whole batch (in a token task, over the batch's words). Dividing the batch
    into micro-batches or among processes doesn't change the gradient.

    Raises:
        RunError: the loss or the gradient of a step isn't finite, or a frozen parameter was updated.
        UsageError: the checkpoint to resume from doesn't fit this run, or the device doesn't support the precision.
    """
    meter = workspace.meter
    # accelerate keeps the first device of a process, but runs in one process may use different devices.
    AcceleratorState._reset_state(reset_partial_state=True)
    # Buffers aren't broadcast among processes: none changes, and a split model has none.
    handlers = [DistributedDataParallelKwargs(broadcast_buffers=False)]
    accelerator = Accelerator(cpu=workspace.device == "cpu", device_placement=False, kwargs_handlers=handlers)
    with meter.time("train/tokenize"):
        train = encoder.tokenize(data["train"], task, options)
        validation = encoder.tokenize(data["validation"], task, options)
    batches = training_batches(options, task, data["train"], train, seed)
    classifier = EncoderClassifier(encoder, task, options, progress)
    session = TrainingSession(options, classifier, train, validation, batches, workspace, plan)
    optimizer_state: OptimizerState = session.resume(options.resume) if options.resume else {}
    training = _Training(
        encoder=encoder,
        accelerator=accelerator,
        session=session,
        dropout=KeyedDropout(encoder.model, seed),
        lengths=batches.lengths,
        labels=train["label"][:],
        loss_terms=kind_of(task).loss_terms(train),
        rows=rows_of(train),
        dtype=training_dtype(options.precision, encoder.model.device),
    )
    prefix: PrefixRows | None = None
    with progress.bar("train", session.phases.total_steps) as bar:
        bar.skip(session.phases.state.steps_done)
        for intervals in session.phases:
            # In the last epoch, caching a deeper prefix no longer pays.
            if options.prefix_cache and session.phases.reads_every_row:
                prefix = _read_prefix(training, train, validation, progress)
            optimizer_state = _train_phase(training, intervals, prefix, optimizer_state, bar)
    trained = session.finish()
    trim_heap()  # before scoring needs its own memory
    return trained


@dataclass(frozen=True, kw_only=True)
class _Training:
    """The inputs of all phases.

    Attributes:
        labels: the labels of the rows of train.
        loss_terms: the number of labels of each row that enter the loss, int64, (rows,).
        rows: the tokenized rows of train, in memory.
        dtype: the dtype of matrix products; float32 means no autocast.
    """

    encoder: Encoder
    accelerator: Accelerator
    session: TrainingSession
    dropout: KeyedDropout
    lengths: Sequence[int]
    labels: Sequence[Any]
    loss_terms: NDArray[np.int64]
    rows: Sequence[dict[str, Any]]
    dtype: torch.dtype


@dataclass(frozen=True, kw_only=True)
class _Phase:
    """The inputs of the steps of one phase: the wrapped model, its optimizer, and the cached prefix."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    trainable: Sequence[nn.Parameter]
    row_gradients: RowGradients
    norms: GradientNorms | None
    flops: EncoderFlops
    prefix: PrefixRows | None


def _read_prefix(training: _Training, train: Dataset, validation: Dataset, progress: Progress) -> PrefixRows | None:
    """Compute the frozen prefix's output or read it from the cache; ``None`` without a cached prefix."""
    workspace = training.session.workspace
    prefix = cached_prefix(training.encoder, workspace.cache, workspace.meter, progress)
    if prefix:
        _release_if_trained(prefix, workspace)
    rows = prefix.training_rows(train) if prefix else None
    if prefix and rows:
        with workspace.meter.time("train/validate"):
            prefix.rows(validation)  # now, before training needs its memory
        prefix.page_out()
    training.session.use_prefix(prefix if rows else None)
    return rows


def _train_phase(
    training: _Training,
    intervals: Iterable[Interval],
    prefix: PrefixRows | None,
    optimizer_state: OptimizerState,
    bar: Bar,
) -> OptimizerState:
    """Train one phase, and return the optimizer's state for the next one."""
    encoder, session, options = training.encoder, training.session, training.session.options
    with encoder.computing_what_the_head_reads():
        flops = count_flops(encoder, prefix.boundary if prefix else None)
    model = training.accelerator.prepare_model(encoder.model)
    groups = decay_groups(encoder.model, options.weight_decay, session.plan.rate_factors(encoder))
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)
    restore_optimizer_state(encoder, optimizer, optimizer_state)
    phase = _Phase(
        model=model,
        optimizer=optimizer,
        trainable=[parameter for parameter in encoder.model.parameters() if parameter.requires_grad],
        row_gradients=RowGradients(encoder.model, processes=training.accelerator.num_processes),
        norms=GradientNorms(encoder) if session.plan.measures_gradients else None,
        flops=flops,
        prefix=prefix,
    )
    results, trimming = StepResults(session.steps, bar, encoder.model.device), HeapTrimming()
    with encoder.frozen_in_eval(), phase.row_gradients.collected(), encoder.computing_what_the_head_reads():
        for interval in intervals:
            model.train()
            of_interval = session.batches.epoch(interval.epoch)[interval.first : interval.end]
            for step, indices in enumerate(of_interval, start=session.phases.state.steps_done + 1):
                with session.workspace.meter.time(STEPS):
                    trimming.before(step, len(indices) * max(training.lengths[row] for row in indices))
                    _take_step(training, phase, step, indices, results)
            results.look()
            trim_heap()  # before a checkpoint copies the parameters
            session.interval_done(interval, optimizer, phase.norms.of_interval() if phase.norms else None)
    state = optimizer_state_of(encoder, optimizer)
    training.accelerator.free_memory()  # releases the wrapped model of this phase
    return state


def _take_step(training: _Training, phase: _Phase, step: int, indices: list[int], results: StepResults) -> None:
    """Take one optimizer step on the rows of a batch; this process computes its share of them."""
    session, accelerator, optimizer = training.session, training.accelerator, phase.optimizer
    options, learning_rate = session.options, session.phases.learning_rate(step)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["factor"]
    # Data parallel averages the gradients over processes; the factor makes it a sum.
    weight = accelerator.num_processes / max(1, int(training.loss_terms[indices].sum()))
    loss = torch.zeros((), device=training.encoder.model.device)
    mine = indices[accelerator.process_index :: accelerator.num_processes]
    for number, rows in enumerate(_split(mine, options.micro_batch_size)):
        loss += _train_micro_batch(training, phase, (step, accelerator.process_index, number), rows, weight)
    with session.workspace.meter.time("train/steps/optimizer"):
        phase.row_gradients.complete()
        if phase.norms:
            phase.norms.step()
        norm = get_total_norm([one.grad for one in phase.trainable if one.grad is not None])
        results.add(step, learning_rate, loss, norm)
        # The fused optimizer divides by grad_scale and skips steps with found_inf, as for a GradScaler: this saves a
        # pass over all gradients.
        clip = ((norm + 1e-6) / options.max_grad_norm).clamp(min=1)
        optimizer.grad_scale, optimizer.found_inf = clip, results.broken  # type: ignore[attr-defined]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        phase.row_gradients.clear()


def _train_micro_batch(
    training: _Training, phase: _Phase, place: tuple[int, int, int], rows: list[int], weight: float
) -> Tensor:
    """Add the gradients of the rows to the existing ones, and return the rows' weighted loss, a scalar.

    ``place`` is the step, the process, and the number of the micro-batch.
    """
    encoder, meter, prefix = training.encoder, training.session.workspace.meter, phase.prefix
    device = encoder.model.device
    with meter.time("train/steps/batch"):
        hidden = prefix.hidden(rows) if prefix else None
        batch = None
        if prefix and prefix.only_first_token:
            labels = torch.tensor([training.labels[row] for row in rows], device=device)
        else:
            batch = encoder.collate([training.rows[row] for row in rows])
            labels = batch.pop("labels")
    with (
        meter.time("train/steps/forward"),
        training.dropout.drawing(*place),
        torch.autocast(device.type, training.dtype, enabled=training.dtype != torch.float32),
    ):
        if prefix and hidden is not None:
            logits = encoder.run_from(hidden, batch, prefix.boundary, wrapped=phase.model)
        else:
            logits = phase.model(**(batch or {})).logits
    loss: Tensor = training.session.loss(logits, labels) * weight
    with meter.time("train/steps/backward"):
        training.accelerator.backward(loss)
    longest = max(training.lengths[row] for row in rows)
    meter.trained(
        examples=len(rows),
        non_padding_tokens=sum(training.lengths[row] for row in rows),
        padded_tokens=len(rows) * longest,
        flops=phase.flops.train_step(len(rows), longest),
    )
    return loss.detach()


def _split(rows: list[int], size: int | None) -> list[list[int]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)] if size else [rows]


def _release_if_trained(prefix: FrozenPrefix, workspace: Workspace) -> None:
    """Mark a prefix's output for removal if this run trained a part of the prefix, so that no other run has it."""
    earlier = [phase.frozen_prefix for phase in workspace.events.phases[:-1]]
    if earlier and 1 + prefix.boundary > min(earlier):
        workspace.cache.release(prefix.key)
